"""When a person is reminded of an appointment. Pure: it only names the moment, nobody is told anything here.

A day ahead, at an hour people are awake, and never on Shabbat: a Sunday visit is reminded of on Friday morning.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from agentlocator.domain import localtime

EARLIEST = time(9, 0)
LATEST = time(20, 0)
# Candle lighting is never before four in the afternoon, and Shabbat is over before nine in the evening.
FRIDAY_LATEST = time(13, 0)
SHORTEST_NOTICE = timedelta(hours=3)

_FRIDAY, _SATURDAY = 4, 5


def due_at(starts_at: datetime, timezone: str, *, now: datetime) -> datetime | None:
    """The moment to remind of a visit; None when it is too near to remind of at all."""
    wall = localtime.to_wall(starts_at, timezone)
    wished = wall.time().replace(second=0, microsecond=0)
    day = _working_day(wall.date() - timedelta(days=1))
    latest = FRIDAY_LATEST if day.weekday() == _FRIDAY else LATEST
    reminded = localtime.closest_instant(datetime.combine(day, min(max(wished, EARLIEST), latest)), timezone)
    return reminded if now < reminded <= starts_at - SHORTEST_NOTICE else None


def _working_day(day: date) -> date:
    return day - timedelta(days=1) if day.weekday() == _SATURDAY else day
