"""Books a free time for the caller of this call, and says so with a receipt. Without a receipt nothing was booked."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from agentlocator.assistant import hebrew, refusals
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.assistant.tools.service_meant import service_meant
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, leads
from agentlocator.domain.appointments import Booking
from agentlocator.domain.availability import Refusal


class CreateAppointment(Arguments, frozen=True):
    start: Annotated[
        str, Meta(description="The agreed time, YYYY-MM-DDTHH:MM, exactly as `start` of a found slot, no offset.")
    ]
    service: Annotated[str | None, Meta(description="The service, in the words of the business's list.")] = None
    name: Annotated[str | None, Meta(description="The caller's name, if it was said.")] = None
    notes: Annotated[str | None, Meta(description="Anything the business should know about this visit.")] = None


async def run(scope: Scope, context: ToolContext, wanted: CreateAppointment, key: str) -> ToolReply:
    service = await service_meant(scope, wanted.service)
    if isinstance(service, ToolReply):
        return service
    booking = Booking(
        start=wanted.start,
        lead_id=context.lead_id,
        service_id=service.id if service else None,
        notes=await _notes(scope, context, wanted),
        call_sid=context.call_sid,
        key=key,
    )
    booked = await appointments.book(scope, booking, now=context.now)
    if isinstance(booked, Refusal):
        return refusals.refused(booked)
    await _write_lead(scope, context, wanted)
    return ToolReply(
        f"נקבע תור ל{hebrew.spoken_slot(booked.wall)}.",
        ok=True,
        receipt=booked,
        data={"start": f"{booked.wall:%Y-%m-%dT%H:%M}", "service": booked.service},
    )


async def _notes(scope: Scope, context: ToolContext, wanted: CreateAppointment) -> str:
    """The visit's notes; a name that is not the lead's own goes there, since a shared phone is not a shared person."""
    lead = await leads.show(scope, context.lead_id)
    notes = wanted.notes or ""
    if lead is None or not lead.name or not wanted.name or leads.is_same_name(lead.name, wanted.name):
        return notes
    return f"על שם {wanted.name}. {notes}".strip()


async def _write_lead(scope: Scope, context: ToolContext, wanted: CreateAppointment) -> None:
    lead = await leads.show(scope, context.lead_id)
    is_stranger = lead is not None and bool(lead.name) and not leads.is_same_name(lead.name or "", wanted.name or "")
    patch = leads.Patch(name=None if is_stranger else wanted.name, need=wanted.service)
    by = leads.By("assistant", "assistant", context.call_sid)
    await leads.upsert(scope, context.lead_id, patch, by=by, now=context.now)


TOOL = Tool(
    name="calendar_create_appointment",
    description=(
        "Book the time the caller agreed to. The caller is known; do not ask for the phone. "
        "Only when ok is true is the appointment booked: then say so in the words of `say`."
    ),
    arguments=CreateAppointment,
    run=run,
)
