"""Twilio's WhatsApp senders, simulated: signed forms for what people write, and texts out of time that fail later.

It knows only what Twilio knows: an account and its token, and who wrote when.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

WINDOW: Final = timedelta(hours=24)
MAX_TEXT: Final = 1600


class TwilioServer:
    """One account. `delivered` are the forms of messages that reached a phone, `late_failures` those that did not."""

    def __init__(self, account_sid: str, auth_token: str, *, clock: Callable[[], datetime]) -> None:
        self.delivered: list[dict[str, str]] = []
        self.late_failures: list[dict[str, str]] = []
        self.sent = asyncio.Event()
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._clock = clock
        self._wrote_at: dict[tuple[str, str], datetime] = {}
        self._numbers = itertools.count(1)
        self.app = Starlette(
            routes=[Route("/2010-04-01/Accounts/{account}/Messages.json", self._messages, methods=["POST"])]
        )

    async def writes(
        self, http: httpx2.AsyncClient, url: str, *, line: str, phone: str, text: str, **more: str
    ) -> httpx2.Response:
        """Somebody writes; gives our answer to the webhook at `url`."""
        sender = f"whatsapp:{phone}"
        self._wrote_at[(line, sender)] = self._clock()
        sid = f"SM{next(self._numbers):032x}"
        form = {
            "MessageSid": sid,
            "AccountSid": self._account_sid,
            "From": sender,
            "To": line,
            "Body": text,
            "WaId": phone.lstrip("+"),
            "NumMedia": "0",
            **more,
        }
        return await self._post(http, url, form)

    async def report_failures(self, http: httpx2.AsyncClient) -> None:
        """Tell of the messages that were taken and could not be delivered."""
        while self.late_failures:
            sent = self.late_failures.pop(0)
            told = {
                "MessageSid": sent["Sid"],
                "MessageStatus": "undelivered",
                "ErrorCode": "63016",
                "From": sent["From"],
                "To": sent["To"],
            }
            await self._post(http, sent["StatusCallback"], told)

    async def _post(self, http: httpx2.AsyncClient, url: str, form: dict[str, str]) -> httpx2.Response:
        signed = url + "".join(name + form[name] for name in sorted(form))
        mac = base64.b64encode(hmac.new(self._auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"X-Twilio-Signature": mac, "Content-Type": "application/x-www-form-urlencoded"}
        return await http.post(url, content=urlencode(form), headers=headers)

    async def _messages(self, request: Request) -> Response:
        expected = base64.b64encode(f"{self._account_sid}:{self._auth_token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return JSONResponse({"code": 20003, "message": "Authenticate"}, status_code=401)
        given = await request.form()
        form = {name: str(value) for name, value in given.items()}
        if not form.get("To", "").startswith("whatsapp:") or not form.get("From", "").startswith("whatsapp:"):
            return JSONResponse({"code": 21211, "message": "Invalid 'To' Phone Number"}, status_code=400)
        if len(form.get("Body", "")) > MAX_TEXT:
            return JSONResponse({"code": 21617, "message": "The concatenated message body exceeds"}, status_code=400)
        form["Sid"] = f"SM{next(self._numbers):032x}"
        wrote_at = self._wrote_at.get((form["From"], form["To"]))
        is_open = wrote_at is not None and self._clock() - wrote_at < WINDOW
        # A text out of time is taken all the same; that it failed is told later.
        (self.delivered if is_open or "ContentSid" in form else self.late_failures).append(form)
        self.sent.set()
        return JSONResponse({"sid": form["Sid"], "status": "queued"}, status_code=201)
