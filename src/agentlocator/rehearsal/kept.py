"""A call played in virtual time and kept as the server keeps one: its turns, its cost and its end, its journal on disk.

The sound in the journal is real; only the moment at which it is said to have come in is chosen.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from agentlocator.db.engine import Database
from agentlocator.domain import calls
from agentlocator.realtime import usage as pricing
from agentlocator.rehearsal import stage
from agentlocator.rehearsal.stage import Played
from agentlocator.simulator.play import Role, Scenario
from agentlocator.simulator.speech import Voice
from agentlocator.voice.records import journal_path, write_turn

_MODEL: Final = "gpt-realtime-2.1"


async def play_and_keep(
    scenario: Scenario, role: Role, db: Database, voice: Voice, journals: Path, *, seed: int, at: datetime
) -> Played:
    """Plays one role of a scenario at `at`. `journals` is the server's own folder of them."""
    played = await stage.play(scenario, role, db, voice, seed=seed, now=at)
    call_sid = played.evidence.call_sid
    path = journal_path(journals, played.business_id, call_sid)
    await asyncio.to_thread(_write, path, played.journal)
    played.evidence.journal = str(path)
    summary = played.observer.summary
    assert summary is not None, "a call that was played has ended"
    async with db.scope(played.business_id) as scope:
        for turn in played.observer.turns:
            await write_turn(scope, call_sid, turn, offered_at=at)
        await calls.finish_call(
            scope,
            call_sid=call_sid,
            outcome=summary.outcome,
            now=at + timedelta(milliseconds=summary.rx * 20 + stage.STREAM_OPENS_MS),
            tx=summary.tx,
            rx=summary.rx,
            usage=msgspec.to_builtins(played.spent),
            cost_micro_usd=pricing.cost_micro_usd(_MODEL, played.spent),
            facts={
                "detail": summary.detail,
                "produced_ms": summary.produced_ms,
                "heard_ms": summary.heard_ms,
                "discarded_ms": summary.discarded_ms,
                "alarms": played.evidence.alarms,
            },
        )
    return played


def _write(path: Path, journal: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(journal)
