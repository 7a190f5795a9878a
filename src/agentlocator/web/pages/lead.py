"""One person: what is known, and everything that happened with him on one timeline across channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import Appointment, Call, Conversation, Lead, Message, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import leads, stages
from agentlocator.domain.leads import By, Patch
from agentlocator.web.outcomes import ending_of
from agentlocator.web.visit import Visit

# Of each kind; whoever has more is looked at in the lists.
_MOST = 100


class Moment(msgspec.Struct, frozen=True):
    """Something that happened: of which kind, when, and what there is to read of it."""

    at: datetime
    kind: str
    words: str
    detail: str = ""
    link: str = ""


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        return await _page(visit, scope)


async def change(visit: Visit) -> Response:
    """Writes what a person typed; from now on the assistant does not overwrite it."""
    async with visit.writing() as scope:
        lead = await _lead(visit, scope)
        patch = Patch(**{field: visit.text(field) for field in leads.FIELD_LIMITS if field in visit.form})
        await leads.upsert(scope, lead.id, patch, by=By("person", visit.actor), now=visit.now)
    return visit.redirect(visit.url(f"leads/{lead.id}"))


async def move(visit: Visit) -> Response:
    """Puts the person on another step of the pipeline."""
    stage = visit.text("stage")
    async with visit.writing() as scope:
        lead = await _lead(visit, scope)
        known = [step.stage_id for step in await stages.listed(scope) if str(step.stage_id) == stage]
        if not known:
            visit.missing()
        await stages.move(scope, lead.id, known[0], actor=visit.actor, now=visit.now)
    return visit.redirect(visit.url(f"leads/{lead.id}"))


async def _page(visit: Visit, scope: Scope) -> Response:
    lead = await _lead(visit, scope)
    moments = [
        *await _calls(visit, scope, lead.id),
        *await _appointments(visit, scope, lead.id),
        *await _messages(scope, lead.id),
    ]
    return visit.render(
        "lead.html",
        section="leads",
        lead=lead,
        steps=await stages.listed(scope),
        timeline=sorted(moments, key=lambda moment: moment.at, reverse=True),
    )


async def _lead(visit: Visit, scope: Scope) -> Lead:
    return await leads.show(scope, visit.request.path_params["lead_id"]) or visit.missing()


async def _calls(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    rows: Sequence[Call] = await scope.all(
        select(Call).where(Call.lead_id == lead_id).order_by(Call.id.desc()).limit(_MOST)
    )
    return [
        Moment(
            row.started_at,
            "call",
            visit.gettext(ending_of(row.outcome).words) if row.outcome else "",
            row.summary or "",
            visit.url(f"calls/{row.call_sid}"),
        )
        for row in rows
    ]


async def _appointments(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    rows = await scope.rows(
        select(Appointment, Service.name)
        .outerjoin(Service, Service.id == Appointment.service_id)
        .where(Appointment.lead_id == lead_id)
        .order_by(Appointment.id.desc())
        .limit(_MOST)
    )
    clock = visit.clock
    return [
        Moment(
            row.created_at,
            "cancelled" if row.status == "cancelled" else "appointment",
            " · ".join(part for part in (service, f"{clock.day(row.starts_at)}, {clock.time(row.starts_at)}") if part),
            row.notes,
        )
        for row, service in rows
    ]


async def _messages(scope: Scope, lead_id: int) -> list[Moment]:
    rows: Sequence[Message] = await scope.all(
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.lead_id == lead_id)
        .order_by(Message.id.desc())
        .limit(_MOST)
    )
    return [Moment(row.at, f"message-{row.author}", row.body) for row in rows]
