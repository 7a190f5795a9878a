"""What a tool is, what it is given, and what it answers. Pure values.

A tool gets its business, its lead and its call from the context; the model supplies none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from agentlocator.db.engine import Database
from agentlocator.db.scope import Scope
from agentlocator.domain.receipts import Receipt

Channel = Literal["call", "whatsapp"]


class ToolContext(msgspec.Struct, frozen=True):
    """On whose behalf a tool acts, and when."""

    db: Database
    business_id: int
    lead_id: int
    call_sid: str | None
    conversation_id: int | None
    channel: Channel
    now: datetime

    @property
    def asked_in(self) -> str:
        """What a question to the caller belongs to: this call, or this conversation."""
        return self.call_sid or f"conversation:{self.conversation_id}"


class ToolReply(msgspec.Struct, frozen=True):
    """What came of it: a sentence to say, whether it worked, a code, proof when a booking changed, and data.

    `known` holds receipts of appointments that were there before: the assistant may speak of those too.
    """

    say: str
    ok: bool
    code: str = "ok"
    receipt: Receipt | None = None
    data: dict[str, Any] = {}
    known: tuple[Receipt, ...] = ()

    def for_model(self) -> str:
        """The reply as the model reads it, in JSON."""
        seen = {"say": self.say, "ok": self.ok, "code": self.code, "data": self.data}
        return msgspec.json.encode(seen).decode()


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of a tool, as the model gives them: these fields and no others."""


# The scope of the tool's one transaction, the context, the arguments and the idempotency key.
Run = Callable[[Scope, ToolContext, Any, str], Awaitable[ToolReply]]


class Tool(msgspec.Struct, frozen=True):
    """One thing the assistant can do."""

    name: str
    description: str
    arguments: type[Arguments]
    run: Run
