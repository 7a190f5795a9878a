"""One person: what is known, and everything that happened with him on one timeline across channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import Appointment, Audit, Call, Conversation, Lead, LeadFact, Message, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, leads, stages
from agentlocator.domain.leads import By, Patch
from agentlocator.web.outcomes import ending_of
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FIELDS: Final = {
    "name": said("Name"),
    "email": said("E-mail"),
    "city": said("City"),
    "need": said("Need"),
    "notes": said("Notes"),
}

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
    return visit.redirect(visit.url("leads/board" if visit.text("back") == "board" else f"leads/{lead.id}"))


async def _page(visit: Visit, scope: Scope) -> Response:
    lead = await _lead(visit, scope)
    moments = [
        *await _calls(visit, scope, lead.id),
        *await _appointments(visit, scope, lead.id),
        *await _messages(visit, scope, lead.id),
        *await _facts(visit, scope, lead.id),
        *await _moves(visit, scope, lead.id),
        *await _changes(visit, scope, lead.id),
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


async def _messages(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    rows: Sequence[Message] = await scope.all(
        select(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.lead_id == lead_id)
        .order_by(Message.id.desc())
        .limit(_MOST)
    )
    return [
        Moment(row.at, f"message-{row.author}", row.body, link=visit.url(f"inbox/{row.conversation_id}"))
        for row in rows
    ]


async def _facts(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    """What somebody said or wrote of him, and in which call; notes by a person stand out."""
    return [
        Moment(
            row.at,
            _fact_kind(row),
            f"{visit.gettext(_FIELDS.get(row.field, row.field))}: {row.value or '–'}",
            _by(visit, row.actor),
            visit.url(f"calls/{row.call_sid}") if row.call_sid else "",
        )
        for row in await leads.provenance(scope, lead_id, limit=_MOST)
    ]


def _fact_kind(row: LeadFact) -> str:
    if not row.taken:
        return "otherwise"
    return "note" if row.field == "notes" else "fact"


async def _moves(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    """Steps along the pipeline."""
    names = {str(step.stage_id): step.name for step in await stages.listed(scope)}
    rows = [line for line in await audit.history(scope, "lead", lead_id) if line.field == "stage_id"][-_MOST:]
    return [
        Moment(
            line.at,
            "move",
            " → ".join(names.get(stage or "", "–") for stage in (line.old, line.new)),
            _by(visit, line.actor),
        )
        for line in rows
    ]


async def _changes(visit: Visit, scope: Scope, lead_id: int) -> list[Moment]:
    """Appointments that were moved to another time."""
    rows: Sequence[Audit] = await scope.all(
        select(Audit)
        .join(Appointment, Appointment.id == Audit.entity_id)
        .where(
            Audit.entity == "appointment",
            Audit.field == "starts_at",
            Audit.old.is_not(None),
            Appointment.lead_id == lead_id,
        )
        .order_by(Audit.id.desc())
        .limit(_MOST)
    )
    clock = visit.clock
    moments = []
    for line in rows:
        old, new = (datetime.fromisoformat(at) for at in (line.old or "", line.new or ""))
        words = " → ".join(f"{clock.day(at)}, {clock.time(at)}" for at in (old, new))
        moments.append(Moment(line.at, "moved", words, _by(visit, line.actor)))
    return moments


def _by(visit: Visit, actor: str) -> str:
    return visit.gettext(said("Assistant")) if actor == "assistant" else actor
