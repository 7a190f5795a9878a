"""WhatsApp as the bridge's socket knows it: what people write waits until it is acknowledged, what is sent has an id.

A message that was emitted and not acknowledged comes again with the next connection; a message sent twice with one id
is one message to whoever gets it. It knows nothing of what it carries.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PAIRING_TEXT: Final = "2@simulated,pairing,text=="
_LOOK_S: Final = 25.0


class Delivered(msgspec.Struct, frozen=True):
    """A message on somebody's phone."""

    to: str
    text: str
    id: str


class Phones:
    """The people's phones, and the server between them and the bridge."""

    def __init__(self) -> None:
        self.delivered: list[Delivered] = []
        self.attempts = 0
        self.must_be_paired = False
        self._waiting: dict[int, dict[str, Any]] = {}
        self._emitted: set[int] = set()
        self._numbers = itertools.count(1)
        self._connections: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._connection = ""
        self.app = Starlette(
            routes=[
                Route("/next", self._next, methods=["POST"]),
                Route("/ack", self._ack, methods=["POST"]),
                Route("/sent", self._sent, methods=["POST"]),
            ]
        )

    def writes(self, phone: str, text: str, *, id: str, at: datetime) -> None:
        """Somebody writes. `phone` is in digits."""
        self.upserts({"conversation": text}, phone=phone, id=id, at=at)

    def upserts(self, message: dict[str, Any], *, phone: str, id: str, at: datetime, own: bool = False) -> None:
        """A message of any kind, as the protocol has it."""
        key = {"remoteJid": f"{phone}@s.whatsapp.net", "id": id, "fromMe": own}
        whole = {"key": key, "message": message, "messageTimestamp": int(at.timestamp()), "pushName": "דנה"}
        self._waiting[next(self._numbers)] = {
            "name": "messages.upsert",
            "value": {"type": "notify", "messages": [whole]},
        }
        self._changed.set()

    def scans(self) -> None:
        """The business's phone takes the code; WhatsApp asks for a new connection."""
        self.must_be_paired = False
        self.closes(515)

    def closes(self, status_code: int) -> None:
        """The connection breaks, for this reason."""
        error = {"output": {"statusCode": status_code}}
        self._tell({"connection": "close", "lastDisconnect": {"error": error}})

    def _tell(self, value: dict[str, Any]) -> None:
        self._connections.append({"name": "connection.update", "value": value})
        self._changed.set()

    async def _next(self, request: Request) -> Response:
        asked_by = (await request.json())["connection"]
        if asked_by != self._connection:
            self._connection = asked_by
            self._connections.clear()
            self._emitted.clear()
            self._tell({"qr": PAIRING_TEXT} if self.must_be_paired else {"connection": "open"})
        # Somebody else may have connected meanwhile: what is told then is not for this one.
        events: list[dict[str, Any]] = []
        while self._connection == asked_by and not (events := self._take()):
            self._changed.clear()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                break
        return JSONResponse({"events": events})

    def _take(self) -> list[dict[str, Any]]:
        told, self._connections = self._connections, []
        fresh = [number for number in self._waiting if number not in self._emitted]
        self._emitted.update(fresh)
        return told + [{"number": number, **self._waiting[number]} for number in fresh]

    async def _ack(self, request: Request) -> Response:
        self._waiting.pop((await request.json())["number"], None)
        return JSONResponse({})

    async def _sent(self, request: Request) -> Response:
        sent = await request.json()
        self.attempts += 1
        if all(one.id != sent["id"] for one in self.delivered):
            self.delivered.append(Delivered(sent["to"], sent["text"], sent["id"]))
        return JSONResponse({"key": {"id": sent["id"]}})
