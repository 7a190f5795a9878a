"""The business's calendar: the next days as a list, and the feed of what a week or a month holds.

Times are the business's wall clock, written without an offset; whoever looks from abroad sees the same hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import or_, select
from starlette.responses import Response

from agentlocator.db.schema import Appointment, BusyBlock, Call, Lead, Resource, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import absences, holidays, localtime, schedules, services
from agentlocator.domain.availability import Rules
from agentlocator.domain.calendars import is_live
from agentlocator.web import hours
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

LANES: Final = 6
# A month's grid shows six weeks.
_MOST_DAYS: Final = 45
_AGENDA_DAYS: Final = 7
# For whoever has no script; the drawn calendar reads its own.
_AGENDA: Final = 60
SOURCES: Final = {
    "phone": (said("By phone"), "phone"),
    "whatsapp": (said("On WhatsApp"), "chat"),
    "hand": (said("By hand"), "people"),
    "test": (said("In a test call"), "talk"),
}


class Entry(msgspec.Struct, frozen=True):
    """An appointment as a calendar shows it."""

    appointment_id: int
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str
    resource_id: int
    staff: str
    service: str
    name: str
    phone_raw: str
    source: str


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        rules = await schedules.rules(scope)
        staff = await services.resources(scope)
        clock = visit.clock
        coming = await entries(scope, clock.midnight(), clock.midnight(_AGENDA_DAYS), visit.now, limit=_AGENDA)
    first, last = _span(rules)
    return visit.render(
        "calendar.html",
        section="calendar",
        coming=coming,
        staff=[(one, lanes([row.id for row in staff])[one.id]) for one in staff if one.active],
        sources=SOURCES,
        wall_now=f"{localtime.to_wall(visit.now, rules.timezone):%Y-%m-%dT%H:%M:%S}",
        first_hour=hours.clock(first),
        last_hour=f"{last // 60:02}:{last % 60:02}",
        step=f"{min(rules.slot_interval_min, 60) // 60:02}:{min(rules.slot_interval_min, 60) % 60:02}",
        opening=msgspec.json.encode(list(_opening(rules))).decode(),
    )


async def feed(visit: Visit) -> Response:
    """What a stretch of days holds, for the calendar in the browser. At most six weeks at a time."""
    query = visit.request.query_params
    try:
        first = localtime.parse_date(query.get("start", "")[:10])
        last = localtime.parse_date(query.get("end", "")[:10])
    except ValueError:
        return _json({"fault": "start and end are dates, YYYY-MM-DD"}, 400)
    if not 0 < (last - first).days <= _MOST_DAYS or not 2000 < first.year < 9000:
        return _json({"fault": f"end comes after start, by at most {_MOST_DAYS} days"}, 400)
    async with visit.reading() as scope:
        rules = await schedules.rules(scope)
        staff = await services.resources(scope)
        found = await entries(scope, _midnight(first, rules), _midnight(last, rules), visit.now)
        away = await absences.between(scope, _midnight(first, rules), _midnight(last, rules))
        decided = await schedules.overrides(scope, first=first, last=last - timedelta(days=1))
    offers = holidays.not_yet_taken(holidays.offered(first, last - timedelta(days=1)), decided)
    lane, names = lanes([one.id for one in staff]), {one.id: one.name for one in staff}
    sources = {key: {"source": visit.gettext(words), "sign": sign} for key, (words, sign) in SOURCES.items()}
    may_move = visit.may("staff")
    return _json(
        [
            *(_event(visit, one, lane, sources[one.source], may_move=may_move) for one in found),
            *(_absence(visit, one, rules, lane, names.get(one.resource_id, "")) for one in away),
            *(day for one in decided for day in _special_day(visit, one.on_date, one.note, one.windows)),
            *(_holiday(one.on_date, one.note) for one in offers if not one.windows),
        ]
    )


async def entries(
    scope: Scope, starts_from: datetime, until: datetime, now: datetime, *, limit: int | None = None
) -> list[Entry]:
    """What takes place in a stretch of time: what is booked, and what took place or should have."""
    rows: Sequence[Any] = await scope.rows(
        select(
            Appointment.id,
            Appointment.starts_at,
            Appointment.ends_at,
            Appointment.timezone,
            Appointment.status,
            Appointment.resource_id,
            Appointment.booked_by,
            Appointment.call_sid,
            Call.is_test,
            Resource.name,
            Service.name,
            Lead.name,
            Lead.phone_raw,
        )
        .select_from(Appointment)
        .join(Resource, Resource.id == Appointment.resource_id)
        .outerjoin(Service, Service.id == Appointment.service_id)
        .outerjoin(Lead, Lead.id == Appointment.lead_id)
        .outerjoin(Call, Call.call_sid == Appointment.call_sid)
        .where(
            # No visit is longer than a day: an index knows where to begin.
            Appointment.starts_at > starts_from - timedelta(days=1),
            Appointment.starts_at < until,
            Appointment.ends_at > starts_from,
            or_(is_live(now), Appointment.status.in_(("completed", "no_show"))),
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(limit)
    )
    return [
        Entry(
            appointment_id=row_id,
            starts_at=starts_at,
            ends_at=ends_at,
            timezone=timezone,
            status=status,
            resource_id=resource_id,
            staff=staff,
            service=service or "",
            name=name or "",
            phone_raw=phone or "",
            source=source_of(booked_by, call_sid, is_test=bool(is_test)),
        )
        for (
            row_id,
            starts_at,
            ends_at,
            timezone,
            status,
            resource_id,
            booked_by,
            call_sid,
            is_test,
            staff,
            service,
            name,
            phone,
        ) in rows
    ]


def source_of(booked_by: str, call_sid: str | None, *, is_test: bool) -> str:
    """How an appointment came to be booked: a key of SOURCES."""
    if is_test:
        return "test"
    if booked_by != "assistant":
        return "hand"
    return "phone" if call_sid else "whatsapp"


def lanes(resource_ids: Sequence[int]) -> dict[int, int]:
    """The colour of each of the staff."""
    return {resource_id: place % LANES for place, resource_id in enumerate(resource_ids)}


def _event(
    visit: Visit, one: Entry, lane: Mapping[int, int], source: Mapping[str, str], *, may_move: bool
) -> dict[str, Any]:
    who = one.name or (visit.phone(one.phone_raw) if one.phone_raw else visit.gettext(said("Without a name")))
    can_move = may_move and one.status in ("pending", "booked", "confirmed") and one.ends_at > visit.now
    return {
        "id": str(one.appointment_id),
        "title": who[:120],
        "start": _wall(one.starts_at, one.timezone),
        "end": _wall(one.ends_at, one.timezone),
        "url": visit.url(f"calendar/{one.appointment_id}"),
        "className": f"lane-{lane.get(one.resource_id, 0)} is-{one.status}",
        "editable": can_move,
        "extendedProps": {
            "kind": "appointment",
            "service": one.service,
            "staff": one.staff,
            "resource": one.resource_id,
            **source,
        },
    }


def _absence(visit: Visit, one: BusyBlock, rules: Rules, lane: Mapping[int, int], name: str) -> dict[str, Any]:
    return {
        "title": " · ".join((name, one.note or visit.gettext(said("Away")))),
        "start": _wall(one.starts_at, rules.timezone),
        "end": _wall(one.ends_at, rules.timezone),
        "url": visit.url("booking/away"),
        "className": f"lane-{lane.get(one.resource_id, 0)} away",
        "editable": False,
    }


def _special_day(visit: Visit, day: date, note: str, windows: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """A date that is not like its weekday: its words above, and the whole of a closed one shaded."""
    opening = ", ".join(f"{hours.clock(opens)}–{hours.clock(closes)}" for opens, closes in windows)
    words = " · ".join(part for part in (note, opening or visit.gettext(said("Closed"))) if part)
    yield {"title": words, "start": day.isoformat(), "allDay": True, "className": "special", "editable": False}
    if not windows:
        end = day + timedelta(days=1)
        yield {"start": f"{day}T00:00:00", "end": f"{end}T00:00:00", "display": "background", "className": "off"}


def _holiday(day: date, name: str) -> dict[str, Any]:
    return {"title": name, "start": day.isoformat(), "allDay": True, "className": "holiday", "editable": False}


def _opening(rules: Rules) -> Iterator[dict[str, Any]]:
    for weekday in sorted(rules.active_days):
        for one in rules.weekly.get(weekday, ()):
            closes = f"{one.to_min // 60:02}:{one.to_min % 60:02}"
            yield {"daysOfWeek": [weekday], "startTime": hours.clock(one.from_min), "endTime": closes}


def _span(rules: Rules) -> tuple[int, int]:
    """The hours of the day worth looking at, with room around them for what is set by hand."""
    opening = [one for day in rules.active_days for one in rules.weekly.get(day, ())]
    first = min((one.from_min for one in opening), default=8 * 60) // 60 - 1
    last = -(-max((one.to_min for one in opening), default=18 * 60) // 60) + 2
    return max(0, first) * 60, min(24, last) * 60


def _midnight(day: date, rules: Rules) -> datetime:
    return localtime.closest_instant(datetime.combine(day, datetime.min.time()), rules.timezone)


def _wall(at: datetime, timezone: str) -> str:
    return localtime.to_wall(at, timezone).isoformat(timespec="seconds")


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
