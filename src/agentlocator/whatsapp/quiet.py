"""When nobody is written to without having asked: nights, Shabbat and holidays. Pure.

The rest day is from 15:30 of its eve to 21:00, in every season: candles are never lit before, and Shabbat is never out
later.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from agentlocator.domain import holidays, localtime
from agentlocator.whatsapp.policy import WhatsAppPolicy

REST_FROM: Final = time(15, 30)
REST_UNTIL: Final = time(21, 0)

_SATURDAY = 5
_DAY = timedelta(days=1)


def quiet_until(now: datetime, policy: WhatsAppPolicy, timezone: str) -> datetime:
    """The first moment from `now` on that is not quiet, in UTC; `now` itself when it is not."""
    wall = localtime.to_wall(now, timezone)
    moved = wall
    while ends := [until for since, until in _stretches(moved.date(), policy) if since <= moved < until]:
        moved = max(ends)
    return now if moved == wall else localtime.closest_instant(moved, timezone)


def _stretches(day: date, policy: WhatsAppPolicy) -> list[tuple[datetime, datetime]]:
    """Every quiet stretch that may touch a day, as wall readings, half-open."""
    midnight = datetime.combine(day, time())
    since, until = timedelta(minutes=policy.quiet_from_min), timedelta(minutes=policy.quiet_until_min)
    nights = [(midnight - _DAY + since, midnight + until), (midnight + since, midnight + _DAY + until)]
    if not policy.keeps_shabbat:
        return nights
    rests = [one for one in (day, day + _DAY) if one.weekday() == _SATURDAY or one in _holidays(one.year)]
    return nights + [(datetime.combine(one - _DAY, REST_FROM), datetime.combine(one, REST_UNTIL)) for one in rests]


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    offered = holidays.offered(date(year, 1, 1), date(year, 12, 31))
    return frozenset(one.on_date for one in offered if not one.windows)
