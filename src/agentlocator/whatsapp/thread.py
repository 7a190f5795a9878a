"""One thread per person: what comes in is joined to the lead, whichever way it came, and becomes one message.

A transport repeats, delays and reorders; a message with an id that is there already changes nothing. Nothing here
answers: that is `answering`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
import structlog
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import aliased

from agentlocator.db.engine import Database
from agentlocator.db.schema import Answer, Conversation, Lead, Message, WhatsAppContact, WhatsAppMessage
from agentlocator.db.scope import Scope
from agentlocator.domain import conversations, leads, outbox, stages
from agentlocator.domain.text import clean
from agentlocator.whatsapp import lines, outgoing, rules, wording
from agentlocator.whatsapp.lines import Found
from agentlocator.whatsapp.messages import Inbound, Report

MAX_BODY: Final = 4096

_log = structlog.stdlib.get_logger("agentlocator.whatsapp")

_RANK: Final = {"queued": 0, "sent": 1, "delivered": 2, "read": 3}


class Received(msgspec.Struct, frozen=True):
    """Where a message went. `is_new` is False for one that was there already."""

    business_id: int
    conversation_id: int
    message_id: int
    is_new: bool


Noted = Literal["noted", "old", "unknown", "early"]
"""What came of a report: "early" means that its message may be one that is being sent right now; tell it again."""


async def receive(db: Database, inbound: Inbound, *, now: datetime) -> Received | None:
    """Take a message in; None when nobody is written to at that address."""
    async with db.operator() as operator:
        line = await lines.find(operator, inbound.channel, inbound.address)
    if line is None:
        _log.warning("a message to nobody's line", channel=inbound.channel, address=inbound.address)
        return None
    return await db.write(line.business_id, lambda scope: _receive(scope, line, inbound, now))


async def report(db: Database, told: Report) -> Noted:
    """Note what became of a message."""
    async with db.operator() as operator:
        line = await lines.find(operator, told.channel, told.address)
    if line is None:
        return "unknown"
    return await db.write(line.business_id, lambda scope: _report(scope, line, told))


async def unanswered(scope: Scope, conversation_id: int) -> Sequence[Message]:
    """The lead's messages that nobody has answered yet, in the order they were written."""
    found: Sequence[Message] = await scope.all(
        select(Message)
        .where(Message.conversation_id == conversation_id, _is_unanswered())
        .order_by(Message.at, Message.id)
    )
    return found


async def with_unanswered(scope: Scope, *, since: datetime) -> Sequence[int]:
    """Conversations of the assistant in which somebody waits, of those with a message after `since`."""
    somebody_waits = select(Message.id).where(Message.conversation_id == Conversation.id, _is_unanswered()).exists()
    found: Sequence[int] = await scope.all(
        select(Conversation.id)
        .where(Conversation.last_message_at > since, Conversation.answered_by == "assistant", somebody_waits)
        .order_by(Conversation.id)
    )
    return found


async def settle(scope: Scope, conversation_id: int, message_id: int, outcome: str, *, now: datetime) -> bool:
    """Note that a message needs no answer from the model; False when it has one."""
    return await scope.insert_new(
        Answer,
        conversation_id=conversation_id,
        from_message_id=message_id,
        up_to_message_id=message_id,
        outcome=outcome,
        items="[]",
        model="",
        input_tokens=0,
        output_tokens=0,
        at=now,
    )


def _is_unanswered() -> ColumnElement[bool]:
    """Of a message: the lead wrote it, no answer covers it, and no person has written after it."""
    later = aliased(Message)
    by_person = select(later.id).where(
        later.conversation_id == Message.conversation_id, later.author == "person", later.id > Message.id
    )
    covered = select(Answer.id).where(
        Answer.conversation_id == Message.conversation_id,
        Answer.from_message_id <= Message.id,
        Answer.up_to_message_id >= Message.id,
    )
    return and_(
        Message.author == "lead",
        Message.channel == outgoing.CHANNEL,
        ~by_person.correlate(Message).exists(),
        ~covered.correlate(Message).exists(),
    )


async def _receive(scope: Scope, line: Found, inbound: Inbound, now: datetime) -> Received:
    uid = f"{inbound.channel}:{inbound.message_id}"
    known = await _known(scope, uid)
    if known is not None:
        return Received(line.business_id, known.conversation_id, known.id, False)
    lead_id = await _lead_of(scope, line, inbound, now)
    contact_id = await _contact(scope, line, inbound, lead_id, now)
    conversation = await conversations.of_lead(scope, lead_id, now=now)
    # Messages of one thread are written one after the other, so that an answer's range holds what it was shown.
    await scope.first(select(Conversation).where(Conversation.id == conversation.id).with_for_update())
    sent_at = min(inbound.sent_at, now)
    added = await scope.insert_new(
        Message,
        conversation_id=conversation.id,
        channel=outgoing.CHANNEL,
        author="person" if inbound.is_own else "lead",
        body=clean(wording.shown(inbound.kind, inbound.text), lines=True)[:MAX_BODY],
        external_uid=uid,
        delivery="sent" if inbound.is_own else "received",
        at=sent_at,
    )
    message = await _known(scope, uid)
    assert message is not None, "the message was written just now, by us or by its repeat"
    if not added:
        return Received(line.business_id, message.conversation_id, message.id, False)
    scope.add(WhatsAppMessage(message_id=message.id, contact_id=contact_id, kind=inbound.kind, error=None))
    conversation.last_message_at = max(sent_at, conversation.last_message_at or sent_at)
    await scope.flush()
    if inbound.is_own:
        conversation.answered_by = "person"
    else:
        await _heed(scope, conversation, message, contact_id, inbound, now)
    return Received(line.business_id, conversation.id, message.id, True)


async def _heed(
    scope: Scope, conversation: Conversation, message: Message, contact_id: int, inbound: Inbound, now: datetime
) -> None:
    """What a message asks of the channel itself is done at once, and not by a model."""
    wish = rules.wish(inbound.text) if inbound.kind == "text" else None
    if wish == "stop":
        conversation.opted_out_at = now
        await outbox.withdraw(scope, f"whatsapp.{conversation.id}.", now=now)
        await _withhold(scope, conversation.id)
        await settle(scope, conversation.id, message.id, "stopped", now=now)
        await outgoing.write(scope, conversation.id, contact_id, wording.STOPPED, reason="last_word", now=now)
    elif wish == "start" and conversation.opted_out_at is not None:
        conversation.opted_out_at = None
        await settle(scope, conversation.id, message.id, "started", now=now)
        await outgoing.write(scope, conversation.id, contact_id, wording.STARTED, reason="last_word", now=now)
    elif conversation.opted_out_at is not None:
        conversation.needs_person = "opted_out"
        await settle(scope, conversation.id, message.id, "opted_out", now=now)
    elif rules.is_late(inbound.sent_at, now):
        conversation.needs_person = "late"
        await settle(scope, conversation.id, message.id, "late", now=now)
    elif inbound.kind == "reaction":
        await settle(scope, conversation.id, message.id, "reaction", now=now)
    elif wish == "person":
        conversation.needs_person = "asked"
    if conversation.answered_by == "person" and not conversation.needs_person:
        conversation.needs_person = "waiting"


async def _withhold(scope: Scope, conversation_id: int) -> None:
    await scope.changed(
        update(Message)
        .where(Message.conversation_id == conversation_id, Message.delivery == "queued")
        .values(delivery="withheld")
    )


async def _report(scope: Scope, line: Found, told: Report) -> Noted:
    message = await _known(scope, f"{told.channel}:{told.message_id}")
    if message is None:
        return "early" if await _is_sending(scope, line) else "unknown"
    if message.author == "lead" or message.delivery == "failed":
        return "old"
    if told.delivery == "failed":
        await _note_failure(scope, message, told.error)
        return "noted"
    # Reports overtake each other: what was read is not merely delivered any more.
    if _RANK.get(told.delivery, 0) <= _RANK.get(message.delivery, 99):
        return "old"
    message.delivery = told.delivery
    return "noted"


async def _is_sending(scope: Scope, line: Found) -> bool:
    """Whether a message is on its way through this line whose id we do not know yet."""
    statement = (
        select(Message.id)
        .join(WhatsAppMessage, WhatsAppMessage.message_id == Message.id)
        .join(WhatsAppContact, WhatsAppContact.id == WhatsAppMessage.contact_id)
        .where(WhatsAppContact.line_id == line.line_id, Message.delivery == "queued")
    )
    return await scope.first(statement) is not None


async def _note_failure(scope: Scope, message: Message, error: str) -> None:
    message.delivery = "failed"
    await scope.changed(
        update(WhatsAppMessage).where(WhatsAppMessage.message_id == message.id).values(error=error[:200])
    )
    await scope.changed(
        update(Conversation).where(Conversation.id == message.conversation_id).values(needs_person="not_delivered")
    )


async def _known(scope: Scope, uid: str) -> Message | None:
    found: Message | None = await scope.first(
        select(Message).where(Message.channel == outgoing.CHANNEL, Message.external_uid == uid)
    )
    return found


async def _lead_of(scope: Scope, line: Found, inbound: Inbound, now: datetime) -> int:
    """The lead: by phone if there is one, for that is what joins calls and writing; else by what he is known by."""
    if inbound.phone_raw:
        lead = await leads.find_or_create(scope, phone_raw=inbound.phone_raw, source="whatsapp", now=now)
        if lead is not None:
            return lead.id
    known: int | None = await scope.first(
        select(WhatsAppContact.lead_id)
        .where(WhatsAppContact.line_id == line.line_id, WhatsAppContact.external_id.in_(inbound.contact_ids))
        .order_by(WhatsAppContact.id)
    )
    return known if known is not None else await _stranger(scope, line, inbound, now)


async def _stranger(scope: Scope, line: Found, inbound: Inbound, now: datetime) -> int:
    """A lead without a phone. Its first message's sender stands where a withheld caller's call would stand."""
    first = f"whatsapp:{line.line_id}:{inbound.contact_ids[0]}"
    await scope.insert_new(
        Lead,
        phone_key=None,
        phone_e164=None,
        phone_raw="",
        phone_kind="withheld",
        source="whatsapp",
        stage_id=await stages.first_id(scope),
        stage_changed_at=now,
        first_call_sid=first,
        last_activity_at=now,
        created_at=now,
    )
    lead_id = await scope.first(select(Lead.id).where(Lead.first_call_sid == first))
    assert isinstance(lead_id, int), "the lead was written just now"
    return lead_id


async def _contact(scope: Scope, line: Found, inbound: Inbound, lead_id: int, now: datetime) -> int:
    """The contact to answer to; every other id of his leads to the same lead from now on."""
    for external_id in inbound.contact_ids:
        await scope.insert_new(
            WhatsAppContact, line_id=line.line_id, lead_id=lead_id, external_id=external_id, seen_at=now
        )
    await scope.changed(
        update(WhatsAppContact)
        .where(WhatsAppContact.line_id == line.line_id, WhatsAppContact.external_id.in_(inbound.contact_ids))
        .values(lead_id=lead_id, seen_at=now)
    )
    contact_id = await scope.first(
        select(WhatsAppContact.id).where(
            WhatsAppContact.line_id == line.line_id, WhatsAppContact.external_id == inbound.contact_ids[0]
        )
    )
    assert isinstance(contact_id, int), "the contact was written just now"
    return contact_id
