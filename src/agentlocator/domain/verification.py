"""The one question that proves an appointment is the caller's, for a caller whose number does not.

Whoever knows the phone an appointment was booked from and its exact date and hour may move or cancel it. A call may
try once, and a phone may be tried a few times a day; a wrong answer never tells what was wrong with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from agentlocator.db.schema import Appointment, CallerCheck, Lead
from agentlocator.db.scope import Scope
from agentlocator.domain import calendars, localtime, phones

WRONG_ANSWERS_A_DAY = 3


async def answer(scope: Scope, *, asked_in: str, phone_raw: str, wall_start: str, now: datetime) -> int | None:
    """The lead whose appointment the answer names, or None. Only the first answer of a call counts."""
    claimed = phones.parse(phone_raw).key or ""
    lead_id = None
    if not await _is_exhausted(scope, claimed, now):
        lead_id = await _lead_of(scope, claimed, wall_start, now)
    first = await scope.insert_new(
        CallerCheck, asked_in=asked_in, lead_id=lead_id, claimed_key=claimed, passed=lead_id is not None, at=now
    )
    return lead_id if first else None


async def proven_lead(scope: Scope, asked_in: str) -> int | None:
    """The lead this call has proven to speak for, besides the one it calls from."""
    found: int | None = await scope.first(
        select(CallerCheck.lead_id).where(CallerCheck.asked_in == asked_in, CallerCheck.passed)
    )
    return found


async def was_asked(scope: Scope, asked_in: str) -> bool:
    return await scope.first(select(CallerCheck.id).where(CallerCheck.asked_in == asked_in)) is not None


async def _is_exhausted(scope: Scope, claimed: str, now: datetime) -> bool:
    wrong = await scope.first(
        select(func.count(CallerCheck.id)).where(
            CallerCheck.claimed_key == claimed, ~CallerCheck.passed, CallerCheck.at > now - timedelta(days=1)
        )
    )
    return int(wrong) >= WRONG_ANSWERS_A_DAY


async def _lead_of(scope: Scope, claimed: str, wall_start: str, now: datetime) -> int | None:
    try:
        wall = localtime.parse_wall(wall_start)
    except ValueError:
        return None
    rows = await scope.all(
        select(Appointment)
        .join(Lead, Lead.id == Appointment.lead_id)
        .where(Lead.phone_key == claimed, Appointment.starts_at > now, calendars.is_live(now))
    )
    for row in rows:
        if localtime.to_wall(row.starts_at, row.timezone) == wall:
            return int(row.lead_id)
    return None
