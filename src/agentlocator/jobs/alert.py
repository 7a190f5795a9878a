"""Tells the installation's operator: by webhook, by e-mail, on WhatsApp, whichever he has given.

One channel that fails is tried again with the others; each knows a repeat by the alert's own key. It never decides
what an alert is.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx2
import msgspec

from agentlocator.clock import Clock
from agentlocator.jobs.telling import OutboxItem, Undeliverable
from agentlocator.jobs.webhook import Unanswered, signature

TIMEOUT_S: Final = 10
SUBJECT: Final = "AgentLocator: נדרשת תשומת לב"

WriteWhatsApp = Callable[[str, str], Awaitable[None]]
"""Sends a text to the operator's phone; the second argument tells a repeat."""


class Operator(msgspec.Struct, frozen=True):
    """Where the operator is told. `smtp_url` is smtp:// or smtps://, with user and password in it where needed."""

    webhook_url: str = ""
    webhook_secret: str = ""
    email: str = ""
    smtp_url: str = ""


class Alert:
    """The outbox handler for alerts."""

    def __init__(
        self, operator: Operator, http: httpx2.AsyncClient, *, clock: Clock, whatsapp: WriteWhatsApp | None = None
    ) -> None:
        self._operator = operator
        self._http = http
        self._clock = clock
        self._whatsapp = whatsapp

    async def __call__(self, item: OutboxItem) -> None:
        """Tells it everywhere. Raises Undeliverable when there is nobody to tell, Unanswered for one not reached."""
        text = str(item.payload.get("text", ""))
        ways: list[Awaitable[None]] = []
        if self._operator.webhook_url:
            ways.append(self._post(item))
        if self._operator.email:
            ways.append(asyncio.to_thread(self._mail, text, item.idempotency_key))
        if self._whatsapp is not None:
            ways.append(self._whatsapp(text, item.idempotency_key))
        if not ways:
            raise Undeliverable(
                "no operator is configured: set OPERATOR_WEBHOOK_URL, OPERATOR_EMAIL or OPERATOR_WHATSAPP"
            )
        failed = [fault for fault in await asyncio.gather(*ways, return_exceptions=True) if fault is not None]
        if failed:
            raise Unanswered("; ".join(f"{type(fault).__name__}: {fault}" for fault in failed))

    async def _post(self, item: OutboxItem) -> None:
        body = msgspec.json.encode({"id": item.idempotency_key, "kind": item.kind, "data": item.payload})
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": item.idempotency_key,
            "AgentLocator-Signature": signature(self._operator.webhook_secret, body, self._clock()),
        }
        answer = await self._http.post(
            self._operator.webhook_url, content=body, headers=headers, timeout=TIMEOUT_S, follow_redirects=False
        )
        if not answer.is_success:
            raise Unanswered(f"the operator's webhook answered {answer.status_code}")

    def _mail(self, text: str, key: str) -> None:
        server = urlsplit(self._operator.smtp_url)
        user = unquote(server.username or "")
        message = EmailMessage()
        message["Subject"] = SUBJECT
        message["From"] = user if "@" in user else self._operator.email
        message["To"] = self._operator.email
        message["Message-ID"] = f"<{key}@agentlocator>"
        message.set_content(text)
        connect = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
        with connect(server.hostname or "localhost", server.port or 0, timeout=TIMEOUT_S) as smtp:
            if server.scheme == "smtp" and smtp.has_extn("starttls"):
                smtp.starttls()
            if user:
                smtp.login(user, unquote(server.password or ""))
            smtp.send_message(message)
