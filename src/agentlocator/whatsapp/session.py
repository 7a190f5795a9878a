"""The text agent's memory: the thread itself, as the Agents SDK reads it. Nothing is kept twice.

What was written is in the messages; what tools were called in between is in the answers. A run that fails leaves
nothing behind, for what it adds is held back until its answer is in the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from agents import SessionSettings, TResponseInputItem
from sqlalchemy import select

from agentlocator.db.engine import Database
from agentlocator.db.schema import Answer, Message
from agentlocator.db.scope import Scope

# Messages that the model is reminded of. It is cut between messages, never between a tool's call and its output.
REMEMBERED: Final = 40
BY_A_PERSON: Final = "[נכתב על ידי הצוות]"
_NOT_SAID: Final = ("withheld", "failed")


class ThreadSession:
    """The SDK's session of one conversation, up to but without the message `before_id`."""

    session_settings: SessionSettings | None = None

    def __init__(self, db: Database, business_id: int, conversation_id: int, before_id: int) -> None:
        self.session_id = f"{business_id}:{conversation_id}"
        self.added: list[TResponseInputItem] = []
        self._db = db
        self._business_id = business_id
        self._conversation_id = conversation_id
        self._before_id = before_id

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        async with self._db.reading(self._business_id) as scope:
            items = await history(scope, self._conversation_id, self._before_id)
        whole = items + self.added
        return whole if limit is None else whole[-limit:] if limit else []

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        self.added += items

    async def pop_item(self) -> TResponseInputItem | None:
        return self.added.pop() if self.added else None

    async def clear_session(self) -> None:
        self.added.clear()


async def history(scope: Scope, conversation_id: int, before_id: int) -> list[TResponseInputItem]:
    """The thread before a message, as a model reads it: who wrote what, and which tools ran before an answer."""
    rows: Sequence[Message] = await scope.all(
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.id < before_id, Message.delivery.not_in(_NOT_SAID))
        .order_by(Message.id.desc())
        .limit(REMEMBERED)
    )
    if not rows:
        return []
    answers: Sequence[Answer] = await scope.all(
        select(Answer)
        .where(Answer.conversation_id == conversation_id, Answer.from_message_id >= rows[-1].id)
        .where(Answer.up_to_message_id < before_id)
    )
    # The tools ran after the last message they answer and before whatever was written next.
    placed = [((message.id, 0), [_item(message)]) for message in rows]
    placed += [((answer.up_to_message_id, 1), decode(answer.items)) for answer in answers]
    return [item for _, items in sorted(placed, key=lambda one: one[0]) for item in items]


def tool_items(items: Sequence[TResponseInputItem]) -> str:
    """Only what tools were called and what they answered, as JSON in which Hebrew stays readable."""
    kept = [_bare(cast("dict[str, Any]", item)) for item in items]
    return msgspec.json.encode([item for item in kept if item]).decode()


def decode(items: str) -> list[TResponseInputItem]:
    return cast("list[TResponseInputItem]", msgspec.json.decode(items))


def _item(message: Message) -> TResponseInputItem:
    if message.author == "lead":
        return {"role": "user", "content": message.body}
    text = f"{BY_A_PERSON} {message.body}" if message.author == "person" else message.body
    return {"role": "assistant", "content": text}


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """A tool item without the provider's own ids, which it would look up and not find: nothing is stored there."""
    kind = item.get("type")
    if kind == "function_call":
        return {key: item[key] for key in ("type", "call_id", "name", "arguments")}
    if kind == "function_call_output":
        return {key: item[key] for key in ("type", "call_id", "output")}
    return {}
