"""Who is answered when: one answer to all that somebody wrote in one go, one at a time, once.

A message that came while a server died, or during a call, is found again by looking: nothing here remembers what the
database does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import func, select, update

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.schema import Answer, Conversation, Message, WhatsAppMessage
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses
from agentlocator.domain import written_policy as policies
from agentlocator.whatsapp import after_call, outgoing, rules, thread, wording
from agentlocator.whatsapp.agent import THINK_S, Spoken, TextAgent, Turn
from agentlocator.whatsapp.thread import Received

LEASE: Final = timedelta(seconds=2 * THINK_S)
LOOK_S: Final = 20.0
AGAIN_S: Final = 3.0
LOOK_BACK: Final = timedelta(days=2)
AT_ONCE: Final = 8

_log = structlog.stdlib.get_logger("agentlocator.whatsapp")


class Later(msgspec.Struct, frozen=True):
    """There is something to answer, but not before `at`."""

    at: datetime


class Begun(msgspec.Struct, frozen=True):
    """An answer that was begun: nobody else begins it until the lease runs out."""

    turn: Turn
    contact_id: int
    up_to_message_id: int
    kinds: tuple[str, ...]


class Responder:
    """Answers what comes in. `settle` is how long somebody may pause between two messages of one thought."""

    def __init__(self, db: Database, agent: TextAgent, *, clock: Clock, settle: timedelta = rules.SETTLE) -> None:
        self._db = db
        self._agent = agent
        self._clock = clock
        self._settle = settle
        self._due: dict[tuple[int, int], datetime] = {}
        self._busy: set[tuple[int, int]] = set()
        self._woken = asyncio.Event()

    def notice(self, received: Received) -> None:
        """Something new was written."""
        self._at(received.business_id, received.conversation_id, self._clock() + self._settle)

    async def run(self) -> None:
        """Answer until cancelled. Trouble is logged and tried again."""
        async with asyncio.TaskGroup() as answers:
            look_at = self._clock()
            while True:
                now = self._clock()
                if now >= look_at:
                    await self._look_for_more()
                    look_at = now + timedelta(seconds=LOOK_S)
                for key in self._ready(now):
                    self._busy.add(key)
                    del self._due[key]
                    answers.create_task(self._answer_one(*key), name=f"answer conversation {key[1]}")
                wake_at = min([look_at, *self._due_when_free()])
                await self._wait(max(0.01, (wake_at - self._clock()).total_seconds()))

    async def answer(self, business_id: int, conversation_id: int) -> Spoken | Later | None:
        """Answer a conversation now if it is time; None when there is nothing to answer."""
        begun = await self._db.write(
            business_id, lambda scope: begin(scope, conversation_id, now=self._clock(), settle=self._settle)
        )
        if not isinstance(begun, Begun):
            return begun
        try:
            spoken = await self._spoken(begun)
            is_first = await self._db.write(business_id, lambda scope: finish(scope, begun, spoken, now=self._clock()))
        except BaseException:
            # Whoever comes next begins at once, instead of waiting for the lease to run out.
            await asyncio.shield(self._db.write(business_id, lambda scope: _release(scope, conversation_id)))
            raise
        return spoken if is_first else None

    async def _spoken(self, begun: Begun) -> Spoken:
        if not any(kind == "text" for kind in begun.kinds) and not any(text.strip() for text in _words(begun)):
            return Spoken(wording.cannot_open(begun.kinds[-1]), "cannot_open")
        return await self._agent.answer(begun.turn, now=self._clock())

    async def _answer_one(self, business_id: int, conversation_id: int) -> None:
        key = (business_id, conversation_id)
        try:
            came = await self.answer(business_id, conversation_id)
            if isinstance(came, Later):
                self._at(business_id, conversation_id, came.at)
        except Exception:
            _log.exception("a conversation could not be answered", business=business_id, conversation=conversation_id)
        finally:
            self._busy.discard(key)
            self._woken.set()

    def _at(self, business_id: int, conversation_id: int, at: datetime) -> None:
        self._due[(business_id, conversation_id)] = at
        self._woken.set()

    def _ready(self, now: datetime) -> list[tuple[int, int]]:
        ready = [key for key, at in self._due.items() if at <= now and key not in self._busy]
        return ready[: max(0, AT_ONCE - len(self._busy))]

    def _due_when_free(self) -> list[datetime]:
        """When the next ones are due; none while every place is taken, for whoever comes free wakes us."""
        if len(self._busy) >= AT_ONCE:
            return []
        return [at for key, at in self._due.items() if key not in self._busy]

    async def _look_for_more(self) -> None:
        """What nobody remembers: written while no server ran, or put off by a call."""
        now = self._clock()
        try:
            async with self._db.operator() as operator:
                listed = await businesses.listed(operator)
            for business in listed:
                async with self._db.reading(business.business_id) as scope:
                    waiting = await waiting_conversations(scope, now=now)
                for conversation_id in waiting:
                    self._due.setdefault((business.business_id, conversation_id), now)
                await after_call.write_due(self._db, business.business_id, now=now)
        except Exception:
            _log.exception("conversations could not be looked through")

    async def _wait(self, wait_s: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return


async def waiting_conversations(scope: Scope, *, now: datetime) -> Sequence[int]:
    """Conversations of the assistant with something unanswered in them."""
    return await thread.with_unanswered(scope, since=now - LOOK_BACK)


async def begin(
    scope: Scope, conversation_id: int, *, now: datetime, settle: timedelta = rules.SETTLE
) -> Begun | Later | None:
    """Take up what is unanswered in a conversation; None when there is nothing, or somebody else has."""
    conversation: Conversation | None = await scope.first(
        select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    )
    if conversation is None or conversation.answered_by != "assistant" or conversation.opted_out_at is not None:
        return None
    messages = await thread.unanswered(scope, conversation_id)
    if not messages:
        return None
    if conversation.answering_until is not None and conversation.answering_until > now:
        return Later(min(conversation.answering_until, now + timedelta(seconds=AGAIN_S)))
    settled_at = max(message.at for message in messages) + settle
    if settled_at > now:
        return Later(settled_at)
    if await outgoing.is_on_call(scope, conversation.lead_id, now=now):
        return Later(now + timedelta(seconds=AGAIN_S))
    kinds = await _kinds(scope, messages)
    contact_id = await outgoing.latest_contact(scope, conversation_id)
    assert contact_id is not None, "somebody wrote these messages"
    conversation.answering_until = now + LEASE
    profile = await businesses.show(scope)
    spent = await _spent_today(scope, conversation_id, now)
    turn = Turn(
        profile=profile,
        conversation_id=conversation_id,
        lead_id=conversation.lead_id,
        from_message_id=min(message.id for message in messages),
        said=tuple(message.body for message in messages),
        tokens_left=policies.read(profile.policy).day_tokens - spent,
    )
    return Begun(turn, contact_id, max(message.id for message in messages), kinds)


async def finish(scope: Scope, begun: Begun, spoken: Spoken, *, now: datetime) -> bool:
    """Put an answer into the thread and the outbox, in one transaction; False when somebody else has answered."""
    conversation_id = begun.turn.conversation_id
    conversation: Conversation | None = await scope.first(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert conversation is not None, "a conversation is never deleted while it is answered"
    conversation.answering_until = None
    is_silent = conversation.answered_by != "assistant" or conversation.opted_out_at is not None
    is_first = await scope.insert_new(
        Answer,
        conversation_id=conversation_id,
        from_message_id=begun.turn.from_message_id,
        up_to_message_id=begun.up_to_message_id,
        outcome="taken_over" if is_silent else spoken.outcome,
        items=spoken.items,
        model=spoken.model,
        input_tokens=spoken.input_tokens,
        output_tokens=spoken.output_tokens,
        at=now,
    )
    if not is_first or is_silent:
        return False
    if spoken.outcome != "answered":
        conversation.needs_person = spoken.outcome
    await outgoing.write(scope, conversation_id, begun.contact_id, spoken.text, reason="reply", now=now)
    return True


async def _release(scope: Scope, conversation_id: int) -> None:
    await scope.changed(update(Conversation).where(Conversation.id == conversation_id).values(answering_until=None))


async def _kinds(scope: Scope, messages: Sequence[Message]) -> tuple[str, ...]:
    rows: Sequence[Any] = await scope.rows(
        select(WhatsAppMessage.message_id, WhatsAppMessage.kind).where(
            WhatsAppMessage.message_id.in_([message.id for message in messages])
        )
    )
    kinds = {message_id: str(kind) for message_id, kind in rows}
    return tuple(kinds.get(message.id, "text") for message in messages)


async def _spent_today(scope: Scope, conversation_id: int, now: datetime) -> int:
    spent = await scope.first(
        select(func.sum(Answer.input_tokens + Answer.output_tokens)).where(
            Answer.conversation_id == conversation_id, Answer.at > now - timedelta(days=1)
        )
    )
    return int(spent or 0)


def _words(begun: Begun) -> list[str]:
    """What was said beside media: a caption. Its name in brackets is ours."""
    return [text.partition("]")[2] if text.startswith("[") else text for text in begun.turn.said]
