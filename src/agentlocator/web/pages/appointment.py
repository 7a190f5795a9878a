"""One appointment: who, when, with whom, how it came about and what became of it; moved and cancelled here.

The same move answers the form of this page and an event dragged in the calendar. A "no" comes with the reason and
the nearest free times, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import BLOCKING, Appointment, Audit, Call, Lead, Resource, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, audit, localtime, services
from agentlocator.domain.availability import MAX_HORIZON_DAYS, Refusal, Slot
from agentlocator.web.pages.calendar import SOURCES, source_of
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

STATUSES: Final = {
    "pending": (said("Waits for confirmation"), "live"),
    "held": (said("Held while the caller decides"), "live"),
    "booked": (said("Booked"), "good"),
    "confirmed": (said("Confirmed"), "good"),
    "cancelled": (said("Cancelled"), "bad"),
    "expired": (said("Not taken up"), "quiet"),
    "completed": (said("Took place"), "quiet"),
    "no_show": (said("Nobody came"), "bad"),
}
REFUSED: Final = {
    "slot_unavailable": said("Another appointment is in the way. Nothing was changed."),
    "date_in_past": said("This time is over. Choose a later one."),
    "too_far_ahead": said("This is more than two years ahead. Choose an earlier date."),
    "skipped_time": said("The clock jumps over this hour that night. Choose another."),
    "invalid_date": said("Choose a date and an hour."),
    "not_bookable": said("It is over or was cancelled, and cannot be changed any more."),
    "hold_expired": said("It is over or was cancelled, and cannot be changed any more."),
    "unknown_appointment": said("There is no such appointment."),
    "unknown_service": said("This service is not offered any more. Choose another."),
    "invalid_duration": said("This service has no length that can be booked. Look at the booking settings."),
}


class Change(msgspec.Struct, frozen=True):
    """A line of an appointment's history."""

    at: datetime
    who: str
    words: str


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        return await _page(visit, scope)


async def move(visit: Visit) -> Response:
    """Moves it to another time, to another of the staff, or both."""
    appointment_id = visit.request.path_params["appointment_id"]
    async with visit.writing() as scope:
        row = await _row(visit, scope)
        starts_at = instant_of(visit, visit.text("start") or f"{visit.text('date')}T{visit.text('time')}")
        done: Any = Refusal("invalid_date")
        if isinstance(starts_at, Refusal):
            done = starts_at
        else:
            resource_id = await _resource(visit, scope, row)
            done = await appointments.move(
                scope, appointment_id, starts_at=starts_at, resource_id=resource_id, now=visit.now, by=visit.actor
            )
    if isinstance(done, Refusal):
        return await _refused(visit, done)
    if _wants_json(visit):
        return Response(msgspec.json.encode({"words": visit.gettext(said("Moved."))}), media_type="application/json")
    return visit.redirect(visit.url(f"calendar/{appointment_id}"))


async def confirm(visit: Visit) -> Response:
    """Notes that whoever it is for has said that he comes."""
    appointment_id = visit.request.path_params["appointment_id"]
    async with visit.writing() as scope:
        await _row(visit, scope)
        done = await appointments.confirm(scope, appointment_id, now=visit.now, by=visit.actor)
    if isinstance(done, Refusal):
        return await _refused(visit, done)
    return visit.redirect(visit.url(f"calendar/{appointment_id}"))


async def cancel(visit: Visit) -> Response:
    appointment_id = visit.request.path_params["appointment_id"]
    async with visit.writing() as scope:
        await _row(visit, scope)
        done = await appointments.cancel(
            scope, appointment_id, now=visit.now, by=visit.actor, reason=visit.text("reason")
        )
    if isinstance(done, Refusal):
        return await _refused(visit, done)
    return visit.redirect(visit.url(f"calendar/{appointment_id}"))


async def close(visit: Visit) -> Response:
    """Notes, once its time has begun, that somebody came or that nobody did."""
    appointment_id = visit.request.path_params["appointment_id"]
    verb = {"came": appointments.complete, "no_show": appointments.no_show}.get(visit.text("what"))
    async with visit.writing() as scope:
        await _row(visit, scope)
        done = verb is not None and await verb(scope, appointment_id, now=visit.now, by=visit.actor)
    if not done:
        return await _refused(visit, Refusal("not_bookable"))
    return visit.redirect(visit.url(f"calendar/{appointment_id}"))


def instant_of(visit: Visit, written: str) -> datetime | Refusal:
    """The instant of a wall time that a form wrote, within reach."""
    try:
        starts_at = localtime.to_instant(localtime.parse_wall(written), visit.clock.timezone)
    except localtime.SkippedTime:
        return Refusal("skipped_time")
    except (ValueError, OverflowError):
        return Refusal("invalid_date")
    if starts_at > visit.now + timedelta(days=MAX_HORIZON_DAYS):
        return Refusal("too_far_ahead")
    if starts_at < visit.now - timedelta(days=MAX_HORIZON_DAYS):
        return Refusal("date_in_past")
    return starts_at


def reason(visit: Visit, no: Refusal) -> str:
    return visit.gettext(REFUSED.get(no.code, REFUSED["slot_unavailable"]))


def wall(at: datetime, timezone: str) -> str:
    return f"{localtime.to_wall(at, timezone):%Y-%m-%dT%H:%M}"


async def _refused(visit: Visit, no: Refusal) -> Response:
    if _wants_json(visit):
        return Response(msgspec.json.encode({"words": reason(visit, no)}), 409, media_type="application/json")
    async with visit.reading() as scope:
        return await _page(visit, scope, fault=reason(visit, no), near=no.nearest, status=422)


def _wants_json(visit: Visit) -> bool:
    return "application/json" in visit.request.headers.get("accept", "")


async def _row(visit: Visit, scope: Scope) -> Appointment:
    row = await scope.get(Appointment, visit.request.path_params["appointment_id"])
    return row or visit.missing()


async def _resource(visit: Visit, scope: Scope, row: Appointment) -> int:
    """Who it is to be with: one of the business's own staff, or whoever it was with."""
    known = {str(one.id): one.id for one in await services.resources(scope) if one.active}
    return known.get(visit.text("resource"), row.resource_id)


async def _page(
    visit: Visit, scope: Scope, *, fault: str = "", near: Sequence[Slot] = (), status: int = 200
) -> Response:
    row = await _row(visit, scope)
    service = None if row.service_id is None else await scope.get(Service, row.service_id)
    staff = await services.resources(scope)
    call = None
    if row.call_sid:
        call = await scope.first(select(Call).where(Call.call_sid == row.call_sid))
    can_change = row.status in BLOCKING and row.ends_at > visit.now
    asked = visit.text("start") or wall(row.starts_at, visit.clock.timezone)
    return visit.render(
        "appointment.html",
        status,
        section="calendar",
        row=row,
        lead=None if row.lead_id is None else await scope.get(Lead, row.lead_id),
        service=service.name if service else "",
        staff=staff,
        with_whom=next((one.name for one in staff if one.id == row.resource_id), ""),
        call=call,
        source=SOURCES[source_of(row.booked_by, row.call_sid, is_test=call is not None and call.is_test)],
        state=STATUSES[row.status],
        history=[_change(visit, line, staff) for line in await audit.history(scope, "appointment", row.id)],
        may_change=can_change and visit.may("staff"),
        may_confirm=can_change and row.status != "confirmed" and visit.may("staff"),
        may_close=row.status in ("booked", "confirmed") and row.starts_at <= visit.now and visit.may("staff"),
        day=visit.text("date") or asked[:10],
        hour=visit.text("time") or asked[11:16],
        near=[(wall(slot.starts_at, visit.clock.timezone), slot) for slot in near],
        fault=fault,
    )


def _change(visit: Visit, line: Audit, staff: Sequence[Resource]) -> Change:
    who = visit.gettext(said("The assistant")) if line.actor == "assistant" else line.actor
    return Change(line.at, who, _words(visit, line, {str(one.id): one.name for one in staff}))


def _words(visit: Visit, line: Audit, names: dict[str, str]) -> str:
    if line.field == "starts_at" and line.old and line.new:
        moved = visit.gettext(said("Moved to"))
        return f"{moved} {_moment(visit, line.new)} ({_moment(visit, line.old)})"
    if line.field == "resource_id":
        return " ".join((visit.gettext(said("Now with")), names.get(line.new or "", "")))
    words, _tone = STATUSES.get(line.new or "", (line.new or "", ""))
    return visit.gettext(words) if words else ""


def _moment(visit: Visit, written: str) -> str:
    return visit.clock.moment(datetime.fromisoformat(written))
