"""Certifications as rows: begun, ended, listed; and how a certification call is forgotten, down to its last row.

Whatever the call of a certification writes, it writes as any other call does; only its news wait, and all of it is
taken back afterwards. Nothing here places a call or judges one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import delete, or_, select

from agentlocator.db.schema import (
    Answer,
    Appointment,
    Audit,
    Call,
    CallerCheck,
    Certificate,
    Conversation,
    Lead,
    LeadFact,
    LeadTerm,
    Message,
    Outbox,
    StreamToken,
    ToolCall,
    Turn,
    WhatsAppContact,
    WhatsAppMessage,
)
from agentlocator.db.scope import Scope

# A certification that has not ended by then has died.
LONGEST: Final = timedelta(minutes=10)
# Beyond every certification: what it would tell the outside is deleted before it is due.
_WITHHELD: Final = timedelta(days=1)


class Found(msgspec.Struct, frozen=True):
    """What a lead was before the call; empty for one that was not there."""

    fields: dict[str, Any] = {}


async def begin(scope: Scope, *, key: str, caller_e164: str, version: str, now: datetime) -> int | None:
    """Open the record of a certification; None when one with this key was begun already."""
    fresh = await scope.insert_new(
        Certificate,
        key=key,
        state="running",
        caller_e164=caller_e164,
        version=version,
        started_at=now,
        verdicts={},
        document="",
        page="",
    )
    if not fresh:
        return None
    row_id: int = await scope.first(select(Certificate.id).where(Certificate.key == key))
    return row_id


async def end(
    scope: Scope, row_id: int, *, passed: bool, verdicts: dict[str, Any], document: str, page: str, now: datetime
) -> bool:
    """Close the record with what came of it; False when there is no such record."""
    row = await scope.get(Certificate, row_id)
    if row is None:
        return False
    row.state = "passed" if passed else "failed"
    row.verdicts, row.document, row.page, row.finished_at = verdicts, document, page, now
    await scope.flush()
    return True


async def listed(scope: Scope, *, limit: int = 60) -> Sequence[Certificate]:
    """The certifications, newest first."""
    found: Sequence[Certificate] = await scope.all(
        select(Certificate).order_by(Certificate.started_at.desc(), Certificate.id.desc()).limit(limit)
    )
    return found


async def find(scope: Scope, row_id: int) -> Certificate | None:
    return await scope.get(Certificate, row_id)


async def by_key(scope: Scope, key: str) -> Certificate | None:
    found: Certificate | None = await scope.first(select(Certificate).where(Certificate.key == key))
    return found


async def withheld_until(scope: Scope, lead_id: int | None, *, now: datetime) -> datetime:
    """When news of a lead may go out: at once, unless the lead is a certification's caller."""
    if lead_id is None:
        return now
    examined = (
        select(Certificate.id)
        .join(Lead, Lead.phone_e164 == Certificate.caller_e164)
        .where(Lead.id == lead_id, Certificate.state == "running", Certificate.started_at > now - LONGEST)
    )
    return now + _WITHHELD if await scope.first(examined) is not None else now


async def known(scope: Scope, phone_e164: str) -> Found:
    """The lead with this phone as it is now, to be put back afterwards."""
    lead: Lead | None = await scope.first(select(Lead).where(Lead.phone_e164 == phone_e164))
    if lead is None:
        return Found()
    return Found({column.key: getattr(lead, column.key) for column in Lead.__mapper__.column_attrs})


async def forget(scope: Scope, call_sid: str, phone_e164: str, before: Found) -> None:
    """Take back everything that this call wrote; a lead that was there before is as it was."""
    call_ids = list(await scope.all(select(Call.id).where(Call.call_sid == call_sid)))
    appointment_ids = list(await scope.all(select(Appointment.id).where(Appointment.call_sid == call_sid)))
    lead_id: int | None = await scope.first(select(Lead.id).where(Lead.phone_e164 == phone_e164))
    is_new = lead_id is not None and not before.fields
    await scope.changed(delete(Turn).where(Turn.call_id.in_(call_ids)))
    await scope.changed(delete(StreamToken).where(StreamToken.call_id.in_(call_ids)))
    await scope.changed(delete(ToolCall).where(ToolCall.call_sid == call_sid))
    for number in appointment_ids:
        named = or_(Outbox.key.startswith(f"appointment.{number}."), Outbox.key.startswith(f"reminder.{number}."))
        await scope.changed(delete(Outbox).where(named))
    await scope.changed(delete(CallerCheck).where(CallerCheck.asked_in == call_sid))
    await scope.changed(delete(Appointment).where(Appointment.id.in_(appointment_ids)))
    await scope.changed(delete(LeadFact).where(LeadFact.call_sid == call_sid))
    await scope.changed(delete(Audit).where(Audit.call_sid == call_sid))
    about_visit = (Audit.entity == "appointment") & Audit.entity_id.in_(appointment_ids)
    await scope.changed(delete(Audit).where(about_visit))
    await scope.changed(delete(Call).where(Call.call_sid == call_sid))
    if lead_id is None:
        return
    if is_new:
        await _forget_lead(scope, lead_id)
        return
    lead = await scope.get(Lead, lead_id)
    assert lead is not None, "its id was found just now"
    for field, value in before.fields.items():
        setattr(lead, field, value)
    await scope.flush()


async def left(scope: Scope, call_sid: str, phone_e164: str, before: Found) -> list[str]:
    """What is still there of a call that should be forgotten, table by table."""
    remains = {
        "call": select(Call.id).where(Call.call_sid == call_sid),
        "appointment": select(Appointment.id).where(Appointment.call_sid == call_sid),
        "tool_call": select(ToolCall.id).where(ToolCall.call_sid == call_sid),
        "lead_fact": select(LeadFact.id).where(LeadFact.call_sid == call_sid),
        "audit": select(Audit.id).where(Audit.call_sid == call_sid),
    }
    if not before.fields:
        remains["lead"] = select(Lead.id).where(Lead.phone_e164 == phone_e164)
    return [table for table, rows in remains.items() if await scope.first(rows) is not None]


async def _forget_lead(scope: Scope, lead_id: int) -> None:
    threads = list(await scope.all(select(Conversation.id).where(Conversation.lead_id == lead_id)))
    messages = list(await scope.all(select(Message.id).where(Message.conversation_id.in_(threads))))
    await scope.changed(delete(WhatsAppMessage).where(WhatsAppMessage.message_id.in_(messages)))
    await scope.changed(delete(Answer).where(Answer.conversation_id.in_(threads)))
    await scope.changed(delete(Message).where(Message.id.in_(messages)))
    await scope.changed(delete(WhatsAppContact).where(WhatsAppContact.lead_id == lead_id))
    await scope.changed(delete(Conversation).where(Conversation.id.in_(threads)))
    await scope.changed(delete(LeadFact).where(LeadFact.lead_id == lead_id))
    await scope.changed(delete(LeadTerm).where(LeadTerm.lead_id == lead_id))
    await scope.changed(delete(CallerCheck).where(CallerCheck.lead_id == lead_id))
    await scope.changed(delete(Audit).where(Audit.entity == "lead", Audit.entity_id == lead_id))
    await scope.changed(delete(Appointment).where(Appointment.lead_id == lead_id))
    await scope.changed(delete(Lead).where(Lead.id == lead_id))
