"""Twilio's REST API over one account and its numbers, simulated: pages, error codes, and what it refuses to store.

It knows only what Twilio knows. `answer` goes under an HTTP client as its transport.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2

METHODS: Final = frozenset({"GET", "POST"})
FIELDS: Final = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
}


class TwilioAccount:
    """One account. `tokens` are all that let somebody in, the primary one first; `changes` is what was posted."""

    def __init__(self, sid: str, *tokens: str, status: str = "active", kind: str = "Full", page: int = 2) -> None:
        self.sid = sid
        self.tokens = list(tokens)
        self.status = status
        self.kind = kind
        self.numbers: dict[str, dict[str, Any]] = {}
        self.changes: list[tuple[str, dict[str, str]]] = []
        self.page = page
        self.down = False

    def add(self, e164: str, **fields: str) -> str:
        """Buys a number; answers its SID. A new number rings at the carrier's own demonstration."""
        sid = f"PN{len(self.numbers) + 1:032x}"
        self.numbers[sid] = {
            "sid": sid,
            "account_sid": self.sid,
            "phone_number": e164,
            "friendly_name": e164,
            "voice_url": "https://demo.twilio.com/welcome/voice/",
            "voice_method": "POST",
            "voice_fallback_url": "",
            "voice_fallback_method": "POST",
            "status_callback": "",
            "status_callback_method": "POST",
            "voice_application_sid": "",
            "trunk_sid": None,
            "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
            **fields,
        }
        return sid

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """What the API answers."""
        if self.down:
            return httpx2.Response(503, text="upstream connect error")
        url = urlsplit(str(request.url))
        found = re.fullmatch(r"/2010-04-01/Accounts/(\w+)(?:/IncomingPhoneNumbers(?:/(\w+))?)?\.json", url.path)
        if found is None:
            return _error(404, 20404, f"The requested resource {url.path} was not found")
        if not self._is_let_in(request, found[1]):
            return _error(401, 20003, "Authenticate")
        if "/IncomingPhoneNumbers" not in url.path:
            return self._account()
        if found[2] is None:
            return self._list(url.path, parse_qs(url.query))
        if found[2] not in self.numbers:
            return _error(404, 20404, f"The requested resource {url.path} was not found")
        return self._change(self.numbers[found[2]], dict(parse_qsl(request.content.decode(), keep_blank_values=True)))

    def _is_let_in(self, request: httpx2.Request, sid: str) -> bool:
        given = request.headers.get("authorization", "")
        known = [base64.b64encode(f"{self.sid}:{token}".encode()).decode() for token in self.tokens]
        return sid == self.sid and given in {f"Basic {one}" for one in known}

    def _account(self) -> httpx2.Response:
        values = {"sid": self.sid, "friendly_name": "Clinic", "status": self.status, "type": self.kind}
        return httpx2.Response(200, json={**values, "auth_token": self.tokens[0], "owner_account_sid": self.sid})

    def _list(self, path: str, query: dict[str, list[str]]) -> httpx2.Response:
        number, size = int(query.get("Page", ["0"])[0]), min(self.page, int(query.get("PageSize", ["50"])[0]))
        shown = list(self.numbers.values())[number * size : (number + 1) * size]
        more = (number + 1) * size < len(self.numbers)
        following = f"{path}?PageSize={size}&Page={number + 1}&PageToken=PA{number}" if more else None
        return httpx2.Response(
            200, json={"incoming_phone_numbers": shown, "next_page_uri": following, "page": number, "page_size": size}
        )

    def _change(self, number: dict[str, Any], form: dict[str, str]) -> httpx2.Response:
        for name, value in form.items():
            if name.endswith(("Url", "Callback")) and value and not re.match(r"https?://[^\s/]+", value):
                return _error(400, 21502, f"{name} is not valid: {value}")
            if name.endswith("Method") and value not in METHODS:
                return _error(400, 21403, f"{name} is not valid: {value}")
        # A parameter the API does not know is ignored, as the real one ignores it.
        known = {FIELDS[name]: value for name, value in form.items() if name in FIELDS}
        number.update(known)
        self.changes.append((number["phone_number"], known))
        return httpx2.Response(200, json=number)


def _error(status: int, code: int, message: str) -> httpx2.Response:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return httpx2.Response(status, json={"code": code, "message": message, "more_info": info, "status": status})
