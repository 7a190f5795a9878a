"""Which appointment a caller may touch: one of the number he calls from, or one he proves to know."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from agentlocator.assistant import hebrew
from agentlocator.assistant.tool import ToolContext, ToolReply
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, verification
from agentlocator.domain.receipts import Receipt

BookedPhone = Annotated[
    str | None, Meta(description="The phone it was booked from, only if the caller was asked for it.")
]
"""What a tool that changes an appointment is told beside its time, for one that was booked from another number."""
WHEN_UNPROVEN = "If the code is needs_verification, ask what `say` asks and call again with the answers."
"""The end of such a tool's description."""

ASK_PROOF = "כדי לשנות תור שנקבע ממספר אחר: מה מספר הטלפון שממנו נקבע התור, ומה התאריך והשעה שלו?"
NOT_PROVEN = "לא הצלחתי לאמת את הפרטים. אפשר להתקשר מהמספר שממנו נקבע התור, או לדבר עם נציג."


async def own_appointment(
    scope: Scope, context: ToolContext, *, current_start: str | None, booked_phone: str | None
) -> Receipt | ToolReply:
    """The appointment meant; else the reply that asks which one, or for the proof, or refuses."""
    coming = await _coming(scope, context, current_start, booked_phone)
    if isinstance(coming, ToolReply):
        return coming
    meant = [one for one in coming if current_start in (None, f"{one.wall:%Y-%m-%dT%H:%M}")]
    if len(meant) == 1:
        return meant[0]
    spoken = hebrew.spoken_slots([one.wall for one in coming])
    starts = [f"{one.wall:%Y-%m-%dT%H:%M}" for one in coming]
    return ToolReply(
        f"לאיזה תור הכוונה: {spoken}?",
        ok=False,
        code="which_appointment",
        data={"appointments": starts},
        known=tuple(coming),
    )


async def _coming(
    scope: Scope, context: ToolContext, current_start: str | None, booked_phone: str | None
) -> list[Receipt] | ToolReply:
    own = await appointments.upcoming_of(scope, context.lead_id, now=context.now)
    proven = await verification.proven_lead(scope, context.asked_in)
    if proven is not None and proven != context.lead_id:
        own += await appointments.upcoming_of(scope, proven, now=context.now)
    if own:
        return own
    if await verification.was_asked(scope, context.asked_in):
        return ToolReply(NOT_PROVEN, ok=False, code="not_verified")
    if booked_phone is None or current_start is None:
        return ToolReply(ASK_PROOF, ok=False, code="needs_verification")
    lead_id = await verification.answer(
        scope, asked_in=context.asked_in, phone_raw=booked_phone, wall_start=current_start, now=context.now
    )
    if lead_id is None:
        return ToolReply(NOT_PROVEN, ok=False, code="not_verified")
    return await appointments.upcoming_of(scope, lead_id, now=context.now)
