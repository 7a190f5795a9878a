"""The Cloud API, simulated: people who write, signed webhooks, and sends refused as the real one refuses them.

It knows only what Meta knows: an app's secret and token, its phone ids, and who wrote when.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

WINDOW: Final = timedelta(hours=24)
# The real one tells again for days; it is as stubborn, and less patient.
TELLS: Final = 20
TELL_AGAIN_S: Final = 0.1


class Delivered(msgspec.Struct, frozen=True):
    """A message on somebody's phone; `template` is the name of the one it was made of, or empty."""

    line: str
    to: str
    text: str
    id: str
    template: str = ""


class CloudServer:
    """Meta's side of one app. `clock` is its own; `webhook_url` is where its webhooks go."""

    def __init__(
        self, app_secret: str, access_token: str, *, clock: Callable[[], datetime], webhook_url: str = ""
    ) -> None:
        self.delivered: list[Delivered] = []
        self.sent = asyncio.Event()
        self.webhook_url = webhook_url
        self._app_secret = app_secret
        self._access_token = access_token
        self._clock = clock
        self._wrote_at: dict[tuple[str, str], datetime] = {}
        self._numbers = itertools.count(1)
        self.app = Starlette(routes=[Route("/{version}/{line}/messages", self._messages, methods=["POST"])])

    async def writes(self, http: httpx2.AsyncClient, line: str, wa_id: str, text: str, *, times: int = 1) -> str:
        """Somebody writes to a line; the webhook is delivered `times` times. Answers the message's id."""
        number = next(self._numbers)
        self._wrote_at[(line, wa_id)] = self._clock()
        message_id = f"wamid.in{number}"
        message = {
            "from": wa_id,
            "id": message_id,
            "timestamp": str(int(self._clock().timestamp())),
            "type": "text",
            "text": {"body": text},
        }
        value = {"contacts": [{"profile": {"name": "דנה"}, "wa_id": wa_id}], "messages": [message]}
        for _ in range(times):
            await self._tell(http, line, value)
        return message_id

    async def reports(self, http: httpx2.AsyncClient, message: Delivered, status: str) -> None:
        """What became of a message that was sent."""
        stamp = str(int(self._clock().timestamp()))
        told = {"id": message.id, "status": status, "timestamp": stamp, "recipient_id": message.to}
        await self._tell(http, message.line, {"statuses": [told]})

    async def _tell(self, http: httpx2.AsyncClient, line: str, value: dict[str, Any]) -> None:
        metadata = {"display_phone_number": line, "phone_number_id": line}
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        changes = [{"field": "messages", "value": whole}]
        told = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
        # Meta writes everything beyond ASCII escaped, and signs what it wrote.
        body = msgspec.json.encode(told).decode().encode("ascii", "backslashreplace")
        mac = hmac.new(self._app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={mac}"}
        for _ in range(TELLS):
            answer = await http.post(self.webhook_url, content=body, headers=headers)
            if answer.status_code < 500:
                break
            await asyncio.sleep(TELL_AGAIN_S)
        answer.raise_for_status()

    async def _messages(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self._access_token}":
            return _refusal(401, 190, "Authentication Error")
        asked = msgspec.json.decode(await request.body())
        line, to, kind = request.path_params["line"], str(asked.get("to", "")), asked.get("type")
        if asked.get("messaging_product") != "whatsapp" or not to or kind not in ("text", "template"):
            return _refusal(400, 100, "Invalid parameter")
        wrote_at = self._wrote_at.get((line, to))
        is_open = wrote_at is not None and self._clock() - wrote_at < WINDOW
        if kind == "text" and not is_open:
            return _refusal(400, 131047, "Re-engagement message")
        message_id = f"wamid.out{next(self._numbers)}"
        self.delivered.append(_delivered(line, to, message_id, asked))
        self.sent.set()
        return JSONResponse({"messaging_product": "whatsapp", "messages": [{"id": message_id}]})


def _delivered(line: str, to: str, message_id: str, asked: dict[str, Any]) -> Delivered:
    if asked["type"] == "text":
        return Delivered(line, to, asked["text"]["body"], message_id)
    template = asked["template"]
    values = [one["text"] for part in template.get("components", []) for one in part["parameters"]]
    return Delivered(line, to, " ".join(values), message_id, template["name"])


def _refusal(status: int, code: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "OAuthException", "code": code}}, status_code=status)
