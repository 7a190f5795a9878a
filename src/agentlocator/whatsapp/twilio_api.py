"""Sends WhatsApp messages through Twilio. The client is given; it never retries and never shows the token.

Outside of the 24-hour window Twilio takes a text and fails it later: the report says so, not this answer.
"""

from __future__ import annotations

import httpx2

from agentlocator.twilio.account import PRODUCTION_URL
from agentlocator.whatsapp import twilio_form
from agentlocator.whatsapp.http_answer import json_object
from agentlocator.whatsapp.messages import NotYet, Outgoing, Refused, Unreachable

PATIENCE_S = 10.0


class TwilioApi:
    """One account's WhatsApp senders. `status_url` is where reports of deliveries are to come."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        account_sid: str,
        auth_token: str,
        *,
        status_url: str,
        base_url: str = PRODUCTION_URL,
        timeout_s: float = 10,
    ) -> None:
        self._client = client
        self._auth = httpx2.BasicAuth(account_sid, auth_token)
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._status_url = status_url
        self._timeout_s = timeout_s

    async def send(self, outgoing: Outgoing) -> str:
        """See `Transport`. The address is the sender, `whatsapp:+972…`."""
        form = twilio_form.serialize(outgoing, self._status_url)
        try:
            answer = await self._client.post(self._url, data=form, auth=self._auth, timeout=self._timeout_s)
        except httpx2.HTTPError as fault:
            raise Unreachable(f"Twilio gave no answer: {type(fault).__name__}") from None
        body = json_object(answer.content)
        if answer.is_success and isinstance(body.get("sid"), str):
            return str(body["sid"])
        code = body.get("code", 0)
        if answer.status_code == 429 or code in twilio_form.PATIENCE_CODES:
            raise NotYet(PATIENCE_S, f"Twilio asks for patience: {code}")
        if answer.is_success or answer.status_code >= 500 or answer.status_code == 401:
            raise Unreachable(f"Twilio answered HTTP {answer.status_code}, code {code}")
        raise Refused(str(code), is_window=code == twilio_form.WINDOW_CODE)
