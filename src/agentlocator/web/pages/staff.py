"""Who or what is booked: people, chairs, rooms; each with hours of its own where it keeps some."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.domain import services
from agentlocator.domain.schedules import BadSetting
from agentlocator.web import hours
from agentlocator.web.hours import Day
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FAULTS: Final = {
    "empty": said("Give it the name that callers use."),
    "taken": said("There is one of this name already. Choose another name."),
    "hours": said("Put right the hours that are marked."),
    "no_hours": said("Give at least one day hours, or let the business's hours count."),
}


class Form(msgspec.Struct, frozen=True):
    """One of the staff as the form shows it; `resource_id` 0 is the one to be added."""

    resource_id: int
    name: str
    days: list[Day]
    has_own: bool = False
    active: bool = True
    field: str = ""
    fault: str = ""


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def add(visit: Visit) -> Response:
    return await _write(visit, None)


async def change(visit: Visit) -> Response:
    return await _write(visit, visit.request.path_params["resource_id"])


async def _write(visit: Visit, resource_id: int | None) -> Response:
    days, has_own = hours.sent(visit.text), visit.text("own") == "yes"
    form = Form(
        resource_id or 0,
        visit.text("name"),
        days,
        has_own,
        active=resource_id is None or visit.text("active") == "yes",
    )
    if has_own and any(day.fault for day in days):
        return await _page(visit, msgspec.structs.replace(form, field="hours", fault=_FAULTS["hours"]))
    week = hours.week_of(days) if has_own else {}
    if has_own and not week:
        return await _page(visit, msgspec.structs.replace(form, field="hours", fault=_FAULTS["no_hours"]))
    try:
        async with visit.writing() as scope:
            kept = await services.write_resource(
                scope, resource_id, form.name, active=form.active, hours=week, actor=visit.actor, now=visit.now
            )
    except BadSetting as no:
        return await _page(visit, msgspec.structs.replace(form, field=no.field, fault=_FAULTS[no.code]))
    if kept is None:
        visit.missing()
    return visit.redirect(visit.url("booking/staff?saved=1"))


async def _page(visit: Visit, refused: Form | None = None) -> Response:
    async with visit.reading() as scope:
        kept = await services.resources(scope)
    everyday = frozenset(range(7))
    forms = [
        Form(one.id, one.name, hours.drawn(services.week_of(one.hours), everyday), bool(one.hours), active=one.active)
        for one in kept
    ]
    if refused is not None:
        if refused.resource_id and refused.resource_id not in {one.resource_id for one in forms}:
            visit.missing()
        forms = [refused if one.resource_id == refused.resource_id else one for one in forms]
    new = refused if refused is not None and not refused.resource_id else Form(0, "", hours.drawn({}, everyday))
    return visit.render(
        "booking_staff.html",
        422 if refused else 200,
        section="booking",
        part="staff",
        forms=forms,
        new=new,
        most_windows=hours.MOST_WINDOWS,
        hour_faults=hours.FAULTS,
        saved="saved" in visit.request.query_params,
        locked=not visit.may("owner"),
    )
