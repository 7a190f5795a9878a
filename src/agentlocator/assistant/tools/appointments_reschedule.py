"""Moves an appointment of the caller to another free time."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from agentlocator.assistant import hebrew, refusals
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.assistant.tools.own_appointment import WHEN_UNPROVEN, BookedPhone, own_appointment
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments
from agentlocator.domain.availability import Refusal


class RescheduleAppointment(Arguments, frozen=True):
    start: Annotated[str, Meta(description="The new time, YYYY-MM-DDTHH:MM, as `start` of a found slot, no offset.")]
    current_start: Annotated[
        str | None, Meta(description="When the appointment is now, YYYY-MM-DDTHH:MM, if the caller said.")
    ] = None
    booked_phone: BookedPhone = None


async def run(scope: Scope, context: ToolContext, wanted: RescheduleAppointment, _key: str) -> ToolReply:
    current = await own_appointment(
        scope, context, current_start=wanted.current_start, booked_phone=wanted.booked_phone
    )
    if isinstance(current, ToolReply):
        return current
    moved = await appointments.reschedule(
        scope, current.appointment_id, start=wanted.start, now=context.now, call_sid=context.call_sid
    )
    if isinstance(moved, Refusal):
        return refusals.refused(moved)
    return ToolReply(
        f"התור הועבר ל{hebrew.spoken_slot(moved.wall)}.",
        ok=True,
        receipt=moved,
        data={"start": f"{moved.wall:%Y-%m-%dT%H:%M}", "service": moved.service},
    )


TOOL = Tool(
    name="appointments_reschedule",
    description=(
        f"Move the caller's appointment to another free time. Only when ok is true was it moved. {WHEN_UNPROVEN}"
    ),
    arguments=RescheduleAppointment,
    run=run,
)
