"""What remains of a call: its journal on disk, its turns and its end in the database.

Written by the call's own records task, in order, off the media path. Nothing here decides anything about the call.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec

from agentlocator.call import commands as do
from agentlocator.call import journal
from agentlocator.db.engine import Database
from agentlocator.db.scope import Scope
from agentlocator.domain import calls
from agentlocator.realtime import usage as pricing


class CallRecords:
    """One call's records, for one business. `started_at` is the wall clock of the call's millisecond 0, `prompt` what
    its session was configured with."""

    def __init__(
        self,
        db: Database,
        business_id: int,
        call_sid: str,
        started_at: datetime,
        folder: Path,
        model: str,
        prompt: str = "",
    ) -> None:
        self._db = db
        self._business_id = business_id
        self._call_sid = call_sid
        self._started_at = started_at
        self._model = model
        self._prompt = prompt
        self._spent = pricing.Tokens()
        self._alarms: list[str] = []
        self.journal_path = _unused(journal_path(folder, business_id, call_sid))

    async def journal(self, lines: bytes) -> None:
        """Appends lines to the journal's file."""
        await asyncio.to_thread(_append, self.journal_path, lines)

    async def session(self, asked: dict[str, Any]) -> None:
        """Keeps the session that the model was asked for, prompt and all, beside the journal (R31)."""
        await asyncio.to_thread(_write, session_path(self.journal_path), msgspec.json.encode(asked))

    async def turn(self, turn: do.RecordTurn) -> None:
        """Writes one turn; the same turn again changes nothing."""
        async with self._db.scope(self._business_id) as scope:
            await write_turn(scope, self._call_sid, turn, offered_at=self._started_at)

    async def used(self, spent: pricing.Tokens) -> None:
        """Adds what one response, or one turn written down, used."""
        self._spent += spent

    async def alarm(self, alarm: do.RaiseAlarm) -> None:
        """Keeps an alarm for the call's end."""
        self._alarms.append(f"{alarm.code}: {alarm.detail}")

    async def finished(self, summary: do.FinishCall) -> None:
        """Ends the call's row with all that was counted."""
        facts = {
            "detail": summary.detail,
            "produced_ms": summary.produced_ms,
            "heard_ms": summary.heard_ms,
            "discarded_ms": summary.discarded_ms,
            "alarms": self._alarms,
            "model": self._model,
            "prompt": self._prompt,
        }
        async with self._db.scope(self._business_id) as scope:
            await calls.finish_call(
                scope,
                call_sid=self._call_sid,
                outcome=summary.outcome,
                now=datetime.now(self._started_at.tzinfo),
                tx=summary.tx,
                rx=summary.rx,
                usage=msgspec.to_builtins(self._spent),
                cost_micro_usd=pricing.cost_micro_usd(self._model, self._spent),
                facts=facts,
            )


async def write_turn(scope: Scope, call_sid: str, turn: do.RecordTurn, *, offered_at: datetime) -> None:
    """Writes one turn of a call that was offered at `offered_at`; the same turn again changes nothing."""
    await calls.record_turn(
        scope,
        call_sid=call_sid,
        key=f"{turn.speaker}:{turn.started_ms}:{turn.item_id}",
        speaker=cast(calls.Speaker, turn.speaker),
        text=turn.generated_text or turn.text,
        heard_text=turn.text if turn.generated_text else None,
        interrupted=turn.interrupted,
        latency_ms=turn.latency_ms,
        at=offered_at + timedelta(milliseconds=turn.started_ms),
    )


def journal_path(folder: Path, business_id: int, call_sid: str) -> Path:
    """Where a call's journal is. The carrier names the call, so its name is not trusted as a path."""
    return folder / str(business_id) / (re.sub(r"[^A-Za-z0-9_-]", "_", call_sid)[:80] + ".jsonl")


def session_path(journal: Path) -> Path:
    """Where the session that was asked for is kept."""
    return journal.with_suffix(".session.json")


def _unused(path: Path) -> Path:
    numbered = (journal.part(path, number) for number in itertools.count(1))
    return next(free for free in numbered if not free.exists())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _append(path: Path, lines: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(lines)
