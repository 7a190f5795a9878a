"""The operator's way into one business: he says why, and its owner can read it."""

from __future__ import annotations

from starlette.responses import Response

from agentlocator.domain import businesses, operator_entries
from agentlocator.domain.schedules import BadSetting
from agentlocator.web.visit import Visit
from agentlocator.web.words import said


async def show(visit: Visit) -> Response:
    return await _page(visit, await _business(visit, visit.request.query_params.get("business", "")))


async def enter(visit: Visit) -> Response:
    business = await _business(visit, visit.text("business"))
    try:
        async with visit.house.db.operator(writing=True) as operator:
            await operator_entries.enter(
                operator,
                visit.who.account_id,
                business.business_id,
                visit.text("reason"),
                actor=visit.actor,
                now=visit.now,
            )
    except BadSetting:
        return await _page(visit, business, said("Say in a few words why you go in. The owner will read it."), 422)
    return visit.redirect(f"/b/{business.business_id}/today")


async def _business(visit: Visit, wanted: str) -> businesses.Listed:
    async with visit.house.db.operator() as operator:
        listed = await businesses.listed(operator)
    return next((one for one in listed if str(one.business_id) == wanted), None) or visit.missing()


async def _page(visit: Visit, business: businesses.Listed, fault: str = "", status: int = 200) -> Response:
    return visit.render(
        "operator_entry.html",
        status,
        business=business,
        fault=visit.gettext(fault) if fault else "",
        reason=visit.text("reason"),
    )
