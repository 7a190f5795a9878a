"""The people of a business: who may look, as what, and inviting another."""

from __future__ import annotations

from starlette.responses import Response

from agentlocator.domain import accounts, operator_entries
from agentlocator.domain.schedules import BadSetting
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FAULTS = {"last_owner": said("A business keeps at least one owner.")}


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def invite(visit: Visit) -> Response:
    """Makes an invitation; its link is shown this once."""
    try:
        async with visit.house.db.operator(writing=True) as operator:
            token = await accounts.invite(
                operator, visit.business_id, visit.text("role"), actor=visit.actor, now=visit.now
            )
    except BadSetting:
        visit.missing()
    return await _page(visit, invitation=f"{visit.house.public_url}/entry/{token}")


async def change(visit: Visit) -> Response:
    """Gives a member another role, or none."""
    account_id = visit.request.path_params["account_id"]
    async with visit.house.db.operator() as operator:
        known = {member.account_id for member in await accounts.members(operator, visit.business_id)}
    if account_id not in known:
        visit.missing()
    try:
        async with visit.house.db.operator(writing=True) as operator:
            role = visit.text("role") or None
            await accounts.set_role(operator, visit.business_id, account_id, role, actor=visit.actor, now=visit.now)
    except BadSetting as no:
        fault = _FAULTS.get(no.code)
        if fault is None:
            visit.missing()
        return await _page(visit, fault=visit.gettext(fault), status=422)
    return visit.redirect(visit.url("members"))


async def _page(visit: Visit, *, invitation: str = "", fault: str = "", status: int = 200) -> Response:
    async with visit.house.db.operator() as operator:
        members = await accounts.members(operator, visit.business_id)
    async with visit.reading() as scope:
        entered = await operator_entries.entered(scope)
    return visit.render(
        "members.html",
        status,
        section="members",
        members=members,
        entered=entered,
        invitation=invitation,
        fault=fault,
    )
