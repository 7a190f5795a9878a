"""The day in ten seconds: who called, what was booked, who waits for an answer, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, func, select
from starlette.responses import Response

from agentlocator.db.schema import Appointment, Call, Conversation, Lead, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import calls
from agentlocator.domain.calendars import is_live
from agentlocator.domain.inbox import WAITS
from agentlocator.web import troubles
from agentlocator.web.pages.calls import lines_of
from agentlocator.web.visit import Visit

_LATEST = 6
_WAITING = 8
_NEXT = 8


class Day(msgspec.Struct, frozen=True):
    """What happened since midnight. Costs are in millionths of a dollar."""

    calls: int
    live: int
    booked: int
    spent_micro_usd: int
    silent: int


class Visitor(msgspec.Struct, frozen=True):
    """An appointment of today that is still to come."""

    starts_at: datetime
    lead_id: int | None
    name: str
    service: str


class Waiting(msgspec.Struct, frozen=True):
    """A conversation in which a person is wanted."""

    conversation_id: int
    name: str
    phone_raw: str
    since: datetime | None


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        midnight = visit.clock.midnight()
        day = await _day(scope, midnight)
        latest = await lines_of(scope, await calls.listed(scope, limit=_LATEST))
        coming = await _coming(scope, visit.now, visit.clock.midnight(1))
        waiting = await _waiting(scope)
        health = await troubles.examine(scope, visit.now)
    return visit.render(
        "today.html", section="today", day=day, latest=latest, coming=coming, waiting=waiting, health=health
    )


async def _day(scope: Scope, midnight: datetime) -> Day:
    today = Call.started_at >= midnight
    real = and_(today, Call.is_test.is_(False))
    # A test call costs what a call costs; everything else of it is no news.
    spent = select(func.coalesce(func.sum(Call.cost_micro_usd), 0)).where(today)
    tests = select(Call.call_sid).where(Call.is_test)
    booked = select(func.count(Appointment.id)).where(
        Appointment.created_at >= midnight,
        Appointment.call_sid.is_not(None),
        Appointment.call_sid.not_in(tests),
        Appointment.status != "cancelled",
    )
    return Day(
        calls=await scope.first(select(func.count(Call.id)).where(real)),
        live=await scope.first(select(func.count(Call.id)).where(real, Call.status != "finished")),
        booked=await scope.first(booked),
        spent_micro_usd=int(await scope.first(spent)),
        silent=await scope.first(select(func.count(Call.id)).where(real, Call.tx == 0)),
    )


async def _coming(scope: Scope, now: datetime, until: datetime) -> list[Visitor]:
    rows: Sequence[Any] = await scope.rows(
        select(Appointment.starts_at, Lead.id, Lead.name, Lead.phone_raw, Service.name)
        .select_from(Appointment)
        .outerjoin(Lead, Lead.id == Appointment.lead_id)
        .outerjoin(Service, Service.id == Appointment.service_id)
        .where(Appointment.starts_at >= now, Appointment.starts_at < until, is_live(now))
        .order_by(Appointment.starts_at)
        .limit(_NEXT)
    )
    return [Visitor(at, lead_id, name or phone or "", service or "") for at, lead_id, name, phone, service in rows]


async def _waiting(scope: Scope) -> list[Waiting]:
    rows = await scope.rows(
        select(Conversation.id, Lead.name, Lead.phone_raw, Conversation.last_message_at)
        .select_from(Conversation)
        .join(Lead, Lead.id == Conversation.lead_id)
        .where(WAITS)
        .order_by(Conversation.last_message_at.desc())
        .limit(_WAITING)
    )
    return [Waiting(conversation_id, name or "", phone, since) for conversation_id, name, phone, since in rows]
