"""The written threads as a person of the business looks through them: who waits, what is unread, what was said last."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, ScalarSelect, func, literal, or_, select
from sqlalchemy.orm import aliased

from agentlocator.db.schema import Conversation, Lead, Message
from agentlocator.db.scope import Scope

Shown = Literal["all", "unread", "waiting"]

_LATEST = (Conversation.last_message_at.desc(), Conversation.id.desc())
# Written out in the statement: SQLite uses an index of some rows only where it reads the same condition.
WAITS = Conversation.needs_person != literal("", literal_execute=True)


class Entry(msgspec.Struct, frozen=True):
    """One thread in the list. `needs_person` is a code, empty when the assistant manages."""

    conversation_id: int
    lead_id: int
    name: str
    phone_raw: str
    last_at: datetime
    last_author: str
    last_words: str
    unread: int
    needs_person: str
    answered_by: str
    place: Place


class Place(msgspec.Struct, frozen=True):
    """Where a page of threads ended: the next one goes on from there, whoever writes meanwhile."""

    waits: bool
    last_message_at: datetime
    conversation_id: int


async def entries(scope: Scope, *, shown: Shown = "all", after: Place | None = None, limit: int = 50) -> list[Entry]:
    """Threads with messages: those that wait for a person first, then the latest."""
    ids = await _threads(scope, shown, after, limit)
    later = aliased(Message)
    newest = select(func.max(later.id)).where(later.conversation_id == Conversation.id).scalar_subquery()
    statement = (
        select(Conversation, Lead.name, Lead.phone_raw, Message, _unread())
        .join(Lead, Lead.id == Conversation.lead_id)
        .join(Message, Message.id == newest)
        .where(Conversation.id.in_(ids))
        .order_by(Conversation.needs_person == "", *_LATEST)
    )
    return [
        Entry(
            conversation_id=thread.id,
            lead_id=thread.lead_id,
            name=name or "",
            phone_raw=phone_raw,
            last_at=message.at,
            last_author=message.author,
            last_words=message.body[:200],
            unread=count,
            needs_person=thread.needs_person,
            answered_by=thread.answered_by,
            place=Place(thread.needs_person != "", thread.last_message_at, thread.id),
        )
        for thread, name, phone_raw, message, count in await scope.rows(statement)
    ]


async def _threads(scope: Scope, shown: Shown, after: Place | None, limit: int) -> list[int]:
    """Which threads a list shows. Chosen by their own rows alone, so that a long list is not read to show its top."""
    latest = select(Conversation.id).where(Conversation.last_message_at.is_not(None)).order_by(*_LATEST).limit(limit)
    if shown == "unread":
        latest = latest.where(_unread() > 0)
    in_rest = after is not None and not after.waits
    waiting = [] if in_rest else list(await scope.all(latest.where(WAITS, *_beyond(after))))
    if shown == "waiting" or len(waiting) == limit:
        return waiting
    rest = latest.where(Conversation.needs_person == "", *_beyond(after if in_rest else None))
    return waiting + list(await scope.all(rest))[: limit - len(waiting)]


def _beyond(place: Place | None) -> list[ColumnElement[bool]]:
    if place is None:
        return []
    at = place.last_message_at
    is_older = or_(Conversation.last_message_at < at, Conversation.id < place.conversation_id)
    return [Conversation.last_message_at <= at, is_older]


def _unread() -> ScalarSelect[int]:
    wrote = aliased(Message)
    return (
        select(func.count(wrote.id))
        .where(
            wrote.conversation_id == Conversation.id,
            wrote.author == "lead",
            wrote.id > Conversation.seen_message_id,
        )
        .scalar_subquery()
    )
