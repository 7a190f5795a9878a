"""Forgets what a business keeps no longer: journals, recordings, transcripts, messages, and what tools were told.

In small batches, each a transaction of its own, so that no booking waits long for one; every day that something was
deleted leaves a line in the audit. Calls, leads and appointments themselves stay: they are the business's books.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, update

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.schema import Call, Message, Outbox, ToolCall, Turn
from agentlocator.db.scope import Scope
from agentlocator.domain import audit
from agentlocator.jobs import policy as policies
from agentlocator.jobs.engine import Step

JOB: Final = "prune"
BATCH: Final = 200
# Of one kind in one day; what is left, as on the first day of a short retention, goes on the next.
BATCHES: Final = 50
# Settled outbox rows say who was told what; no business decides to keep them longer than its troubles are looked into.
OUTBOX_DAYS: Final = 30

_Batch = Callable[[Scope, datetime], Any]


class Retention:
    """The durable step that prunes one business. `recordings` holds a folder for each business, by its id."""

    def __init__(self, db: Database, recordings: Path, *, clock: Clock, batch: int = BATCH) -> None:
        self._db = db
        self._recordings = recordings
        self._clock = clock
        self._batch = batch

    def steps(self) -> Sequence[Step]:
        return (self.step,)

    async def step(self, argument: str, _answer: str) -> str:
        counted = await self.prune(int(argument))
        return msgspec.json.encode(counted).decode()

    async def prune(self, business_id: int) -> dict[str, int]:
        """Delete what is older than the business keeps things; answers how many of each, and writes it down."""
        now = self._clock()
        async with self._db.reading(business_id) as scope:
            keep = timedelta(days=(await policies.of_business(scope))[0].retention_days)
        before = now - keep
        counted = {
            "turns": await self._in_batches(business_id, before, self._old_turns),
            "summaries": await self._in_batches(business_id, before, self._old_summaries),
            "messages": await self._in_batches(business_id, before, self._old_messages),
            "tool_calls": await self._in_batches(business_id, before, self._old_tool_calls),
            "outbox": await self._in_batches(business_id, now - timedelta(days=OUTBOX_DAYS), self._old_outbox),
            "files": await asyncio.to_thread(_delete_files, self._recordings / str(business_id), before),
        }
        await self._db.write(business_id, lambda scope: _note(scope, counted, now))
        return counted

    async def _in_batches(self, business_id: int, before: datetime, one_batch: _Batch) -> int:
        total = 0
        for _ in range(BATCHES):
            changed: int = await self._db.write(business_id, lambda scope: one_batch(scope, before))
            total += changed
            if changed < self._batch:
                break
        return total

    async def _old_turns(self, scope: Scope, before: datetime) -> int:
        return await self._delete(scope, Turn, Turn.at < before)

    async def _old_messages(self, scope: Scope, before: datetime) -> int:
        return await self._delete(scope, Message, Message.at < before)

    async def _old_tool_calls(self, scope: Scope, before: datetime) -> int:
        return await self._delete(scope, ToolCall, ToolCall.at < before)

    async def _old_outbox(self, scope: Scope, before: datetime) -> int:
        return await self._delete(scope, Outbox, (Outbox.done_at < before) | (Outbox.failed_at < before))

    async def _old_summaries(self, scope: Scope, before: datetime) -> int:
        ids = await scope.all(
            select(Call.id).where(Call.ended_at < before, Call.summary.is_not(None)).limit(self._batch)
        )
        return await scope.changed(update(Call).where(Call.id.in_(ids)).values(summary=None)) if ids else 0

    async def _delete(self, scope: Scope, kind: Any, is_old: Any) -> int:
        ids = await scope.all(select(kind.id).where(is_old).order_by(kind.id).limit(self._batch))
        return await scope.changed(delete(kind).where(kind.id.in_(ids))) if ids else 0


async def _note(scope: Scope, counted: dict[str, int], now: datetime) -> None:
    changes = {f"retention.{what}": (None, f"{number} deleted") for what, number in counted.items() if number}
    audit.record(scope, actor="retention", entity="business", entity_id=scope.business_id, changes=changes, at=now)


def _delete_files(folder: Path, before: datetime) -> int:
    """Files that were last written to before an instant: a call's journal, and whatever was recorded of it."""
    if not folder.is_dir():
        return 0
    old = [file for file in folder.iterdir() if file.is_file() and file.stat().st_mtime < before.timestamp()]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)
