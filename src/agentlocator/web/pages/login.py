"""Logging in with a password, and out.

Every refusal reads alike and takes alike, whether the person, the password or the code was wrong.
"""

from __future__ import annotations

import structlog
from starlette.responses import Response

from agentlocator.db.accounts import Account
from agentlocator.domain import account_events, accounts, operator_entries, second_factor, throttle
from agentlocator.domain.account_events import Kind
from agentlocator.domain.passwords import TooBusy
from agentlocator.domain.vault import WrongKey
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
        await _note_refusal(visit, email, "login_throttled")
        return _refused(visit, email, said("Too many attempts. Try again in a few minutes."), 429)
    try:
        account = await _right_person(visit, email)
    except TooBusy:
        return _refused(visit, email, said("Too many people are logging in. Try again in a moment."), 503)
    if account is None:
        await _note_refusal(visit, email, "login_failed")
        return _refused(visit, email, said("The details are not right."), 403)
    async with visit.house.db.operator(writing=True) as operator:
        await throttle.forgive(operator, of_account)
    return await let_in(visit, account.id, "login")


async def let_in(visit: Visit, account_id: int, how: Kind, to: str = "/") -> Response:
    """Log this browser in, with a session of its own; the one it had before ends."""
    previous = visit.request.cookies.get(door.cookie_name(visit.house), "")
    browser = visit.request.headers.get("user-agent", "")
    async with visit.house.db.operator(writing=True) as operator:
        old = await accounts.who(operator, previous, now=visit.now) if previous else None
        if old is not None:
            await accounts.close_session(operator, old[0].session_id)
        token = await accounts.open_session(operator, account_id, browser=browser, now=visit.now)
        await account_events.note(operator, how, account_id, actor="", at=visit.now, origin=visit.origin)
    response = visit.redirect(to)
    door.set_cookie(visit.house, response, token)
    return response


async def log_out(visit: Visit) -> Response:
    async with visit.house.db.operator(writing=True) as operator:
        await accounts.close_session(operator, visit.who.session_id)
        await operator_entries.leave(operator, visit.who.account_id, now=visit.now)
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
    vault = visit.house.vault
    try:
        step = second_factor.step_of(vault, account, visit.text("code"), now=visit.now)
    except WrongKey as fault:
        _log.error("ALARM", alarm="vault_shut", detail=str(fault))
        return False
    if step is None:
        return False
    async with visit.house.db.operator(writing=True) as operator:
        return await second_factor.use(operator, vault, account, step)


async def _note_refusal(visit: Visit, email: str, kind: Kind) -> None:
    async with visit.house.db.operator(writing=True) as operator:
        account = await accounts.find_by_email(operator, email)
        account_id = account.id if account else None
        await account_events.note(operator, kind, account_id, actor="", at=visit.now, origin=visit.origin)


def _refused(visit: Visit, email: str, fault: str, status: int) -> Response:
    return visit.render("login.html", status, fault=visit.gettext(fault), email=email)
