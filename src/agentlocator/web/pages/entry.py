"""Links that let somebody in once: an invitation into a business, or a way in that the command line made.

Opening one only shows it: a messenger that looks at the link for a preview must not use it up.
"""

from __future__ import annotations

from starlette.responses import Response

from agentlocator.db.accounts import EntryLink
from agentlocator.domain import accounts, passwords, throttle
from agentlocator.domain.accounts import Invitation
from agentlocator.domain.passwords import TooBusy
from agentlocator.web.pages import login
from agentlocator.web.visit import Visit
from agentlocator.web.words import said


async def show(visit: Visit) -> Response:
    link = await _link(visit)
    return _page(visit, link)


async def enter(visit: Visit) -> Response:
    link = await _link(visit)
    if link.role is None:
        return await _come_in(visit)
    try:
        return await _join(visit, link)
    except TooBusy:
        return _page(visit, link, said("Too many people are logging in. Try again in a moment."), 503)


async def _link(visit: Visit) -> Invitation:
    async with visit.house.db.operator() as operator:
        link = await accounts.read_link(operator, visit.request.path_params["token"], now=visit.now)
    return link or visit.missing()


async def _come_in(visit: Visit) -> Response:
    used = await _used(visit)
    assert used.account_id is not None, "a link without a role is an account's own"
    return await login.let_in(visit, used.account_id, "login_by_link")


async def _join(visit: Visit, link: Invitation) -> Response:
    """Take the invited role, as a new person, or as one who proves to be known by his password."""
    email, password = accounts.normal_email(visit.text("email")), visit.text("password")
    if "@" not in email or not passwords.LEAST_LENGTH <= len(password) <= passwords.MOST_LENGTH:
        return _page(visit, link, said("An e-mail address, and a password of ten characters or more."), 422)
    async with visit.house.db.operator(writing=True) as operator:
        allowed = [throttle.of_account(email), throttle.of_address(visit.address)]
        if not await throttle.admit(operator, allowed, now=visit.now):
            return _page(visit, link, said("Too many attempts. Try again in a few minutes."), 429)
    async with visit.house.db.operator() as operator:
        known = await accounts.find_by_email(operator, email)
    if known is not None and (
        known.is_operator or not await visit.house.passwords.verify(known.password_hash, password)
    ):
        return _page(visit, link, said("The details are not right."), 403)
    password_hash = await visit.house.passwords.hash(password)
    used = await _used(visit)
    assert used.business_id is not None, "an invitation names its business"
    async with visit.house.db.operator(writing=True) as operator:
        account = known or await accounts.add(
            operator, email=email, name=visit.text("name"), password_hash=password_hash, now=visit.now
        )
        await throttle.forgive(operator, throttle.of_account(email))
        await accounts.set_role(operator, used.business_id, account.id, used.role, actor=email, now=visit.now)
    return await login.let_in(visit, account.id, "login_by_invitation")


async def _used(visit: Visit) -> EntryLink:
    async with visit.house.db.operator(writing=True) as operator:
        used = await accounts.use_link(operator, visit.request.path_params["token"], now=visit.now)
    return used or visit.missing()


def _page(visit: Visit, link: Invitation, fault: str = "", status: int = 200) -> Response:
    return visit.render(
        "entry.html", status, link=link, fault=visit.gettext(fault) if fault else "", email=visit.text("email")
    )
