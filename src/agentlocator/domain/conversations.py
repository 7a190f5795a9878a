"""The one thread with a lead: its messages in every channel, and who answers it, the assistant or a person.

A channel may hand over the same message twice; it becomes one message. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from agentlocator.db.schema import Conversation, Message
from agentlocator.db.scope import Scope
from agentlocator.domain import audit
from agentlocator.domain.text import clean

Author = Literal["lead", "assistant", "person"]
Answering = Literal["assistant", "person"]

MAX_BODY = 8000


async def of_lead(scope: Scope, lead_id: int, *, now: datetime) -> Conversation:
    """The lead's conversation, opened when there is none yet."""
    await scope.insert_new(Conversation, lead_id=lead_id, opened_at=now, answered_by="assistant")
    found: Conversation | None = await scope.first(select(Conversation).where(Conversation.lead_id == lead_id))
    assert found is not None, "the conversation was opened just now"
    return found


async def say(
    scope: Scope,
    conversation_id: int,
    *,
    channel: str,
    author: Author,
    body: str,
    now: datetime,
    external_uid: str | None = None,
    delivery: str = "received",
) -> bool:
    """Add a message; False when the channel's own id says that it is there already."""
    conversation = await scope.get(Conversation, conversation_id)
    if conversation is None:
        return False
    added = await scope.insert_new(
        Message,
        conversation_id=conversation_id,
        channel=channel,
        author=author,
        body=clean(body, lines=True)[:MAX_BODY],
        external_uid=external_uid,
        delivery=delivery,
        at=now,
    )
    if added:
        conversation.last_message_at = now
        await scope.flush()
    return added


async def hand_to(scope: Scope, conversation_id: int, answering: Answering, *, actor: str, now: datetime) -> bool:
    """Let a person take the conversation over, or give it back to the assistant; either way nobody waits any more."""
    conversation = await scope.get(Conversation, conversation_id)
    if conversation is None:
        return False
    audit.record(
        scope,
        actor=actor,
        entity="conversation",
        entity_id=conversation_id,
        changes={"answered_by": (conversation.answered_by, answering)},
        at=now,
    )
    conversation.answered_by = answering
    conversation.needs_person = ""
    return True


async def messages(scope: Scope, conversation_id: int, *, limit: int = 100) -> Sequence[Message]:
    """The latest messages, in the order they were said."""
    found: Sequence[Message] = await scope.all(
        select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id.desc()).limit(limit)
    )
    return found[::-1]


async def seen(scope: Scope, conversation_id: int) -> bool:
    """A person has looked: nothing written so far is unread any more. False when there is no such conversation."""
    conversation = await scope.get(Conversation, conversation_id)
    if conversation is None:
        return False
    newest: int | None = await scope.first(
        select(Message.id).where(Message.conversation_id == conversation_id).order_by(Message.id.desc())
    )
    conversation.seen_message_id = newest or 0
    return True
