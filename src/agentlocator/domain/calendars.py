"""Reads what the pure availability needs to know of a business's calendar. It never writes and never decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from agentlocator.db.schema import BLOCKING, Appointment, BusyBlock, Resource, Schedule, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import schedules, services
from agentlocator.domain.availability import Busy, Calendar, Rules, Visit

# No visit is longer than a day, so nothing that ended before this still matters.
_LOOK_BACK = timedelta(days=3)


class Diary(msgspec.Struct, frozen=True):
    """Rules and calendar together, as read at one moment."""

    rules: Rules
    calendar: Calendar


async def read(
    scope: Scope,
    *,
    now: datetime,
    schedule: Schedule | None = None,
    besides: int | None = None,
    resource_id: int | None = None,
) -> Diary:
    """The diary from now on.

    `besides` leaves one appointment out, so that moving it is not in its own way; `resource_id` narrows the diary to
    one resource; `schedule` spares reading what the caller has in hand.
    """
    hours = await _hours(scope, resource_id)
    taken = await _appointments(scope, now, besides)
    busy = [Busy(*footprint) for *footprint, _day, status in taken if status in BLOCKING]
    busy += [Busy(*blocked) for blocked in await _blocks(scope, now)]
    booked_on: Counter[date] = Counter(day for *_footprint, day, _status in taken)
    own = {one: services.week_of(week) for one, week in hours.items() if week}
    return Diary(await schedules.rules(scope, schedule), Calendar(tuple(hours), busy, booked_on, own))


def visit(schedule: Schedule, service: Service | None, duration_min: int | None = None) -> Visit:
    """What a service, or a plain appointment, takes."""
    length = schedule.length_min if service is None else service.duration_min
    before = None if service is None else service.buffer_before_min
    after = None if service is None else service.buffer_after_min
    return Visit(
        duration_min=length if duration_min is None else duration_min,
        buffer_before_min=schedule.buffer_before_min if before is None else before,
        buffer_after_min=schedule.buffer_after_min if after is None else after,
    )


def is_live(now: datetime) -> ColumnElement[bool]:
    """Appointments that still take their time: all blocking ones but holds that have run out."""
    return and_(
        Appointment.status.in_(BLOCKING),
        or_(Appointment.status != "held", Appointment.hold_expires_at > now),
    )


async def _hours(scope: Scope, resource_id: int | None) -> dict[int, list[list[int]]]:
    """The resources that are there, each with its own hours if it keeps any."""
    statement = select(Resource.id, Resource.hours).where(Resource.active).order_by(Resource.id)
    if resource_id is not None:
        statement = statement.where(Resource.id == resource_id)
    return dict(await scope.rows(statement))


async def _blocks(scope: Scope, now: datetime) -> Sequence[Any]:
    statement = select(BusyBlock.resource_id, BusyBlock.starts_at, BusyBlock.ends_at)
    return await scope.rows(statement.where(BusyBlock.ends_at > now - _LOOK_BACK))


async def _appointments(scope: Scope, now: datetime, besides: int | None) -> Sequence[Any]:
    """Resource, footprint, date and status of everything that counts."""
    # A visit that took place still counts for its day's limit.
    statement = (
        select(
            Appointment.resource_id,
            Appointment.block_from,
            Appointment.block_to,
            Appointment.local_date,
            Appointment.status,
        )
        .where(Appointment.block_to > now - _LOOK_BACK)
        .where(or_(is_live(now), Appointment.status.in_(("completed", "no_show"))))
    )
    if besides is not None:
        statement = statement.where(Appointment.id != besides)
    return await scope.rows(statement)
