"""The dashboard's one door: from a request to a visit, or to "no".

Every page passes through here and names what it takes to see it; a page that names nothing does not exist. Whoever
is not logged in learns nothing, not even which businesses there are; a member of another business is told that there
is no such page. Nothing here knows what a page shows.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from agentlocator.domain import accounts
from agentlocator.domain.accounts import Who
from agentlocator.web.house import House
from agentlocator.web.visit import RANK, Visit

Needs = Literal["anyone", "account", "viewer", "staff", "owner", "operator"]
Handler = Callable[[Visit], Awaitable[Response]]

MAX_FORM_BYTES = 256 * 1024
# No row is numbered beyond what the databases can count.
MOST_ID = 2**62

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Page(msgspec.Struct, frozen=True):
    """An address, what it takes to come in, and who answers."""

    method: Literal["GET", "POST"]
    path: str
    needs: Needs
    handler: Handler


class Door:
    """Lets requests in to one page's handler."""

    def __init__(self, house: House, page: Page) -> None:
        self._house = house
        self._page = page

    async def open(self, request: Request) -> Response:
        """The page, or the refusal, with the headers that every answer carries."""
        visit = Visit(self._house, request)
        try:
            visit = await self._visit(request)
            response = await self._page.handler(visit)
        except _NotLoggedIn:
            response = visit.redirect("/login")
        except _NotEntered as outside:
            response = visit.redirect(f"/operator/enter?business={outside.business_id}")
        except HTTPException as no:
            reason = HTTPStatus(no.status_code).phrase
            response = visit.render("refusal.html", no.status_code, status_code=no.status_code, reason=reason)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _visit(self, request: Request) -> Visit:
        if any(isinstance(part, int) and part > MOST_ID for part in request.path_params.values()):
            raise HTTPException(404)
        token = request.cookies.get(cookie_name(self._house), "")
        form = await self._form(request)
        if self._page.needs == "anyone":
            return Visit(self._house, request, form=form)
        who = await self._who(token)
        csrf = _csrf(token)
        if request.method == "POST" and not hmac.compare_digest(_sent_token(request, form), csrf):
            raise HTTPException(403)
        business_id, role = self._seat(request, who)
        return Visit(self._house, request, who=who, csrf=csrf, business_id=business_id, role=role, form=form)

    async def _form(self, request: Request) -> FormData | None:
        if request.method != "POST":
            return None
        if not self._is_our_own(request):
            raise HTTPException(403)
        length = request.headers.get("content-length", "")
        # A body of unknown length could be any length.
        if not length.isdecimal() or int(length) > MAX_FORM_BYTES:
            raise HTTPException(413)
        return await request.form(max_files=0, max_fields=200, max_part_size=MAX_FORM_BYTES)

    def _is_our_own(self, request: Request) -> bool:
        """Whether a form was sent by a page of ours. A browser says so in one of two headers."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return request.headers.get("origin") == self._house.public_url

    async def _who(self, token: str) -> Who:
        if not token:
            raise _NotLoggedIn
        now = self._house.now()
        async with self._house.db.operator() as operator:
            found = await accounts.who(operator, token, now=now)
        if found is None:
            raise _NotLoggedIn
        who, is_due = found
        if is_due:
            async with self._house.db.operator(writing=True) as operator:
                await accounts.note_seen(operator, who.session_id, now=now)
        return who

    def _seat(self, request: Request, who: Who) -> tuple[int, str]:
        """The business of the address, and the visitor's role in it."""
        needs = self._page.needs
        if needs == "account":
            return 0, ""
        if needs == "operator":
            if not who.is_operator:
                raise HTTPException(404)
            return 0, ""
        business_id: Any = request.path_params["business_id"]
        role = who.role_in(business_id)
        if role is None and who.is_operator:
            raise _NotEntered(business_id)
        if role is None:
            raise HTTPException(404)
        if RANK[role] < RANK[needs]:
            raise HTTPException(403)
        return business_id, role


async def may_stay(visit: Visit, needs: Literal["viewer", "staff", "owner"]) -> bool:
    """Whether the right to an answer that goes on and on still holds: a stream ends with the session that opened it."""
    house = visit.house
    token = visit.request.cookies.get(cookie_name(house), "")
    async with house.db.operator() as operator:
        found = await accounts.who(operator, token, now=house.now())
    role = found[0].role_in(visit.business_id) if found else None
    return role is not None and RANK[role] >= RANK[needs]


class _NotLoggedIn(Exception):
    pass


class _NotEntered(Exception):
    """An operator before a business that he has given no reason to enter."""

    def __init__(self, business_id: int) -> None:
        super().__init__(business_id)
        self.business_id = business_id


def cookie_name(house: House) -> str:
    # A browser takes a __Host- cookie from this very origin only, and only over TLS.
    return "__Host-agentlocator" if house.is_secure else "agentlocator"


def set_cookie(house: House, response: Response, token: str) -> None:
    """Give a browser its session."""
    lasts_s = int(accounts.OLDEST.total_seconds())
    response.set_cookie(
        cookie_name(house), token, max_age=lasts_s, path="/", secure=house.is_secure, httponly=True, samesite="lax"
    )


def drop_cookie(house: House, response: Response) -> None:
    response.delete_cookie(cookie_name(house), path="/", secure=house.is_secure, httponly=True, samesite="lax")


def _csrf(token: str) -> str:
    """The session's own proof that a form is one of its pages'. It reveals nothing of the session's secret."""
    return hashlib.sha256(b"form:" + token.encode("utf-8", "replace")).hexdigest()


def _sent_token(request: Request, form: FormData | None) -> str:
    sent = request.headers.get("x-csrf-token") or (form.get("csrf") if form else "") or ""
    return sent if isinstance(sent, str) and sent.isascii() else ""
