"""A person's own account: his password, the browsers he is logged in with, and who tried to come in as him."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from agentlocator.domain import account_events, accounts, passwords, throttle
from agentlocator.domain.passwords import TooBusy
from agentlocator.web import door
from agentlocator.web.pages import login
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_EVENTS: Final = {
    "login": said("Logged in"),
    "login_by_link": said("Came in by a link"),
    "login_by_invitation": said("Came in by an invitation"),
    "login_by_provider": said("Came in through the sign-in provider"),
    "login_failed": said("Wrong password or code"),
    "login_throttled": said("Too many attempts, refused"),
    "password_changed": said("New password"),
    "session_ended": said("A browser was logged out"),
    "logged_out_everywhere": said("Logged out everywhere"),
    "link_made": said("A link was made"),
    "second_factor_made": said("New authenticator"),
}
_BAD: Final = frozenset({"login_failed", "login_throttled"})


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def change_password(visit: Visit) -> Response:
    """A new password for who knows the old one. Every other browser is out; this one gets a new session."""
    new = visit.text("new")
    if not passwords.LEAST_LENGTH <= len(new) <= passwords.MOST_LENGTH:
        return await _page(visit, said("A new password of ten characters or more."), 422)
    async with visit.house.db.operator(writing=True) as operator:
        # Whoever sits at a forgotten browser may not guess without end either.
        if not await throttle.admit(operator, [throttle.of_account(visit.who.email)], now=visit.now):
            return await _page(visit, said("Too many attempts. Try again in a few minutes."), 429)
    async with visit.house.db.operator() as operator:
        account = await accounts.find_by_email(operator, visit.who.email)
    assert account is not None, "he is logged in with it"
    try:
        known = account.password_hash
        if known is not None and not await visit.house.passwords.verify(known, visit.text("current")):
            return await _page(visit, said("The present password is not right."), 403)
        password_hash = await visit.house.passwords.hash(new)
    except TooBusy:
        return await _page(visit, said("Too many people are logging in. Try again in a moment."), 503)
    async with visit.house.db.operator(writing=True) as operator:
        await accounts.set_password(operator, account.id, password_hash)
        await throttle.forgive(operator, throttle.of_account(visit.who.email))
        await account_events.note(
            operator, "password_changed", account.id, actor=visit.actor, at=visit.now, origin=visit.origin
        )
    return await login.let_in(visit, account.id, "login", "/account")


async def end_session(visit: Visit) -> Response:
    """Logs one browser out, or all of them, this one too."""
    which, who = visit.text("session"), visit.who
    if which and not (which.isdecimal() and int(which) <= door.MOST_ID):
        visit.missing()
    async with visit.house.db.operator(writing=True) as operator:
        if not which:
            await accounts.close_all_sessions(operator, who.account_id)
        elif not await accounts.close_own_session(operator, who.account_id, int(which)):
            visit.missing()
        kind: account_events.Kind = "session_ended" if which else "logged_out_everywhere"
        await account_events.note(operator, kind, who.account_id, actor=visit.actor, at=visit.now, origin=visit.origin)
    if which and int(which) != who.session_id:
        return visit.redirect("/account")
    response = visit.redirect("/login")
    door.drop_cookie(visit.house, response)
    return response


async def _page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    async with visit.house.db.operator() as operator:
        sessions = await accounts.sessions(operator, visit.who.account_id, now=visit.now)
        events = await account_events.of_account(operator, visit.who.account_id)
    return visit.render(
        "account.html",
        status,
        sessions=sessions,
        events=[(event, _EVENTS.get(event.kind, event.kind), event.kind in _BAD) for event in events],
        fault=visit.gettext(fault) if fault else "",
    )
