"""Calls as rows, told of by a carrier that repeats itself and mixes up the order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agentlocator.domain import calls
from town import NOW, Town, ring


async def test_a_call_is_opened_once(town: Town) -> None:
    await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        again = await calls.open_call(
            scope, call_sid="CA1", from_raw="other", to_e164="+97235550101", now=NOW + timedelta(seconds=5)
        )
        assert (again.from_raw, again.started_at, again.status) == ("+972541234567", NOW, "ringing")
        assert len(await calls.listed(scope)) == 1


async def test_one_of_two_parallel_uses_of_a_stream_token_wins(town: Town) -> None:
    await ring(town, town.clinic)

    async def connect(call_sid: str = "CA1", digest: str = "d1", business_id: int = town.clinic) -> bool:
        return await town.db.write(
            business_id,
            lambda scope: calls.consume_stream_token(
                scope, call_sid=call_sid, token_digest=digest, now=NOW, stream_sid="MZ1"
            ),
        )

    assert sorted(await asyncio.gather(*(connect() for _ in range(8)))) == [False] * 7 + [True]
    assert not await connect(call_sid="CA-unknown", digest="d2")
    assert not await connect(business_id=town.charlie, digest="d2")
    async with town.db.scope(town.clinic) as scope:
        call = await calls.find(scope, "CA1")
        assert call is not None
        assert (call.status, call.stream_sid) == ("streaming", "MZ1")
        await calls.finish_call(scope, call_sid="CA1", outcome="hung_up", now=NOW)
    assert not await connect(digest="d3"), "a finished call takes no stream"


async def test_the_first_end_of_a_call_wins_and_later_ones_only_add(town: Town) -> None:
    await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        assert await calls.finish_call(scope, call_sid="CA1", outcome="hung_up", now=NOW, tx=700, usage={"audio": 9})
        assert not await calls.finish_call(
            scope,
            call_sid="CA1",
            outcome="failed",
            now=NOW + timedelta(minutes=1),
            tx=1,
            rx=650,
            usage={"audio": 1, "text": 2},
            cost_micro_usd=1234,
            facts={"greeted": True},
        )
        assert not await calls.finish_call(scope, call_sid="CA-unknown", outcome="failed", now=NOW)
    async with town.db.reading(town.clinic) as scope:
        call = await calls.find(scope, "CA1")
    assert call is not None
    assert (call.outcome, call.ended_at, call.tx, call.rx) == ("hung_up", NOW, 700, 650)
    assert (call.usage, call.cost_micro_usd, call.facts) == ({"audio": 9, "text": 2}, 1234, {"greeted": True})


@pytest.mark.parametrize(
    ("told", "taken", "known", "status"),
    [
        (["ringing", "in-progress", "completed"], [True, True, True], "completed", "finished"),
        (["completed", "in-progress", "ringing"], [True, False, False], "completed", "finished"),
        (["in-progress", "initiated", "in-progress"], [True, False, False], "in-progress", "ringing"),
        (["no-answer", "completed"], [True, False], "no-answer", "finished"),
        (["no such word"], [False], None, "ringing"),
    ],
)
async def test_a_status_only_moves_forward(
    town: Town, told: list[str], taken: list[bool], known: str | None, status: str
) -> None:
    await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        news = [await calls.carrier_reported(scope, call_sid="CA1", status=word, now=NOW) for word in told]
        call = await calls.find(scope, "CA1")
    assert news == taken
    assert call is not None
    assert (call.carrier_status, call.status) == (known, status)


async def test_turns_are_kept_once_and_in_order(town: Town) -> None:
    await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        later = NOW + timedelta(seconds=2)
        assert await calls.record_turn(
            scope, call_sid="CA1", key="item_2", speaker="caller", text="שלום\x00", at=later, latency_ms=640
        )
        assert await calls.record_turn(
            scope, call_sid="CA1", key="item_1", speaker="assistant", text="שלום, הגעתם", at=NOW, heard_text="שלום"
        )
        assert not await calls.record_turn(scope, call_sid="CA1", key="item_1", speaker="assistant", text="אחר", at=NOW)
        assert not await calls.record_turn(scope, call_sid="CA9", key="item_1", speaker="caller", text="", at=NOW)
        said = await calls.turns(scope, "CA1")
    assert [(turn.speaker, turn.text, turn.heard_text) for turn in said] == [
        ("assistant", "שלום, הגעתם", "שלום"),
        ("caller", "שלום", None),
    ]


async def test_a_day_s_tally_counts_what_went_wrong_and_no_tests(town: Town) -> None:
    early = NOW - timedelta(hours=2)
    for call_sid, outcome, tx in (("CAfine", "caller_hung_up", 900), ("CAmute", "model_lost", 0)):
        await ring(town, town.clinic, call_sid=call_sid, now=early)
        async with town.db.scope(town.clinic) as scope:
            await calls.finish_call(scope, call_sid=call_sid, outcome=outcome, now=NOW, tx=tx)
    await ring(town, town.clinic, call_sid="CAlive", now=NOW)
    await ring(town, town.clinic, call_sid="CAyesterday", now=NOW - timedelta(days=1))
    await ring(town, town.charlie, call_sid="CAcharlie", now=NOW)
    async with town.db.scope(town.clinic) as scope:
        await calls.open_call(scope, call_sid="CAtest", from_raw="test", to_e164="+97235550100", now=NOW, is_test=True)
        assert await calls.tally(scope, early) == calls.Tally(calls=3, live=1, silent=1, broken=1)
