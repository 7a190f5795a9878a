"""Sends through the Cloud API. The client is given and stays its owner's; it never retries and never shows the token.

The API has no idempotency key: a message whose answer was lost may be sent twice, and a lost one would be worse.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2

from agentlocator.whatsapp import cloud
from agentlocator.whatsapp.http_answer import json_object
from agentlocator.whatsapp.messages import NotYet, Outgoing, Refused, Unreachable

PRODUCTION_URL: Final = "https://graph.facebook.com"
VERSION: Final = "v24.0"
PATIENCE_S: Final = 10.0


class CloudApi:
    """The Cloud API for every line of one app."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        access_token: str,
        *,
        base_url: str = PRODUCTION_URL,
        version: str = VERSION,
        timeout_s: float = 10,
    ) -> None:
        self._client = client
        self._access_token = access_token
        self._base_url = f"{base_url.rstrip('/')}/{version}"
        self._timeout_s = timeout_s

    async def send(self, outgoing: Outgoing) -> str:
        """See `Transport`. The address is the line's phone_number_id."""
        if not outgoing.address.isdecimal():
            raise Refused("address", "a phone_number_id is digits")
        try:
            answer = await self._client.post(
                f"{self._base_url}/{outgoing.address}/messages",
                json=cloud.serialize(outgoing),
                headers={"Authorization": f"Bearer {self._access_token}"},
                timeout=self._timeout_s,
            )
        except httpx2.HTTPError as fault:
            raise Unreachable(f"the Cloud API gave no answer: {type(fault).__name__}") from None
        body = json_object(answer.content)
        if answer.is_success:
            return _message_id(body)
        code = _code(body)
        if code in cloud.PATIENCE_CODES or answer.status_code == 429:
            raise NotYet(PATIENCE_S, f"the Cloud API asks for patience: {code}")
        # 190: the token ran out. Somebody renews it, and then the message goes.
        if answer.status_code >= 500 or code == 190 or answer.status_code == 401:
            raise Unreachable(f"the Cloud API answered HTTP {answer.status_code}, code {code}")
        raise Refused(str(code), is_window=code in cloud.WINDOW_CODES)


def _message_id(body: dict[str, Any]) -> str:
    try:
        return str(body["messages"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise Unreachable("the Cloud API took a message and gave it no id") from None


def _code(body: dict[str, Any]) -> int:
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0
