"""Logging in through the deployment's sign-in provider. Only people who have an account here come in.

Operators do not: their second factor is ours. What the attempt needs lies sealed in the browser's own cookie meanwhile.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec
import structlog
from starlette.responses import Response

from agentlocator.domain import account_events, accounts
from agentlocator.domain.vault import WrongKey
from agentlocator.web.pages import login
from agentlocator.web.single_sign_on import Challenge, SignInRefused, SingleSignOn
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

PATH: Final = "/login/provider"
CALLBACK: Final = "/login/provider/callback"
LASTS_S: Final = 600
_SEAL: Final = "sign-on"

_log = structlog.stdlib.get_logger(__name__)


async def begin(visit: Visit) -> Response:
    """Sends the browser to the provider."""
    provider = _provider(visit)
    challenge = Challenge.new(int(visit.now.timestamp()) + LASTS_S)
    try:
        there = await provider.address(challenge)
    except SignInRefused as no:
        return _refused(visit, str(no))
    response = visit.redirect(there)
    sealed = visit.house.vault.seal(_SEAL, msgspec.json.encode(challenge).decode())
    # Lax, because the provider sends the browser back from another site.
    response.set_cookie(
        _cookie(visit), sealed, max_age=LASTS_S, path="/", secure=visit.house.is_secure, httponly=True, samesite="lax"
    )
    return response


async def come_back(visit: Visit) -> Response:
    """The provider sent the browser back: with a code, or with its refusal."""
    provider = _provider(visit)
    query = visit.request.query_params
    challenge = _challenge(visit)
    if challenge is None or not hmac.compare_digest(challenge.state.encode(), query.get("state", "").encode()):
        return _refused(visit, "the answer belongs to no sign-in of this browser")
    if "code" not in query:
        return _refused(visit, "the provider refused")
    try:
        email = await provider.email(challenge, query["code"])
    except SignInRefused as no:
        return _refused(visit, str(no))
    async with visit.house.db.operator(writing=True) as operator:
        account = await accounts.find_by_email(operator, email)
        if account is None or account.is_operator:
            account_id = account.id if account else None
            await account_events.note(operator, "login_failed", account_id, actor="", at=visit.now, origin=visit.origin)
            account = None
    if account is None:
        return _refused(visit, "nobody with that address may come in this way")
    response = await login.let_in(visit, account.id, "login_by_provider")
    response.delete_cookie(_cookie(visit), path="/", secure=visit.house.is_secure, httponly=True, samesite="lax")
    return response


def _provider(visit: Visit) -> SingleSignOn:
    return visit.house.single_sign_on or visit.missing()


def _challenge(visit: Visit) -> Challenge | None:
    try:
        opened = visit.house.vault.open(_SEAL, visit.request.cookies.get(_cookie(visit), ""))
        challenge = msgspec.json.decode(opened, type=Challenge)
    except (WrongKey, msgspec.DecodeError):
        return None
    return challenge if challenge.expires_at_s > visit.now.timestamp() else None


def _cookie(visit: Visit) -> str:
    return "__Host-agentlocator-sign-on" if visit.house.is_secure else "agentlocator-sign-on"


def _refused(visit: Visit, why: str) -> Response:
    _log.warning("sign-in refused", why=why, address=visit.address)
    fault = visit.gettext(said("Signing in did not work. Try again, or use your password."))
    response = visit.render("login.html", 403, fault=fault, email="")
    response.delete_cookie(_cookie(visit), path="/", secure=visit.house.is_secure, httponly=True, samesite="lax")
    return response
