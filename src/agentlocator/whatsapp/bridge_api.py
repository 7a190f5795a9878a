"""Asks the bridge: to send, how a session is, to pair, to log out. It decides nothing and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2
import msgspec

from agentlocator.whatsapp import bridge
from agentlocator.whatsapp.bridge import Health
from agentlocator.whatsapp.http_answer import json_object
from agentlocator.whatsapp.messages import NotYet, Outgoing, Refused, Unreachable


class BridgeApi:
    """The bridge at an address of the internal network."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        base_url: str,
        secret: str,
        *,
        clock: Callable[[], datetime],
        timeout_s: float = 15,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._clock = clock
        self._timeout_s = timeout_s

    async def send(self, outgoing: Outgoing) -> str:
        """See `Transport`. The address is the session. A template is no thing here: its words are sent."""
        answer = await self._ask(
            "POST", "/send", bridge.to_send(outgoing.address, outgoing.to, outgoing.text, outgoing.key)
        )
        body = json_object(answer.content)
        if answer.is_success and isinstance(body.get("id"), str):
            return f"{outgoing.to}/{body['id']}"
        if answer.status_code in (429, 503):
            raise NotYet(float(body.get("wait_s", 30)), str(body.get("error", "")))
        if answer.is_success or answer.status_code >= 500 or answer.status_code in (401, 403):
            raise Unreachable(f"the bridge answered HTTP {answer.status_code}")
        raise Refused(str(body.get("error", answer.status_code)))

    async def health(self, session: str) -> Health:
        """How a session is; raises Unreachable."""
        answer = await self._ask("POST", "/status", {"session": session})
        if not answer.is_success:
            raise Unreachable(f"the bridge answered HTTP {answer.status_code}")
        return bridge.health(answer.content)

    async def pair(self, session: str, *, phone: str = "") -> Health:
        """Begin to pair: by QR, or by code for a phone given in digits; raises Unreachable."""
        answer = await self._ask("POST", "/pair", {"session": session, "phone": phone})
        if not answer.is_success:
            raise Unreachable(f"the bridge answered HTTP {answer.status_code}")
        return bridge.health(answer.content)

    async def log_out(self, session: str) -> None:
        """End a session and forget its keys; raises Unreachable."""
        answer = await self._ask("POST", "/logout", {"session": session})
        if not answer.is_success:
            raise Unreachable(f"the bridge answered HTTP {answer.status_code}")

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> httpx2.Response:
        content = msgspec.json.encode(body)
        signed = bridge.headers(method, path, content, secret=self._secret, now=self._clock())
        try:
            return await self._client.request(
                method,
                self._base_url + path,
                content=content,
                headers={**signed, "Content-Type": "application/json"},
                timeout=self._timeout_s,
            )
        except httpx2.HTTPError as fault:
            raise Unreachable(f"the bridge gave no answer: {type(fault).__name__}") from None
