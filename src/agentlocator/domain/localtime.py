"""Between instants and a business's wall clock. Pure.

All arithmetic is done in UTC: two aware datetimes of one zone compare and add by the wall clock, which is wrong
on the two days a year that matter. It never reads a clock.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WALL = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}):(\d{2})(?::00)?", re.ASCII)


class Stretch(msgspec.Struct, frozen=True):
    """A stretch of time with one offset, half-open, in UTC."""

    starts_at: datetime
    ends_at: datetime
    offset: timedelta


class SkippedTime(ValueError):
    """A wall time the clock jumped over."""


def zone(name: str) -> ZoneInfo:
    """The time zone with this name. Raises ValueError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ValueError(f"{name!r} is no time zone") from unknown


def to_wall(instant: datetime, timezone: str) -> datetime:
    """The wall clock's reading at an instant, naive."""
    return instant.astimezone(zone(timezone)).replace(tzinfo=None)


def to_instant(wall: datetime, timezone: str) -> datetime:
    """The instant of a wall reading, of a repeated one the first. Raises SkippedTime where there is none."""
    instant = wall.replace(tzinfo=zone(timezone), fold=0).astimezone(UTC)
    if to_wall(instant, timezone) != wall.replace(fold=0):
        raise SkippedTime(f"{wall.isoformat()} does not exist in {timezone}")
    return instant


def closest_instant(wall: datetime, timezone: str) -> datetime:
    """The instant a wall reading would have had if the clock had not jumped."""
    return wall.replace(tzinfo=zone(timezone), fold=0).astimezone(UTC)


def today(now: datetime, timezone: str) -> date:
    return to_wall(now, timezone).date()


def parse_date(written: str) -> date:
    """A date written YYYY-MM-DD and in no other way. Raises ValueError."""
    if not _DATE.fullmatch(written):
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(written)


def parse_wall(written: str) -> datetime:
    """A wall reading written YYYY-MM-DDTHH:MM. Raises ValueError; the date is checked before the time."""
    found = _WALL.fullmatch(written)
    if found is None:
        raise ValueError("a time is written YYYY-MM-DDTHH:MM")
    return datetime.combine(date.fromisoformat(found[1]), time(int(found[2]), int(found[3])))


@lru_cache(maxsize=4096)
def stretches(day: date, timezone: str) -> tuple[Stretch, ...]:
    """The day from its first to its last instant, cut where its offset changes."""
    tz = zone(timezone)
    # Any zone's day lies within these bounds.
    first = datetime.combine(day, time(), UTC) - timedelta(hours=26)
    last = datetime.combine(day, time(), UTC) + timedelta(hours=50)
    cuts = [first, *_changes(first, last, tz), last]
    found = []
    for starts_at, ends_at in pairwise(cuts):
        offset = starts_at.astimezone(tz).utcoffset()
        assert offset is not None, "a zone knows its offset"
        midnight = datetime.combine(day, time(), UTC) - offset
        inside = max(starts_at, midnight), min(ends_at, midnight + timedelta(days=1))
        if inside[0] < inside[1]:
            found.append(Stretch(*inside, offset))
    return tuple(found)


def _changes(first: datetime, last: datetime, tz: ZoneInfo) -> list[datetime]:
    found = []
    at = first
    while at < last:
        following = at + timedelta(hours=6)
        if at.astimezone(tz).utcoffset() != following.astimezone(tz).utcoffset():
            found.append(_change_between(at, following, tz))
        at = following
    return found


def _change_between(low: datetime, high: datetime, tz: ZoneInfo) -> datetime:
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
