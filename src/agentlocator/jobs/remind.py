"""Reminders of appointments: which moments, kept in the outbox, and whether they still stand when they come.

Moments are planned, not sent: every one is an outbox row, made again when the visit moves or the business changes its
mind. Nobody is reminded in quiet hours, on Shabbat or on a holiday: such a moment comes earlier instead, for a
reminder that comes later would come too late.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select, update

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Outbox
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, localtime, outbox, quiet_hours
from agentlocator.jobs import policy as policies
from agentlocator.jobs.policy import ReminderPolicy
from agentlocator.jobs.telling import Handler, NotNow, OutboxItem, Undeliverable

KIND: Final = "appointment.reminder"
STANDING: Final = ("booked", "confirmed")
# A moment that is moved out of quiet time comes this long before it begins, and not at its very edge.
AHEAD_OF_QUIET: Final = timedelta(minutes=30)
# Two reminders nearer than this are one: the later.
APART: Final = timedelta(hours=2)
LEAST_NOTICE: Final = timedelta(minutes=30)
# Rest days in a row that a moment may be carried back over, beyond the longest lead.
LOOK_AHEAD: Final = timedelta(days=14 + 6)

_WITHDRAWN = "withdrawn"

_log = structlog.stdlib.get_logger("agentlocator.jobs")


def reminders_for(starts_at: datetime, policy: ReminderPolicy, timezone: str) -> list[datetime]:
    """The moments to remind of a visit, earliest first, in UTC; all of them decent and well before it. Pure."""
    moments = sorted(
        {_decent(starts_at - timedelta(minutes=lead_min), policy, timezone) for lead_min in policy.leads_min}
    )
    kept = [earlier for earlier, later in pairwise(moments) if later - earlier >= APART]
    return [moment for moment in [*kept, *moments[-1:]] if moment <= starts_at - LEAST_NOTICE]


async def plan_all(db: Database, *, now: datetime) -> None:
    """Plan every business's reminders. One that cannot be planned is logged, and keeps no other from theirs."""
    async with db.operator() as operator:
        listed = await businesses.listed(operator)
    for business in listed:
        try:
            if await _is_planned(db, business.business_id, now=now):
                continue
            await db.write(business.business_id, lambda scope: plan(scope, now=now))
        except Exception:
            _log.exception("reminders could not be planned", business=business.business_id)


async def plan(scope: Scope, *, now: datetime) -> int:
    """Make the outbox hold just the reminders that the visits to come ask for; answers how many rows changed.

    This replaces whatever else put reminders of these visits there.
    """
    change = await _change(scope, now)
    for row in change.stale:
        row.failed_at = now
        row.last_error = _WITHDRAWN
    for key, (moment, payload) in change.missing.items():
        await outbox.put(scope, kind=KIND, key=key, payload=payload, now=now, due_at=moment)
    await _revive(scope, change.missing)
    return len(change.stale) + len(change.missing)


def while_it_stands(db: Database, send: Handler, *, clock: Clock) -> Handler:
    """A handler that lets a reminder through only if its visit still stands as it was, and the hour is decent."""

    async def checked(item: OutboxItem) -> None:
        now = clock()
        async with db.reading(item.business_id) as scope:
            visit = await scope.get(Appointment, int(item.payload["appointment_id"]))
            policy, timezone = await policies.of_business(scope)
        if visit is None or visit.status not in STANDING or visit.sequence != item.payload["sequence"]:
            raise Undeliverable("the visit does not stand any more as it did")
        if visit.starts_at <= now:
            raise Undeliverable("the visit has begun")
        if quiet_hours.is_quiet(now, policy.reminders, timezone):
            raise NotNow(quiet_hours.quiet_until(now, policy.reminders, timezone))
        await send(item)

    return checked


class _Change(msgspec.Struct, frozen=True):
    """What is between the outbox and the visits: rows nobody asks for, and key → (moment, payload) to be put."""

    stale: list[Outbox]
    missing: dict[str, tuple[datetime, dict[str, Any]]]


async def _is_planned(db: Database, business_id: int, *, now: datetime) -> bool:
    """Whether there is nothing to change, looked up without waiting for a writer."""
    async with db.reading(business_id) as scope:
        change = await _change(scope, now)
    return not change.stale and not change.missing


async def _change(scope: Scope, now: datetime) -> _Change:
    policy, timezone = await policies.of_business(scope)
    visits: Sequence[Appointment] = await scope.all(
        select(Appointment).where(
            Appointment.status.in_(STANDING),
            Appointment.lead_id.is_not(None),
            Appointment.starts_at > now,
            Appointment.starts_at <= now + LOOK_AHEAD,
        )
    )
    waiting = await _waiting(scope)
    asked = {
        f"reminder.{visit.id}.{visit.sequence}.{int(moment.timestamp()) // 60}": (moment, visit)
        for visit in visits
        for moment in reminders_for(visit.starts_at, policy.reminders, timezone)
    }
    return _Change(
        stale=[row for key, row in waiting.items() if key not in asked],
        missing={
            key: (moment, _payload(visit))
            for key, (moment, visit) in asked.items()
            if key not in waiting and moment > max(now, visit.changed_at)
        },
    )


async def _waiting(scope: Scope) -> dict[str, Outbox]:
    """The reminders that wait for their moment. One that is under way, or was tried, is left to its own."""
    rows: Sequence[Outbox] = await scope.all(
        select(Outbox).where(
            Outbox.kind == KIND,
            Outbox.done_at.is_(None),
            Outbox.failed_at.is_(None),
            Outbox.claimed_until.is_(None),
            Outbox.attempts == 0,
        )
    )
    return {row.key: row for row in rows}


async def _revive(scope: Scope, keys: Collection[str]) -> None:
    """A business that changes its mind and changes it back wants the very rows it had."""
    if keys:
        await scope.changed(
            update(Outbox)
            .where(Outbox.key.in_(list(keys)), Outbox.done_at.is_(None), Outbox.last_error == _WITHDRAWN)
            .values(failed_at=None, last_error=None)
        )


def _payload(visit: Appointment) -> dict[str, Any]:
    return {
        "appointment_id": visit.id,
        "uid": visit.uid,
        "sequence": visit.sequence,
        "lead_id": visit.lead_id,
        "starts_at": visit.starts_at.isoformat(),
        "call_sid": visit.call_sid,
    }


def _decent(wished: datetime, policy: ReminderPolicy, timezone: str) -> datetime:
    wall = localtime.to_wall(wished, timezone)
    moved = wall
    while (since := quiet_hours.quiet_since(moved, policy)) is not None:
        moved = since - AHEAD_OF_QUIET
    # A wish that may stay is not sent through the wall clock: in autumn's repeated hour that would move it.
    return wished if moved == wall else localtime.closest_instant(moved, timezone)
