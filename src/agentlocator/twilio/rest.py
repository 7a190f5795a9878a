"""What we ask of the carrier about a live call, over its REST API: to end it, or to go on otherwise.

With `account`, the only I/O of this package. Never retries and never dials: both are decisions. Holds the account's
token and never shows it.
"""

from __future__ import annotations

import re
from typing import Final

import httpx2
import msgspec

from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable, LocalProtocolError

PRODUCTION_URL: Final = "https://api.twilio.com"


class LiveCalls:
    """One account's calls in progress. The client is given, and stays its owner's to close."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        account_sid: str,
        auth_token: str,
        *,
        base_url: str = PRODUCTION_URL,
        timeout_s: float = 10,
    ) -> None:
        self._client = client
        self._account_sid = account_sid
        self._auth = httpx2.BasicAuth(account_sid, auth_token)
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"LiveCalls({self._account_sid} at {self._base_url})"

    async def hang_up(self, call_sid: str) -> bool:
        """Ends the call. False when it had already ended; raises CarrierRefused or CarrierUnreachable."""
        return await self._update(call_sid, {"Status": "completed"})

    async def update_twiml(self, call_sid: str, twiml: str) -> bool:
        """Ends what the call is doing (its stream, too) and does this instead. False when it had already ended."""
        return await self._update(call_sid, {"Twiml": twiml})

    async def _update(self, call_sid: str, form: dict[str, str]) -> bool:
        if not _CALL_SID.fullmatch(call_sid):
            raise LocalProtocolError("a call SID is letters and digits")
        url = f"{self._base_url}/2010-04-01/Accounts/{self._account_sid}/Calls/{call_sid}.json"
        try:
            answer = await self._client.post(url, data=form, auth=self._auth, timeout=self._timeout_s)
        except httpx2.HTTPError as fault:
            raise CarrierUnreachable(f"no answer from the carrier: {type(fault).__name__}: {fault}") from None
        try:
            raise_for_refusal(answer)
        except CarrierRefused as refusal:
            if refusal.code in _ALREADY_ENDED:
                return False
            raise
        return True


def raise_for_refusal(answer: httpx2.Response) -> None:
    """Returns when the carrier did as it was asked; raises CarrierRefused or CarrierUnreachable."""
    if answer.is_success:
        return
    if answer.status_code == 429 or answer.status_code >= 500:
        raise CarrierUnreachable(f"the carrier answered HTTP {answer.status_code}")
    refusal = _refusal(answer.content)
    raise CarrierRefused(answer.status_code, refusal.code, refusal.message)


_CALL_SID: Final = re.compile("[A-Za-z0-9]{1,64}")
_ALREADY_ENDED: Final = frozenset({20404, 21220})


class _Refusal(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str = ""


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Refusal(message="the answer was not JSON")
