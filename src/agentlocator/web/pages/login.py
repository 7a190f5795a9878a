"""Logging in with a password, and out.

Every refusal reads alike and takes alike, whether the person, the password or the code was wrong.
"""

from __future__ import annotations

import structlog
from starlette.responses import Response

from agentlocator.db.accounts import Account
from agentlocator.domain import accounts, throttle, totp
from agentlocator.domain.passwords import TooBusy
from agentlocator.web import door
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_log = structlog.stdlib.get_logger(__name__)


async def show(visit: Visit) -> Response:
    return visit.render("login.html", fault="", email="")


async def log_in(visit: Visit) -> Response:
    email = accounts.normal_email(visit.text("email"))
    of_account = throttle.of_account(email)
    async with visit.house.db.operator(writing=True) as operator:
        admitted = await throttle.admit(operator, [of_account, throttle.of_address(visit.address)], now=visit.now)
    if not admitted:
        _log.warning("login throttled", address=visit.address)
        return _refused(visit, email, said("Too many attempts. Try again in a few minutes."), 429)
    try:
        account = await _right_person(visit, email)
    except TooBusy:
        return _refused(visit, email, said("Too many people are logging in. Try again in a moment."), 503)
    if account is None:
        return _refused(visit, email, said("The details are not right."), 403)
    async with visit.house.db.operator(writing=True) as operator:
        await throttle.forgive(operator, of_account)
    return await let_in(visit, account.id)


async def let_in(visit: Visit, account_id: int) -> Response:
    """Log this browser in, with a session of its own; the one it had before ends."""
    previous = visit.request.cookies.get(door.cookie_name(visit.house), "")
    browser = visit.request.headers.get("user-agent", "")
    async with visit.house.db.operator(writing=True) as operator:
        old = await accounts.who(operator, previous, now=visit.now) if previous else None
        if old is not None:
            await accounts.close_session(operator, old[0].session_id)
        token = await accounts.open_session(operator, account_id, browser=browser, now=visit.now)
    response = visit.redirect("/")
    door.set_cookie(visit.house, response, token)
    return response


async def log_out(visit: Visit) -> Response:
    async with visit.house.db.operator(writing=True) as operator:
        await accounts.close_session(operator, visit.who.session_id)
    response = visit.redirect("/login")
    door.drop_cookie(visit.house, response)
    return response


async def _right_person(visit: Visit, email: str) -> Account | None:
    """The account, if the password is right, and the code of an operator as well."""
    async with visit.house.db.operator() as operator:
        account = await accounts.find_by_email(operator, email)
    right = await visit.house.passwords.verify(account.password_hash if account else None, visit.text("password"))
    if account is None or not right:
        return None
    if not account.is_operator:
        return account
    return account if await _right_code(visit, account) else None


async def _right_code(visit: Visit, account: Account) -> bool:
    if account.totp_secret is None:
        return False
    step = totp.step_of(
        account.totp_secret, visit.text("code"), now_s=visit.now.timestamp(), after_step=account.totp_step
    )
    if step is None:
        return False
    async with visit.house.db.operator(writing=True) as operator:
        return await accounts.use_totp_step(operator, account.id, step)


def _refused(visit: Visit, email: str, fault: str, status: int) -> Response:
    return visit.render("login.html", status, fault=visit.gettext(fault), email=email)
