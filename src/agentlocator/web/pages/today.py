"""The day in ten seconds: who called, what was booked, who waits for an answer, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
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
        booked = await _booked(scope, visit.clock.midnight())
        latest = await lines_of(scope, await calls.listed(scope, limit=_LATEST))
        coming = await _coming(scope, visit.now, visit.clock.midnight(1))
        waiting = await _waiting(scope)
        health = await troubles.examine(scope, visit.now)
    return visit.render(
        "today.html", section="today", booked=booked, latest=latest, coming=coming, waiting=waiting, health=health
    )


async def _booked(scope: Scope, since: datetime) -> int:
    """How many appointments were made in calls; in tests do not count."""
    in_a_test = select(Call.id).where(Call.call_sid == Appointment.call_sid, Call.is_test).exists()
    return int(
        await scope.first(
            select(func.count(Appointment.id)).where(
                Appointment.created_at >= since,
                Appointment.call_sid.is_not(None),
                Appointment.status != "cancelled",
                ~in_a_test,
            )
        )
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
