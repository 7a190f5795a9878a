"""Dates that are not like their weekday: closed, shorter, longer; and the holidays, with what each would mean here.

A holiday closes nothing by itself. Until its owner has said something, the weekday's hours count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.responses import Response

from agentlocator.db.scope import Scope
from agentlocator.domain import availability, holidays, localtime, schedules
from agentlocator.domain.availability import Rules, Window
from agentlocator.domain.schedules import Override
from agentlocator.domain.text import clean
from agentlocator.web import hours
from agentlocator.web.entered import Entered
from agentlocator.web.hours import BadHours
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_AHEAD: Final = timedelta(days=400)
# A longer closure is a business that has ended.
_MOST_DAYS: Final = 92
_MOST_NOTE: Final = 120


class Line(msgspec.Struct, frozen=True):
    """A date with what callers can have on it; no windows is closed. `at` is an instant of that date."""

    on_date: date
    at: datetime
    note: str
    source: str
    windows: tuple[tuple[str, str], ...]
    usual: tuple[tuple[str, str], ...] = ()


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Closes a date or a stretch of dates, or gives them hours of their own."""
    entered = {
        field: visit.text(field).strip()
        for field in ("first", "last", "what", "from-0", "to-0", "from-1", "to-1", "note")
    }
    try:
        async with visit.writing() as scope:
            for override in _chosen(visit, entered):
                await schedules.override_date(scope, override, actor=visit.actor, now=visit.now)
    except _Fault as no:
        return await _page(visit, Entered(entered, no.field, no.words), status=422)
    return visit.redirect(visit.url("booking/dates?saved=1"))


async def clear(visit: Visit) -> Response:
    """Lets a date be like its weekday again."""
    try:
        on_date = localtime.parse_date(visit.text("date"))
    except ValueError:
        visit.missing()
    async with visit.writing() as scope:
        done = await schedules.clear_override(scope, on_date, visit.text("source"), actor=visit.actor, now=visit.now)
    if not done:
        visit.missing()
    return visit.redirect(visit.url("booking/dates?saved=1"))


async def keep(visit: Visit) -> Response:
    """Answers a holiday: closed, a short day, or open as on any such weekday; "all" takes every proposal."""
    what, wanted = visit.text("what"), visit.text("date")
    async with visit.writing() as scope:
        offers = await _offers(visit, scope)
        rules = await schedules.rules(scope)
        for offer in offers if what == "all" else [one for one in offers if one.on_date.isoformat() == wanted]:
            answer = offer
            if what == "open":
                usual = tuple((one.from_min, one.to_min) for one in availability.windows_of(rules, offer.on_date))
                answer = msgspec.structs.replace(offer, windows=usual)
            elif what == "closed":
                answer = msgspec.structs.replace(offer, windows=())
            await schedules.override_date(scope, answer, actor=visit.actor, now=visit.now)
    return visit.redirect(visit.url("booking/dates?saved=1"))


class _Fault(Exception):
    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


def _chosen(visit: Visit, entered: dict[str, str]) -> list[Override]:
    first, last = _dates(visit, entered)
    windows: tuple[tuple[int, int], ...] = ()
    if entered["what"] == "hours":
        pairs = [(entered["from-0"], entered["to-0"]), (entered["from-1"], entered["to-1"])]
        try:
            windows = hours.parts_of([pair for pair in pairs if any(pair)])
        except BadHours as fault:
            raise _Fault("hours", hours.FAULTS[fault.code]) from fault
        if not windows:
            raise _Fault("hours", said("Fill in the hours of that day, or choose that it is closed."))
    note = clean(entered["note"])[:_MOST_NOTE]
    source = "owner" if first == last else "vacation"
    days = range((last - first).days + 1)
    return [Override(first + timedelta(days=day), windows, source, note) for day in days]


def _dates(visit: Visit, entered: dict[str, str]) -> tuple[date, date]:
    try:
        first = localtime.parse_date(entered["first"])
    except ValueError as fault:
        raise _Fault("first", said("Choose a date.")) from fault
    try:
        last = localtime.parse_date(entered["last"]) if entered["last"] else first
    except ValueError as fault:
        raise _Fault("last", said("Choose a date, or leave it empty for a single day.")) from fault
    today = localtime.today(visit.now, visit.clock.timezone)
    if first < today:
        raise _Fault("first", said("This date is over. Choose today or a later one."))
    if last < first:
        raise _Fault("last", said("The last day is before the first. Choose a later one."))
    if (last - first).days >= _MOST_DAYS:
        raise _Fault("last", said("At most three months at a time. Choose an earlier last day."))
    return first, last


async def _page(visit: Visit, entered: Entered | None = None, status: int = 200) -> Response:
    async with visit.reading() as scope:
        rules = await schedules.rules(scope)
        today = localtime.today(visit.now, rules.timezone)
        kept = await schedules.overrides(scope, first=today)
        offers = await _offers(visit, scope)
    blank = {"first": "", "last": "", "what": "closed", "from-0": "", "to-0": "", "from-1": "", "to-1": "", "note": ""}
    return visit.render(
        "booking_dates.html",
        status,
        section="booking",
        part="dates",
        kept=[_line(one, rules) for one in kept],
        offers=[_line(one, rules) for one in offers],
        entered=entered or Entered(blank),
        today=today.isoformat(),
        saved="saved" in visit.request.query_params,
        locked=not visit.may("owner"),
    )


async def _offers(visit: Visit, scope: Scope) -> list[Override]:
    """The coming holidays and their eves of which nothing was said yet, on days that are worked."""
    rules = await schedules.rules(scope)
    today = localtime.today(visit.now, rules.timezone)
    decided = await schedules.overrides(scope, first=today)
    offers = holidays.not_yet_taken(holidays.offered(today, today + _AHEAD), decided)
    return [msgspec.structs.replace(one, windows=_shortened(one, rules)) for one in offers]


def _shortened(offer: Override, rules: Rules) -> tuple[tuple[int, int], ...]:
    """An eve's hours: the weekday's own, cut off where the eve closes."""
    until = max((closes for _opens, closes in offer.windows), default=0)
    usual = availability.windows_of(rules, offer.on_date)
    return tuple((one.from_min, min(one.to_min, until)) for one in usual if one.from_min < until)


def _line(one: Override, rules: Rules) -> Line:
    noon = datetime.combine(one.on_date, datetime.min.time().replace(hour=12))
    week: Any = msgspec.structs.replace(rules, overrides={})
    return Line(
        one.on_date,
        localtime.closest_instant(noon, rules.timezone),
        one.note,
        one.source,
        _clocks([Window(*part) for part in one.windows]),
        _clocks(availability.windows_of(week, one.on_date)),
    )


def _clocks(windows: Sequence[Window]) -> tuple[tuple[str, str], ...]:
    return tuple((hours.clock(one.from_min), hours.clock(one.to_min)) for one in windows)
