"""What is written to a caller after a call: nothing, unless the business asked for it.

Finished calls are found by looking, so that the phone path knows nothing of this; a call is written about once. It goes
to the line the lead wrote to, or as an approved template to the phone he called from, and waits for a decent hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from agentlocator.assistant import hebrew
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Business, Call, Lead, Outbox, WhatsAppContact, WhatsAppLine
from agentlocator.db.scope import Scope
from agentlocator.domain import conversations, localtime
from agentlocator.domain import written_policy as policies
from agentlocator.domain.written_policy import WrittenPolicy
from agentlocator.whatsapp import outgoing
from agentlocator.whatsapp.messages import Template

LOOK_BACK: Final = timedelta(hours=1)
KIND: Final = "whatsapp.after_call"


async def write_due(db: Database, business_id: int, *, now: datetime) -> int:
    """Write to those whose call has just ended, if the business wants it; answers how many messages that were."""
    async with db.reading(business_id) as scope:
        business = await scope.get(Business, business_id)
        policy = policies.read(business.policy) if business is not None else WrittenPolicy()
        if policy.after_call == "off" or not await _ended(scope, now):
            return 0
    return await db.write(business_id, lambda scope: _write_all(scope, policy, now))


async def _ended(scope: Scope, now: datetime) -> Sequence[Call]:
    found: Sequence[Call] = await scope.all(
        select(Call)
        .where(Call.status == "finished", Call.ended_at > now - LOOK_BACK, Call.lead_id.is_not(None))
        .order_by(Call.id)
    )
    return found


async def _write_all(scope: Scope, policy: WrittenPolicy, now: datetime) -> int:
    written = 0
    for call in await _ended(scope, now):
        # The row is the note that this call was written about; it is done as soon as it is there.
        if not await _is_first(scope, call, now):
            continue
        written += await _write(scope, call, policy, now)
    return written


async def _is_first(scope: Scope, call: Call, now: datetime) -> bool:
    return await scope.insert_new(
        Outbox,
        kind=KIND,
        key=f"{KIND}.{call.call_sid}",
        payload={},
        due_at=now,
        attempts=0,
        created_at=now,
        done_at=now,
    )


async def _write(scope: Scope, call: Call, policy: WrittenPolicy, now: datetime) -> bool:
    assert call.lead_id is not None, "only calls with a lead are looked at"
    text = await _text(scope, call, policy)
    contact_id = await _contact(scope, call.lead_id, now)
    if not text or contact_id is None:
        return False
    name = policy.templates.get(policy.after_call, "")
    template = Template(name, values=(text,)) if name else None
    conversation = await conversations.of_lead(scope, call.lead_id, now=now)
    await outgoing.write(scope, conversation.id, contact_id, text, reason="notice", now=now, template=template)
    return True


async def _text(scope: Scope, call: Call, policy: WrittenPolicy) -> str:
    if policy.after_call == "summary":
        return call.summary or ""
    booked: Appointment | None = await scope.first(
        select(Appointment)
        .where(Appointment.call_sid == call.call_sid, Appointment.status.in_(("booked", "confirmed")))
        .order_by(Appointment.id.desc())
    )
    if booked is None:
        return ""
    return f"נקבע תור ל{hebrew.spoken_slot(localtime.to_wall(booked.starts_at, booked.timezone))}."


async def _contact(scope: Scope, lead_id: int, now: datetime) -> int | None:
    """The contact he was last seen as; else his phone, on an official line: a bridge writes to nobody first."""
    known: int | None = await scope.first(
        select(WhatsAppContact.id).where(WhatsAppContact.lead_id == lead_id).order_by(WhatsAppContact.seen_at.desc())
    )
    if known is not None:
        return known
    lead = await scope.get(Lead, lead_id)
    line: WhatsAppLine | None = await scope.first(
        select(WhatsAppLine).where(WhatsAppLine.channel != "bridge").order_by(WhatsAppLine.id)
    )
    if lead is None or lead.phone_e164 is None or line is None:
        return None
    external_id = f"whatsapp:{lead.phone_e164}" if line.channel == "twilio" else lead.phone_e164.lstrip("+")
    await scope.insert_new(WhatsAppContact, line_id=line.id, lead_id=lead_id, external_id=external_id, seen_at=now)
    made: int | None = await scope.first(
        select(WhatsAppContact.id).where(WhatsAppContact.line_id == line.id, WhatsAppContact.external_id == external_id)
    )
    return made
