"""Cancels an appointment of the caller."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from agentlocator.assistant import hebrew, refusals
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.assistant.tools.own_appointment import WHEN_UNPROVEN, BookedPhone, own_appointment
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments
from agentlocator.domain.availability import Refusal


class CancelAppointment(Arguments, frozen=True):
    current_start: Annotated[
        str | None, Meta(description="When the appointment is, YYYY-MM-DDTHH:MM, if the caller said.")
    ] = None
    booked_phone: BookedPhone = None
    reason: Annotated[str | None, Meta(description="Why, if the caller said.")] = None


async def run(scope: Scope, context: ToolContext, wanted: CancelAppointment, _key: str) -> ToolReply:
    current = await own_appointment(
        scope, context, current_start=wanted.current_start, booked_phone=wanted.booked_phone
    )
    if isinstance(current, ToolReply):
        return current
    cancelled = await appointments.cancel(
        scope, current.appointment_id, now=context.now, reason=wanted.reason or "", call_sid=context.call_sid
    )
    if isinstance(cancelled, Refusal):
        return refusals.refused(cancelled)
    return ToolReply(
        f"התור ל{hebrew.spoken_slot(cancelled.wall)} בוטל.",
        ok=True,
        receipt=cancelled,
        data={"start": f"{cancelled.wall:%Y-%m-%dT%H:%M}"},
    )


TOOL = Tool(
    name="appointments_cancel",
    description=(
        "Cancel the caller's appointment, after the caller clearly asked for it. Only when ok is true is it cancelled. "
        f"{WHEN_UNPROVEN}"
    ),
    arguments=CancelAppointment,
    run=run,
)
