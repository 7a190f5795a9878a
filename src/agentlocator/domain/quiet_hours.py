"""When nobody is written to without having asked: nights, Shabbat and holidays, by the business's clock. Pure.

The rest day is from 15:30 of its eve to 21:00, in every season: candles are never lit before, and Shabbat is never out
later.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from agentlocator.domain import holidays, localtime

REST_FROM: Final = time(15, 30)
REST_UNTIL: Final = time(21, 0)

_SATURDAY = 5
_DAY = timedelta(days=1)


class QuietHours(msgspec.Struct, frozen=True):
    """A business's choice, in minutes of its day."""

    quiet_from_min: int = 21 * 60
    quiet_until_min: int = 8 * 60
    keeps_shabbat: bool = True

    def __post_init__(self) -> None:
        if not 13 * 60 <= self.quiet_from_min <= 24 * 60 or not 0 <= self.quiet_until_min <= 11 * 60:
            raise ValueError("quiet hours begin at 13:00 or later and end by 11:00, or there would be no decent hour")


def is_quiet(at: datetime, hours: QuietHours, timezone: str) -> bool:
    """Whether an instant is quiet."""
    return quiet_since(localtime.to_wall(at, timezone), hours) is not None


def quiet_until(at: datetime, hours: QuietHours, timezone: str) -> datetime:
    """The first moment from `at` on that is not quiet, in UTC; `at` itself when it is not."""
    wall = localtime.to_wall(at, timezone)
    moved = wall
    while ends := [until for since, until in _stretches(moved.date(), hours) if since <= moved < until]:
        moved = max(ends)
    return at if moved == wall else localtime.closest_instant(moved, timezone)


def quiet_since(wall: datetime, hours: QuietHours) -> datetime | None:
    """When the quiet stretch around a wall reading began; None when it is not quiet."""
    return min((since for since, until in _stretches(wall.date(), hours) if since <= wall < until), default=None)


def _stretches(day: date, hours: QuietHours) -> list[tuple[datetime, datetime]]:
    """Every quiet stretch that may touch a day, as wall readings, half-open."""
    midnight = datetime.combine(day, time())
    since, until = timedelta(minutes=hours.quiet_from_min), timedelta(minutes=hours.quiet_until_min)
    nights = [(midnight - _DAY + since, midnight + until), (midnight + since, midnight + _DAY + until)]
    if not hours.keeps_shabbat:
        return nights
    rests = [one for one in (day, day + _DAY) if one.weekday() == _SATURDAY or one in _holidays(one.year)]
    return nights + [(datetime.combine(one - _DAY, REST_FROM), datetime.combine(one, REST_UNTIL)) for one in rests]


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    offered = holidays.offered(date(year, 1, 1), date(year, 12, 31))
    return frozenset(one.on_date for one in offered if not one.windows)
