"""Time in which one of the staff is not there: nobody is booked with him in it.

What was booked before stays booked: a person decides what becomes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import and_, select

from agentlocator.db.schema import Appointment, BusyBlock
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, schedules, services
from agentlocator.domain.calendars import is_live
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean

# Of all of them together: a page names no more.
MOST_CAUGHT = 200


class Caught(msgspec.Struct, frozen=True):
    """An appointment that still stands in time in which whoever it is with is away."""

    absence_id: int
    appointment_id: int
    starts_at: datetime


async def add(
    scope: Scope,
    resource_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    note: str = "",
    actor: str,
    now: datetime,
) -> int | None:
    """Take one of the staff out for a while; answers the absence's id, None for nobody of ours. Raises BadSetting."""
    if starts_at >= ends_at:
        raise BadSetting("absence", "reversed")
    await schedules.take_turn(scope)
    if resource_id not in {one.id for one in await services.resources(scope)}:
        return None
    absence = scope.add(
        BusyBlock(
            resource_id=resource_id,
            source="owner",
            external_uid=None,
            note=clean(note)[:200],
            starts_at=starts_at,
            ends_at=ends_at,
        )
    )
    await scope.flush()
    _note(scope, absence, (None, _span(absence)), actor, now)
    return absence.id


async def take_back(scope: Scope, absence_id: int, *, actor: str, now: datetime) -> bool:
    """He is there after all. False for an absence that is not there."""
    await schedules.take_turn(scope)
    absence = await scope.get(BusyBlock, absence_id)
    if absence is None:
        return False
    _note(scope, absence, (_span(absence), None), actor, now)
    await scope.session.delete(absence)
    await scope.flush()
    return True


async def between(scope: Scope, starts_from: datetime, until: datetime | None = None) -> Sequence[BusyBlock]:
    """Every absence that touches a stretch of time, the earliest first; without an end, all from then on."""
    statement = select(BusyBlock).where(BusyBlock.ends_at > starts_from).order_by(BusyBlock.starts_at, BusyBlock.id)
    if until is not None:
        statement = statement.where(BusyBlock.starts_at < until)
    found: Sequence[BusyBlock] = await scope.all(statement)
    return found


async def caught(scope: Scope, *, now: datetime) -> list[Caught]:
    """The appointments to come that somebody has to move, the earliest first."""
    meets = and_(
        Appointment.resource_id == BusyBlock.resource_id,
        Appointment.starts_at < BusyBlock.ends_at,
        Appointment.ends_at > BusyBlock.starts_at,
    )
    rows = await scope.rows(
        select(BusyBlock.id, Appointment.id, Appointment.starts_at)
        .select_from(BusyBlock)
        .join(Appointment, meets)
        .where(BusyBlock.ends_at > now, Appointment.ends_at > now, is_live(now))
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(MOST_CAUGHT)
    )
    return [Caught(*row) for row in rows]


def _span(absence: BusyBlock) -> str:
    return f"{absence.starts_at.isoformat()} {absence.ends_at.isoformat()}"


def _note(scope: Scope, absence: BusyBlock, change: tuple[str | None, str | None], actor: str, now: datetime) -> None:
    changes = {"absence": change}
    audit.record(scope, actor=actor, entity="resource", entity_id=absence.resource_id, changes=changes, at=now)
