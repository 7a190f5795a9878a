"""The demonstration's past holds together: what was said, booked, paid and written is one story, whoever looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from agentlocator.call import journal
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Conversation, Lead, Outbox, ToolCall, Turn
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, localtime, schedules
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER, seed_demo
from agentlocator.realtime import usage as pricing
from agentlocator.rehearsal import showcase, weeks
from agentlocator.simulator.speech import Voice

NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
FORTNIGHT = 2
TIMEZONE = "Asia/Jerusalem"

Past = tuple[Database, dict[str, int]]


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A past that everybody here looks at and nobody changes."""
    path = tmp_path_factory.mktemp("weeks") / "past.db"

    async def live() -> None:
        db, _ = await lived(path)
        await db.close()

    asyncio.run(live())
    return path


@pytest.fixture
async def past(lived_once: Path) -> AsyncIterator[Past]:
    db = await Database.open(f"sqlite:///{lived_once}")
    async with db.operator() as operator:
        ids = {one.numbers[0]: one.business_id for one in await businesses.listed(operator)}
    yield db, ids
    await db.close()


async def lived(path: Path, seed: int = 3) -> tuple[Database, dict[str, int]]:
    db = await Database.open(f"sqlite:///{path}")
    await db.migrate()
    ids = await seed_demo(db, now=NOW - timedelta(weeks=FORTNIGHT + 1))
    await weeks.fill(db, seed=seed, now=NOW, weeks=FORTNIGHT)
    return db, ids


async def test_every_call_is_over_cost_what_its_tokens_cost_and_lies_in_the_past(past: Past) -> None:
    db, ids = past
    for number in (CLINIC_NUMBER, GARAGE_NUMBER):
        async with db.reading(ids[number]) as scope:
            found: Sequence[Call] = await scope.all(select(Call).order_by(Call.id))
        assert len(found) > 10
        assert [call.started_at for call in found] == sorted(call.started_at for call in found)
        for call in found:
            assert call.status == "finished"
            assert call.ended_at is not None
            assert call.started_at < call.ended_at <= NOW
            spent = msgspec.convert(call.usage, pricing.Tokens)
            assert call.cost_micro_usd == pricing.cost_micro_usd("gpt-realtime-2.1", spent)
            assert call.cost_micro_usd
            assert call.tx
            assert call.facts["produced_ms"] == call.facts["heard_ms"] + call.facts["discarded_ms"]


async def test_a_booked_call_has_its_appointment_its_lead_and_its_receipt(past: Past) -> None:
    db, ids = past
    async with db.reading(ids[CLINIC_NUMBER]) as scope:
        visits: Sequence[Appointment] = await scope.all(select(Appointment))
        assert len(visits) > 5
        for visit in visits:
            call: Call = await scope.first(select(Call).where(Call.call_sid == visit.call_sid))
            assert call.lead_id == visit.lead_id
            assert visit.lead_id is not None
            lead: Lead | None = await scope.get(Lead, visit.lead_id)
            assert lead is not None
            assert lead.name
            receipts = await scope.all(
                select(ToolCall.reply).where(
                    ToolCall.call_sid == visit.call_sid, ToolCall.name == "calendar_create_appointment"
                )
            )
            assert [reply["receipt"]["appointment_id"] for reply in receipts if reply["ok"]] == [visit.id]
            told = await scope.all(select(Turn.text).where(Turn.call_id == call.id, Turn.speaker == "assistant"))
            assert any(reply["say"] in text for reply in receipts for text in told), "the caller was told"


async def test_nobody_is_booked_outside_the_hours_or_left_undecided_in_the_past(past: Past) -> None:
    db, ids = past
    for number in (CLINIC_NUMBER, GARAGE_NUMBER):
        async with db.reading(ids[number]) as scope:
            rules = await schedules.rules(scope)
            visits: Sequence[Appointment] = await scope.all(select(Appointment))
        for visit in visits:
            wall = localtime.to_wall(visit.starts_at, TIMEZONE)
            minute = wall.hour * 60 + wall.minute
            windows = rules.weekly[(wall.weekday() + 1) % 7]
            assert any(window.from_min <= minute < window.to_min for window in windows), wall
            assert visit.created_at < visit.starts_at
            assert (visit.ends_at < NOW) == (visit.status in ("completed", "no_show")) or visit.status == "cancelled"


async def test_somebody_waits_for_a_person_and_nothing_old_is_still_to_be_sent(past: Past) -> None:
    db, ids = past
    async with db.reading(ids[CLINIC_NUMBER]) as scope:
        assert await scope.first(select(func.count(Conversation.id)).where(Conversation.needs_person != "")) == 2
        assert await scope.first(select(Outbox.id).where(Outbox.done_at.is_(None))) is None
        today = Call.started_at >= NOW - timedelta(hours=11, minutes=30)
        assert await scope.first(select(func.count(Call.id)).where(today)) >= 4


async def test_the_same_seed_lives_the_same_weeks_and_another_one_others(past: Past, tmp_path: Path) -> None:
    first, of_first = past
    async with first.reading(of_first[GARAGE_NUMBER]) as scope:
        stories = [await told(scope)]
    for name, seed in (("again", 3), ("other", 4)):
        db, ids = await lived(tmp_path / f"{name}.db", seed)
        async with db.reading(ids[GARAGE_NUMBER]) as scope:
            stories.append(await told(scope))
        await db.close()
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


async def told(scope: Scope) -> list[tuple[Any, ...]]:
    calls = await scope.rows(select(Call.call_sid, Call.outcome, Call.summary, Call.cost_micro_usd).order_by(Call.id))
    visits = await scope.rows(select(Appointment.starts_at, Appointment.status).order_by(Appointment.id))
    return [tuple(row) for row in (*calls, *visits)]


async def test_the_calls_of_the_last_hour_can_be_replayed(tmp_path: Path, voice: Voice) -> None:
    await showcase.furnish(tmp_path, voice, seed=1, now=NOW)
    journals = sorted((tmp_path / "calls").rglob("*.jsonl"))
    assert len(journals) == 5
    for path in journals:
        _, differences = journal.replay(path.read_bytes().splitlines())
        assert differences == []
    db = await Database.open(f"sqlite:///{tmp_path / 'agentlocator.db'}")
    async with db.reading(1) as scope:
        latest: Call = await scope.first(select(Call).order_by(Call.id.desc()))
        assert latest.call_sid in {path.stem for path in journals}
        assert latest.cost_micro_usd
        assert NOW - timedelta(minutes=10) < latest.started_at < NOW
        assert await scope.first(select(func.count(Turn.id)).where(Turn.call_id == latest.id)) > 5
    await db.close()
