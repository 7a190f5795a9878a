"""What we ask of the carrier about the account itself: its state, its numbers, and where it takes their calls.

It changes where a number's calls go, and nothing else: it buys, releases and dials nothing. Never retries. Holds the
account's token and never shows it.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar
from urllib.parse import urljoin

import httpx2
import msgspec

from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable, LocalProtocolError

PRODUCTION_URL: Final = "https://api.twilio.com"

T = TypeVar("T")


class Account(msgspec.Struct, frozen=True):
    """The account: `status` is active, suspended or closed; `type` is Full or Trial. It knows its own primary token."""

    sid: str
    status: str
    type: str = ""
    auth_token: str = ""
    friendly_name: str = ""

    def __repr__(self) -> str:
        return f"Account({self.sid}, {self.status}, {self.type})"


class Number(msgspec.Struct, frozen=True):
    """A number of the account and where its calls go, in the carrier's own words. A trunk or an application wins."""

    sid: str
    phone_number: str
    friendly_name: str = ""
    voice_url: str | None = None
    voice_method: str | None = None
    voice_fallback_url: str | None = None
    voice_fallback_method: str | None = None
    status_callback: str | None = None
    status_callback_method: str | None = None
    voice_application_sid: str | None = None
    trunk_sid: str | None = None


class CarrierAccount:
    """One account, as its own token shows it. The client is given, and stays its owner's to close."""

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
        self._path = f"/2010-04-01/Accounts/{account_sid}"
        self._auth = httpx2.BasicAuth(account_sid, auth_token)
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._account_sid = account_sid

    def __repr__(self) -> str:
        return f"CarrierAccount({self._account_sid} at {self._base_url})"

    async def read(self) -> Account:
        """The account's state. Raises CarrierRefused or CarrierUnreachable, as all of these do."""
        return _read(await self._ask("GET", f"{self._path}.json"), Account)

    async def numbers(self) -> list[Number]:
        """Every number of the account, however many pages they fill."""
        found: list[Number] = []
        path = f"{self._path}/IncomingPhoneNumbers.json?PageSize={_PAGE}"
        for _ in range(_MOST_PAGES):
            page = _read(await self._ask("GET", path), _Page)
            found += page.incoming_phone_numbers
            if not page.next_page_uri:
                return found
            path = page.next_page_uri
            # The account's token goes nowhere but to the account's own numbers.
            if not path.startswith(f"{self._path}/IncomingPhoneNumbers"):
                raise CarrierUnreachable("the carrier's next page is not one of the account's numbers")
        raise CarrierUnreachable("the carrier's list of numbers has no end")

    async def change(self, number_sid: str, fields: dict[str, str]) -> Number:
        """Changes a number's fields, named as in `Number`; an empty text clears one. Answers what the number is now."""
        if not _NUMBER_SID.fullmatch(number_sid):
            raise LocalProtocolError("a number's SID is PN, letters and digits")
        form = {"".join(part.capitalize() for part in name.split("_")): value for name, value in fields.items()}
        return _read(await self._ask("POST", f"{self._path}/IncomingPhoneNumbers/{number_sid}.json", form), Number)

    async def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx2.Response:
        url = urljoin(self._base_url, path)
        try:
            answer = await self._client.request(method, url, data=form, auth=self._auth, timeout=self._timeout_s)
        except httpx2.HTTPError as fault:
            raise CarrierUnreachable(f"no answer from the carrier: {type(fault).__name__}: {fault}") from None
        raise_for_refusal(answer)
        return answer


def raise_for_refusal(answer: httpx2.Response) -> None:
    """Returns when the carrier did as it was asked; raises CarrierRefused or CarrierUnreachable."""
    if answer.is_success:
        return
    if answer.status_code == 429 or answer.status_code >= 500:
        raise CarrierUnreachable(f"the carrier answered HTTP {answer.status_code}")
    refusal = _refusal(answer.content)
    raise CarrierRefused(answer.status_code, refusal.code, refusal.message)


class _Page(msgspec.Struct, frozen=True):
    incoming_phone_numbers: list[Number]
    next_page_uri: str | None = None


_PAGE: Final = 100
_MOST_PAGES: Final = 100
_NUMBER_SID: Final = re.compile("PN[A-Za-z0-9]{1,62}")


def _read(answer: httpx2.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise CarrierRefused(answer.status_code, None, "the answer was not what the carrier's API gives") from None


class _Refusal(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str = ""


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Refusal(message="the answer was not JSON")
