"""What is written to people: always through the outbox, and past every rule at the moment it is sent.

A message is in the thread from the moment it is meant; its delivery says how far it has come. Two of one conversation
never overtake each other, but an answer does not wait for a notice that waits for the morning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import select, update

from agentlocator.db.engine import Database
from agentlocator.db.schema import (
    Business,
    Call,
    Conversation,
    Message,
    Outbox,
    WhatsAppContact,
    WhatsAppLine,
    WhatsAppMessage,
)
from agentlocator.db.scope import Scope
from agentlocator.domain import outbox
from agentlocator.domain import written_policy as policies
from agentlocator.domain.text import clean
from agentlocator.whatsapp import rules
from agentlocator.whatsapp.messages import (
    MAX_TEXT,
    Channel,
    NotYet,
    Outgoing,
    Refused,
    Template,
    Transport,
    Unreachable,
)
from agentlocator.whatsapp.rules import Facts, Go, Never, Reason, Wait

KIND: Final = "whatsapp.send"
CHANNEL: Final = "whatsapp"
# A call that was never finished, because a server died under it, silences nobody for ever.
LONGEST_CALL: Final = timedelta(hours=2)


class Job(msgspec.Struct, frozen=True):
    """An outbox row of ours, as whoever delivers hands it over. `attempt` counts from 1."""

    business_id: int
    payload: dict[str, Any]
    key: str
    attempt: int = 1


class Told(msgspec.Struct, frozen=True):
    """What became of it: sent (now or before), hopeless for a reason, or to be asked again at `until`."""

    became: Literal["sent", "hopeless", "wait"]
    reason: str = ""
    until: datetime | None = None


async def write(
    scope: Scope,
    conversation_id: int,
    contact_id: int,
    text: str,
    *,
    reason: Reason,
    now: datetime,
    template: Template | None = None,
) -> int:
    """Put a message into the thread and the outbox; answers the message's id."""
    message = scope.add(
        Message(
            conversation_id=conversation_id,
            channel=CHANNEL,
            author="person" if reason == "person" else "assistant",
            body=clean(text, lines=True)[:MAX_TEXT],
            external_uid=None,
            delivery="queued",
            at=now,
        )
    )
    await scope.flush()
    scope.add(WhatsAppMessage(message_id=message.id, contact_id=contact_id, kind="text", error=None))
    await scope.changed(update(Conversation).where(Conversation.id == conversation_id).values(last_message_at=now))
    await outbox.put(
        scope,
        kind=KIND,
        key=_key(conversation_id, message.id),
        payload={
            "message_id": message.id,
            "reason": reason,
            "template": None if template is None else msgspec.to_builtins(template),
        },
        now=now,
    )
    return message.id


async def write_as_person(scope: Scope, conversation_id: int, text: str, *, now: datetime) -> int | None:
    """A person of the business answers in the thread, and from here on instead of the assistant.

    None when there is nothing to say, or the lead has never written here.
    """
    contact_id = await latest_contact(scope, conversation_id)
    conversation = await scope.get(Conversation, conversation_id)
    if contact_id is None or conversation is None or not clean(text, lines=True):
        return None
    conversation.answered_by = "person"
    conversation.needs_person = ""
    return await write(scope, conversation_id, contact_id, text, reason="person", now=now)


async def latest_contact(scope: Scope, conversation_id: int) -> int | None:
    """Whom to answer to: the contact of the lead's newest message."""
    found: int | None = await scope.first(
        select(WhatsAppMessage.contact_id)
        .join(Message, Message.id == WhatsAppMessage.message_id)
        .where(Message.conversation_id == conversation_id, Message.author == "lead")
        .order_by(Message.id.desc())
    )
    return found


async def deliver(db: Database, transports: Mapping[Channel, Transport], job: Job, *, now: datetime) -> Told:
    """Send one message if the rules allow it now. Raises Unreachable for another attempt.

    Called again for a message that was sent, it sends nothing.
    """
    async with db.reading(job.business_id) as scope:
        ready = await _look(scope, job, now)
    if isinstance(ready, Told):
        if ready.became == "hopeless":
            await db.write(job.business_id, lambda scope: _give_up(scope, job, ready.reason))
        return ready
    try:
        external_id = await _send(transports, ready)
    except NotYet as patience:
        return Told("wait", str(patience), now + timedelta(seconds=patience.wait_s))
    except Refused as refused:
        reason = "window_closed" if refused.is_window else f"refused {refused.code}"
        await db.write(job.business_id, lambda scope: _give_up(scope, job, reason))
        return Told("hopeless", reason)
    except Unreachable:
        if job.attempt >= outbox.MAX_ATTEMPTS:
            await db.write(job.business_id, lambda scope: _give_up(scope, job, "unreachable"))
        raise
    await db.write(job.business_id, lambda scope: _sent(scope, job, f"{ready.channel}:{external_id}"))
    return Told("sent")


class _Ready(msgspec.Struct, frozen=True):
    channel: Channel
    outgoing: Outgoing


async def _send(transports: Mapping[Channel, Transport], ready: _Ready) -> str:
    transport = transports.get(ready.channel)
    if transport is None:
        raise Unreachable(f"there is no transport for {ready.channel}")
    return await transport.send(ready.outgoing)


async def _look(scope: Scope, job: Job, now: datetime) -> _Ready | Told:
    """The message as it is to be sent, or why it is not."""
    message = await scope.get(Message, int(job.payload["message_id"]))
    if message is None:
        return Told("hopeless", "the message is gone")
    if message.delivery != "queued":
        return Told("sent")
    contact_id = await scope.first(select(WhatsAppMessage.contact_id).where(WhatsAppMessage.message_id == message.id))
    contact = await scope.get(WhatsAppContact, contact_id)
    conversation = await scope.get(Conversation, message.conversation_id)
    business = await scope.get(Business, scope.business_id)
    assert contact is not None, "a message has its contact"
    assert conversation is not None, "a message has its conversation"
    assert business is not None, "whoever has a scope has a business"
    line = await scope.get(WhatsAppLine, contact.line_id)
    assert line is not None, "a contact has its line"
    channel = msgspec.convert(line.channel, Channel)
    template = msgspec.convert(job.payload.get("template"), Template | None)
    reason = msgspec.convert(job.payload["reason"], Reason)
    facts = Facts(
        channel=channel,
        reason=reason,
        has_template=template is not None,
        is_on_call=await is_on_call(scope, conversation.lead_id, now=now),
        is_in_line=await _is_in_line(scope, message, reason),
        answered_by=conversation.answered_by,
        opted_out=conversation.opted_out_at is not None,
        wrote_at=await _wrote_at(scope, contact),
    )
    verdict = rules.may_send(facts, policies.read(business.policy), business.timezone, now)
    match verdict:
        case Wait():
            return Told("wait", verdict.why, verdict.until)
        case Never():
            return Told("hopeless", verdict.why)
        case Go():
            # Inside the window plain words go as they are: a template costs, and says less.
            is_open = facts.wrote_at is not None and now - facts.wrote_at < rules.WINDOW
            chosen = None if is_open else template
            key = f"{scope.business_id}.{job.key}"
            return _Ready(channel, Outgoing(line.address, contact.external_id, message.body, key, chosen))


async def is_on_call(scope: Scope, lead_id: int, *, now: datetime) -> bool:
    """Whether a lead is on the phone with the business."""
    statement = select(Call.id).where(
        Call.lead_id == lead_id, Call.status != "finished", Call.started_at > now - LONGEST_CALL
    )
    return await scope.first(statement) is not None


async def said_by_lead(scope: Scope, conversation_id: int) -> Sequence[str]:
    """All that the lead wrote in a thread, the latest first."""
    found: Sequence[str] = await scope.all(
        select(Message.body)
        .where(Message.conversation_id == conversation_id, Message.author == "lead")
        .order_by(Message.id.desc())
        .limit(200)
    )
    return found


async def _is_in_line(scope: Scope, message: Message, reason: Reason) -> bool:
    """Whether an earlier message of the thread still has to be sent first."""
    earlier: Sequence[int] = await scope.all(
        select(Message.id).where(
            Message.conversation_id == message.conversation_id, Message.id < message.id, Message.delivery == "queued"
        )
    )
    # A row that was given up lets the others past, whatever its message says.
    before: Sequence[dict[str, Any]] = await scope.all(
        select(Outbox.payload).where(
            Outbox.key.in_([_key(message.conversation_id, one) for one in earlier]),
            Outbox.done_at.is_(None),
            Outbox.failed_at.is_(None),
        )
    )
    return any(reason == "notice" or payload["reason"] != "notice" for payload in before)


async def _wrote_at(scope: Scope, contact: WhatsAppContact) -> datetime | None:
    """When the lead last wrote to this line, under whatever id."""
    found: datetime | None = await scope.first(
        select(Message.at)
        .join(WhatsAppMessage, WhatsAppMessage.message_id == Message.id)
        .join(WhatsAppContact, WhatsAppContact.id == WhatsAppMessage.contact_id)
        .where(
            WhatsAppContact.line_id == contact.line_id,
            WhatsAppContact.lead_id == contact.lead_id,
            Message.author == "lead",
        )
        .order_by(Message.at.desc())
    )
    return found


async def _sent(scope: Scope, job: Job, external_uid: str) -> None:
    await scope.changed(
        update(Message)
        .where(Message.id == int(job.payload["message_id"]), Message.delivery == "queued")
        .values(delivery="sent", external_uid=external_uid)
    )


async def _give_up(scope: Scope, job: Job, reason: str) -> None:
    """The message will not be sent. A person is asked to look, unless the lead or a person wanted it so."""
    message = await scope.get(Message, int(job.payload["message_id"]))
    if message is None or message.delivery != "queued":
        return
    wanted = reason in ("opted_out", "taken_over")
    message.delivery = "withheld" if wanted else "failed"
    await scope.changed(
        update(WhatsAppMessage).where(WhatsAppMessage.message_id == message.id).values(error=reason[:200])
    )
    if not wanted:
        await scope.changed(
            update(Conversation).where(Conversation.id == message.conversation_id).values(needs_person="not_delivered")
        )


def _key(conversation_id: int, message_id: int) -> str:
    return f"whatsapp.{conversation_id}.{message_id}"
