"""Which times can be booked, and why another cannot. Pure and complete: everything it needs is an argument.

Decided here, once:
- Intervals are half-open; two visits that touch do not overlap.
- Each opening window has its own grid, from its opening time, in steps of elapsed minutes. A booking removes
  slots, it never moves the grid.
- A visit must fit into merged opening time: touching windows and midnight are no edge.
- A window holds the minutes whose wall clock lies in it, which settles both change-overs of the year.
- A slot belongs to the wall date on which it starts. An override replaces that date's hours.
- Buffers belong to the visit's footprint; footprints may not overlap, and may run past closing.
- With several resources, one of them must be free for the whole footprint.
- A resource with hours of its own works in them only, and only while the business is open.

It never reads a clock or a database, and an expected "no" is a value, not an exception.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from agentlocator.domain import localtime

MAX_HORIZON_DAYS = 730
MAX_DURATION_MIN = 1440
OFFERED = 3

Code = Literal[
    "invalid_date",
    "invalid_time",
    "invalid_duration",
    "invalid_notes",
    "skipped_time",
    "date_in_past",
    "too_soon",
    "too_far_ahead",
    "closed",
    "outside_hours",
    "not_on_grid",
    "day_full",
    "slot_unavailable",
    "unknown_service",
    "unknown_appointment",
    "not_bookable",
    "hold_expired",
]


class Window(msgspec.Struct, frozen=True):
    """Minutes of the day, 0 to 1440, half-open."""

    from_min: int
    to_min: int


# Weekday, Sunday being 0, to its windows.
Week = Mapping[int, tuple[Window, ...]]


class Rules(msgspec.Struct, frozen=True):
    """A business's booking rules. Weekdays count from Sunday (0)."""

    timezone: str
    weekly: Week
    active_days: frozenset[int] = frozenset(range(7))
    overrides: Mapping[date, tuple[Window, ...]] = {}
    slot_interval_min: int = 30
    notice_min: int = 0
    horizon_days: int = 60
    daily_limit: int | None = None


class Visit(msgspec.Struct, frozen=True):
    """What is to be booked: its length and the time kept free around it."""

    duration_min: int
    buffer_before_min: int = 0
    buffer_after_min: int = 0


class Busy(msgspec.Struct, frozen=True):
    """The footprint of something that occupies a resource."""

    resource_id: int
    starts_at: datetime
    ends_at: datetime


class Calendar(msgspec.Struct, frozen=True):
    """What is already there: the resources, what occupies them, and how many visits each date has.

    `hours` has the week of each resource that keeps its own.
    """

    resource_ids: tuple[int, ...]
    busy: Sequence[Busy] = ()
    booked_on: Mapping[date, int] = {}
    hours: Mapping[int, Week] = {}


class Slot(msgspec.Struct, frozen=True):
    """A time that can be booked: instants in UTC, the wall clock's reading, and who is free."""

    starts_at: datetime
    ends_at: datetime
    wall: datetime
    resource_ids: tuple[int, ...]

    @property
    def local_date(self) -> date:
        return self.wall.date()

    def footprint(self, visit: Visit) -> tuple[datetime, datetime]:
        return (
            self.starts_at - timedelta(minutes=visit.buffer_before_min),
            self.ends_at + timedelta(minutes=visit.buffer_after_min),
        )


class Refusal(msgspec.Struct, frozen=True):
    """Why not, and the nearest times that would do."""

    code: Code
    nearest: tuple[Slot, ...] = ()


def find_slots(rules: Rules, visit: Visit, calendar: Calendar, *, first: date, last: date, now: datetime) -> list[Slot]:
    """Every bookable slot whose wall date lies from `first` to `last`, in order."""
    if not _is_duration(visit.duration_min):
        return []
    today = localtime.today(now, rules.timezone)
    occupied = _Occupied(calendar)
    found: list[Slot] = []
    for day in _days(max(first, today), min(last, _horizon(rules, today))):
        found.extend(_slots_of_day(rules, visit, calendar, occupied, day, now))
    return found


def judge(rules: Rules, visit: Visit, calendar: Calendar, *, wanted: str, now: datetime) -> Slot | Refusal:
    """The slot at a wall time written YYYY-MM-DDTHH:MM, or why it cannot be had and what is near."""
    if not _is_duration(visit.duration_min):
        return Refusal("invalid_duration")
    try:
        wall = localtime.parse_wall(wanted)
    except ValueError:
        return Refusal(_what_is_wrong(wanted), nearest(rules, visit, calendar, wish=now, now=now))
    try:
        wish = localtime.to_instant(wall, rules.timezone)
    except localtime.SkippedTime:
        near = localtime.closest_instant(wall, rules.timezone)
        return Refusal("skipped_time", nearest(rules, visit, calendar, wish=near, now=now))
    except OverflowError:
        # The first and the last day a calendar can write have no instant in every zone.
        code: Code = "date_in_past" if wall.year == 1 else "too_far_ahead"
        return Refusal(code, nearest(rules, visit, calendar, wish=now, now=now))
    return judge_instant(rules, visit, calendar, wish=wish, now=now)


def judge_instant(rules: Rules, visit: Visit, calendar: Calendar, *, wish: datetime, now: datetime) -> Slot | Refusal:
    """The slot that starts at an instant, or why it cannot be had and what is near."""
    reason = _why_not(rules, visit, calendar, wish, now)
    if reason is not None:
        return Refusal(reason, nearest(rules, visit, calendar, wish=wish, now=now))
    return _slot(rules, visit, _Occupied(calendar), wish)


def judge_freely(
    rules: Rules, visit: Visit, calendar: Calendar, starts_at: datetime, resource_id: int, *, now: datetime
) -> Slot | Refusal:
    """The slot a person has chosen, outside the grid and the hours if he wants, but never over another visit."""
    slot = Slot(
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=visit.duration_min),
        wall=localtime.to_wall(starts_at, rules.timezone),
        resource_ids=(resource_id,),
    )
    if resource_id not in free_resources(calendar, *slot.footprint(visit)):
        return Refusal("slot_unavailable", nearest(rules, visit, calendar, wish=starts_at, now=now))
    return slot


def nearest(
    rules: Rules, visit: Visit, calendar: Calendar, *, wish: datetime, now: datetime, count: int = OFFERED
) -> tuple[Slot, ...]:
    """The bookable slots closest to an instant, in order of time."""
    today = localtime.today(now, rules.timezone)
    furthest = _horizon(rules, today)
    centre = min(max(localtime.today(wish, rules.timezone), today), furthest)
    found: list[Slot] = []
    for radius in (2, 9, 40, MAX_HORIZON_DAYS):
        first, last = centre - timedelta(days=radius), centre + timedelta(days=radius)
        found = find_slots(rules, visit, calendar, first=first, last=last, now=now)
        if len(found) >= count or (first <= today and last >= furthest):
            break
    closest = sorted(found, key=lambda slot: (abs(slot.starts_at - wish), slot.starts_at))[:count]
    return tuple(sorted(closest, key=lambda slot: slot.starts_at))


def soonest(
    rules: Rules, visit: Visit, calendar: Calendar, *, now: datetime, at: time = time(), count: int = OFFERED
) -> tuple[Slot, ...]:
    """The next bookable slots, from a certain hour of the day on if one is wished."""
    today = localtime.today(now, rules.timezone)
    found: list[Slot] = []
    for weeks in (1, 4, 105):
        slots = find_slots(rules, visit, calendar, first=today, last=today + timedelta(weeks=weeks), now=now)
        found = [slot for slot in slots if slot.wall.time() >= at]
        if len(found) >= count:
            break
    return tuple(found[:count])


def why_none_on(rules: Rules, visit: Visit, calendar: Calendar, *, day: date, now: datetime) -> Refusal:
    """Why a date has no slot at all, and what is near it."""
    today = localtime.today(now, rules.timezone)
    wish = localtime.closest_instant(datetime.combine(day, datetime.min.time().replace(hour=12)), rules.timezone)
    near = nearest(rules, visit, calendar, wish=wish, now=now)
    if day < today:
        return Refusal("date_in_past", near)
    if day > _horizon(rules, today):
        return Refusal("too_far_ahead", near)
    if not windows_of(rules, day):
        return Refusal("closed", near)
    if _is_full(rules, calendar, day):
        return Refusal("day_full", near)
    earliest = now + timedelta(minutes=rules.notice_min)
    still_open = any(start >= earliest for start in _grid(rules, day))
    return Refusal("slot_unavailable" if still_open else "too_soon", near)


def free_resources(calendar: Calendar, block_from: datetime, block_to: datetime) -> tuple[int, ...]:
    """The resources that nothing occupies during a footprint."""
    return _Occupied(calendar).free(block_from, block_to)


def check_windows(windows: Sequence[Window]) -> str | None:
    """What is wrong with a day's windows, in a word; None when nothing is."""
    ordered = sorted(windows, key=lambda window: window.from_min)
    if any(not 0 <= window.from_min < window.to_min <= 1440 for window in ordered):
        return "reversed"
    if any(later.from_min < earlier.to_min for earlier, later in pairwise(ordered)):
        return "overlapping"
    return None


def windows_of(rules: Rules, day: date) -> tuple[Window, ...]:
    """The windows a date really has: its override, or its weekday's when that day is active."""
    if day in rules.overrides:
        return rules.overrides[day]
    weekday = _weekday(day)
    return rules.weekly.get(weekday, ()) if weekday in rules.active_days else ()


def _weekday(day: date) -> int:
    return (day.weekday() + 1) % 7


def _what_is_wrong(wanted: str) -> Code:
    try:
        localtime.parse_date(wanted[:10])
    except ValueError:
        return "invalid_date"
    return "invalid_time"


def _why_not(rules: Rules, visit: Visit, calendar: Calendar, wish: datetime, now: datetime) -> Code | None:
    """The first reason against an instant, from the plainest to the most particular."""
    day = localtime.today(wish, rules.timezone)
    today = localtime.today(now, rules.timezone)
    if wish < now or day < today:
        return "date_in_past"
    if wish < now + timedelta(minutes=rules.notice_min):
        return "too_soon"
    if day > _horizon(rules, today):
        return "too_far_ahead"
    windows = windows_of(rules, day)
    if not windows:
        return "closed"
    if not _fits(rules, wish, wish + timedelta(minutes=visit.duration_min)):
        return "outside_hours"
    if wish not in set(_grid(rules, day)):
        return "not_on_grid"
    if _is_full(rules, calendar, day):
        return "day_full"
    if not _slot(rules, visit, _Occupied(calendar), wish).resource_ids:
        return "slot_unavailable"
    return None


def _slots_of_day(
    rules: Rules, visit: Visit, calendar: Calendar, occupied: _Occupied, day: date, now: datetime
) -> Iterator[Slot]:
    if _is_full(rules, calendar, day) or not windows_of(rules, day):
        return
    earliest = now + timedelta(minutes=rules.notice_min)
    opening = _merged_opening(rules, day)
    for start in _grid(rules, day):
        if start < earliest or not _inside(opening, start, start + timedelta(minutes=visit.duration_min)):
            continue
        slot = _slot(rules, visit, occupied, start)
        if slot.resource_ids:
            yield slot


def _slot(rules: Rules, visit: Visit, occupied: _Occupied, start: datetime) -> Slot:
    slot = Slot(
        starts_at=start,
        ends_at=start + timedelta(minutes=visit.duration_min),
        wall=localtime.to_wall(start, rules.timezone),
        resource_ids=(),
    )
    free = occupied.free(*slot.footprint(visit))
    at_work = tuple(one for one in free if occupied.is_at_work(one, rules.timezone, slot))
    return msgspec.structs.replace(slot, resource_ids=at_work)


class _Occupied:
    """Who is free for a footprint, answered by bisection."""

    def __init__(self, calendar: Calendar) -> None:
        self._resource_ids = calendar.resource_ids
        self._hours = calendar.hours
        self._own_opening: dict[tuple[int, date], list[tuple[datetime, datetime]]] = {}
        self._merged = {
            resource_id: _merge(
                (busy.starts_at, busy.ends_at) for busy in calendar.busy if busy.resource_id == resource_id
            )
            for resource_id in calendar.resource_ids
        }

    def free(self, block_from: datetime, block_to: datetime) -> tuple[int, ...]:
        return tuple(
            resource_id
            for resource_id in self._resource_ids
            if not self._is_taken(self._merged[resource_id], block_from, block_to)
        )

    def is_at_work(self, resource_id: int, timezone: str, slot: Slot) -> bool:
        """Whether a slot lies in the resource's own hours; one that keeps none is there whenever it is open."""
        week = self._hours.get(resource_id)
        if week is None:
            return True
        key = resource_id, slot.local_date
        if key not in self._own_opening:
            self._own_opening[key] = _opening(lambda day: week.get(_weekday(day), ()), slot.local_date, timezone)
        return _inside(self._own_opening[key], slot.starts_at, slot.ends_at)

    def _is_taken(self, merged: list[tuple[datetime, datetime]], block_from: datetime, block_to: datetime) -> bool:
        index = bisect_left(merged, block_to, key=lambda interval: interval[0])
        return index > 0 and merged[index - 1][1] > block_from


def _grid(rules: Rules, day: date) -> list[datetime]:
    """The starts a date's windows offer, free or not."""
    step = timedelta(minutes=rules.slot_interval_min)
    starts: set[datetime] = set()
    for window in windows_of(rules, day):
        held = _instants_of(window, day, rules.timezone)
        if not held:
            continue
        at = held[0][0]
        while at < held[-1][1]:
            if any(begins <= at < ends for begins, ends in held):
                starts.add(at)
            at += step
    return sorted(starts)


def _fits(rules: Rules, start: datetime, end: datetime) -> bool:
    return _inside(_merged_opening(rules, localtime.today(start, rules.timezone)), start, end)


def _inside(opening: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    index = bisect_right(opening, start, key=lambda interval: interval[0])
    return index > 0 and end <= opening[index - 1][1]


def _merged_opening(rules: Rules, day: date) -> list[tuple[datetime, datetime]]:
    """Opening time around a date, far enough for the longest visit that starts on it."""
    return _opening(lambda near: windows_of(rules, near), day, rules.timezone)


def _opening(
    windows: Callable[[date], tuple[Window, ...]], day: date, timezone: str
) -> list[tuple[datetime, datetime]]:
    return _merge(
        interval
        for near in _days(day - timedelta(days=1), day + timedelta(days=2))
        for window in windows(near)
        for interval in _instants_of(window, near, timezone)
    )


def _instants_of(window: Window, day: date, timezone: str) -> list[tuple[datetime, datetime]]:
    """The instants whose wall clock lies in a window: one interval, none, or two on a change-over day."""
    held = []
    for stretch in localtime.stretches(day, timezone):
        midnight = datetime.combine(day, datetime.min.time(), stretch.starts_at.tzinfo) - stretch.offset
        begins = max(stretch.starts_at, midnight + timedelta(minutes=window.from_min))
        ends = min(stretch.ends_at, midnight + timedelta(minutes=window.to_min))
        if begins < ends:
            held.append((begins, ends))
    return _merge(held)


def _merge(
    intervals: Iterator[tuple[datetime, datetime]] | list[tuple[datetime, datetime]],
) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted(intervals):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((begins, ends))
    return merged


def _is_full(rules: Rules, calendar: Calendar, day: date) -> bool:
    return rules.daily_limit is not None and calendar.booked_on.get(day, 0) >= rules.daily_limit


def _is_duration(duration_min: int) -> bool:
    return 0 < duration_min <= MAX_DURATION_MIN


def _horizon(rules: Rules, today: date) -> date:
    return today + timedelta(days=min(rules.horizon_days, MAX_HORIZON_DAYS))


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
