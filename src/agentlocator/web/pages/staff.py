"""Who or what is booked: people, chairs, rooms; each with hours of its own where it keeps some."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from agentlocator.domain import services
from agentlocator.domain.schedules import BadSetting, Week
from agentlocator.web import hours
from agentlocator.web.hours import Day
from agentlocator.web.pages import booked
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_EVERY_DAY: Final = frozenset(range(7))
_FAULTS: Final = {
    ("hours", "marked"): said("Put right the hours that are marked."),
    ("hours", "none"): said("Give at least one day hours, or let the business's hours count."),
}


class Form(booked.Form, frozen=True, kw_only=True):
    """`days` count where it has hours of its own."""

    days: list[Day]
    has_own: bool = False


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def keep(visit: Visit) -> Response:
    """Adds somebody, or changes the one that the address names."""
    resource_id = visit.request.path_params.get("resource_id")
    form = Form(
        id=resource_id or 0,
        name=visit.text("name"),
        active=resource_id is None or visit.text("active") == "yes",
        days=hours.sent(visit.text),
        has_own=visit.text("own") == "yes",
    )
    try:
        week = _week(form)
        async with visit.writing() as scope:
            kept = await services.write_resource(
                scope, resource_id, form.name, active=form.active, hours=week, actor=visit.actor, now=visit.now
            )
    except BadSetting as no:
        return await _page(visit, booked.refused(form, no, _FAULTS))
    if kept is None:
        visit.missing()
    return visit.redirect(visit.url("booking/staff?saved=1"))


def _week(form: Form) -> Week:
    """The hours of its own; none where the business's count. Raises BadSetting."""
    if not form.has_own:
        return {}
    if any(day.fault for day in form.days):
        raise BadSetting("hours", "marked")
    week = hours.week_of(form.days)
    if not week:
        raise BadSetting("hours", "none")
    return week


async def _page(visit: Visit, sent: booked.Form | None = None) -> Response:
    async with visit.reading() as scope:
        kept = await services.resources(scope)
    forms = [
        Form(
            id=one.id,
            name=one.name,
            active=one.active,
            days=hours.drawn(services.week_of(one.hours), _EVERY_DAY),
            has_own=bool(one.hours),
        )
        for one in kept
    ]
    blank = Form(days=hours.drawn({}, _EVERY_DAY))
    return booked.page(visit, "staff", forms, sent, blank, most_windows=hours.MOST_WINDOWS, hour_faults=hours.FAULTS)
