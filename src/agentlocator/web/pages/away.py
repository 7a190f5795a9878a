"""When one of the staff is away: a vacation, a training, an hour at the dentist's. Nobody is booked with him then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.domain import absences, localtime, services
from agentlocator.domain.absences import Caught
from agentlocator.web.entered import Entered
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

# Whoever is away for longer is switched off.
_MOST_DAYS: Final = 366
_FIELDS: Final = ("resource", "first", "from", "last", "to", "note")


class Line(msgspec.Struct, frozen=True):
    """An absence: of whom, from when until when, and what is booked in it all the same.

    A whole day begins and ends at midnight, and names no hour.
    """

    id: int
    name: str
    words: str
    note: str
    caught: Sequence[Caught]


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def add(visit: Visit) -> Response:
    entered = {field: visit.text(field).strip() for field in _FIELDS}
    try:
        starts_at, ends_at = _span(visit, entered)
    except _Fault as no:
        return await _page(visit, Entered(entered, no.field, no.words), status=422)
    async with visit.writing() as scope:
        known = [one.id for one in await services.resources(scope) if str(one.id) == entered["resource"]]
        if not known:
            visit.missing()
        await absences.add(
            scope,
            known[0],
            starts_at=starts_at,
            ends_at=ends_at,
            note=entered["note"],
            actor=visit.actor,
            now=visit.now,
        )
    return visit.redirect(visit.url("booking/away?saved=1"))


async def clear(visit: Visit) -> Response:
    """Whoever was to be away is there after all."""
    absence = visit.text("absence")
    async with visit.writing() as scope:
        known = [one.id for one in await absences.between(scope, visit.now) if str(one.id) == absence]
        if not known:
            visit.missing()
        await absences.take_back(scope, known[0], actor=visit.actor, now=visit.now)
    return visit.redirect(visit.url("booking/away?saved=1"))


class _Fault(Exception):
    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


def _span(visit: Visit, entered: dict[str, str]) -> tuple[datetime, datetime]:
    """From the first hour, or that day's beginning, until the last hour, or that day's end."""
    begins = _wall("first", entered["first"], entered["from"])
    ends = _wall("last", entered["last"] or entered["first"], entered["to"])
    if not entered["to"]:
        ends += timedelta(days=1)
    if ends <= begins:
        raise _Fault("last", said("It ends before it begins. Choose a later end."))
    if ends - begins > timedelta(days=_MOST_DAYS):
        raise _Fault("last", said("At most a year at a time. For longer, switch them off among the staff."))
    zone = visit.clock.timezone
    starts_at, ends_at = localtime.closest_instant(begins, zone), localtime.closest_instant(ends, zone)
    if ends_at <= visit.now:
        raise _Fault("first", said("This time is over. Choose a later one."))
    if starts_at > visit.now + timedelta(days=_MOST_DAYS * 2):
        raise _Fault("first", said("This is more than two years ahead. Choose an earlier date."))
    return starts_at, ends_at


def _wall(field: str, on_date: str, hour: str) -> datetime:
    try:
        day = localtime.parse_date(on_date)
        wall = localtime.parse_wall(f"{on_date}T{hour or '00:00'}")
    except ValueError as fault:
        raise _Fault(field, said("Choose a date; an hour is written as 09:00, or left empty.")) from fault
    if day.year > 9000:
        raise _Fault(field, said("Choose a date; an hour is written as 09:00, or left empty."))
    return wall


async def _page(visit: Visit, entered: Entered | None = None, status: int = 200) -> Response:
    async with visit.reading() as scope:
        staff = await services.resources(scope)
        kept = await absences.between(scope, visit.now)
        caught = await absences.caught(scope, now=visit.now)
    names = {one.id: one.name for one in staff}
    return visit.render(
        "booking_away.html",
        status,
        section="booking",
        part="away",
        kept=[
            Line(
                one.id,
                names.get(one.resource_id, ""),
                words(visit, one.starts_at, one.ends_at),
                one.note,
                [each for each in caught if each.absence_id == one.id],
            )
            for one in kept
        ],
        staff=[one for one in staff if one.active],
        entered=entered or Entered(dict.fromkeys(_FIELDS, "")),
        today=localtime.today(visit.now, visit.clock.timezone).isoformat(),
        saved="saved" in visit.request.query_params,
        locked=not visit.may("staff"),
    )


def words(visit: Visit, starts_at: datetime, ends_at: datetime) -> str:
    """From when until when, by whole days where it is whole days."""
    clock = visit.clock
    begins, ends = localtime.to_wall(starts_at, clock.timezone), localtime.to_wall(ends_at, clock.timezone)
    midnight = datetime.min.time()
    if begins.time() == ends.time() == midnight:
        first, last = clock.day(starts_at), clock.day(ends_at - timedelta(hours=12))
        return first if first == last else f"{first} – {last}"
    if begins.date() == ends.date():
        hours = f"{clock.time(starts_at)}–{clock.time(ends_at)}"
        # Read from left to right in either language, as everywhere else.
        return f"{clock.day(starts_at)}, \N{LEFT-TO-RIGHT ISOLATE}{hours}\N{POP DIRECTIONAL ISOLATE}"
    return f"{clock.day(starts_at)}, {clock.time(starts_at)} – {clock.day(ends_at)}, {clock.time(ends_at)}"
