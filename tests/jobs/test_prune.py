"""Retention: what is too old goes, what is not stays, and the audit says so."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agentlocator.db.schema import Turn
from agentlocator.domain import account_events, accounts, audit, businesses, calls, outbox
from agentlocator.jobs.prune import Retention
from town import NOW, Town, ring

OLD = NOW - timedelta(days=200)


async def talk(town: Town, business_id: int, turns: int) -> None:
    """An old call and a recent one, with turns each, and an old summary."""
    for call_sid, at in (("CAold", OLD), ("CAnew", NOW)):
        await ring(town, business_id, call_sid=call_sid, now=at)
        async with town.db.scope(business_id) as scope:
            for number in range(turns):
                await calls.record_turn(scope, call_sid=call_sid, key=str(number), speaker="caller", text="שלום", at=at)
            await calls.finish_call(scope, call_sid=call_sid, outcome="completed", now=at, summary="ביקשה תור")


async def turns_left(town: Town, business_id: int) -> int:
    async with town.db.reading(business_id) as scope:
        return int(await scope.first(select(func.count(Turn.id))))


def recorded(folder: Path, business_id: int, name: str, days_ago: int) -> Path:
    file = folder / str(business_id) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("journal", encoding="utf-8")
    at = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(file, (at, at))
    return file


@pytest.mark.requirement("R30")
async def test_old_talk_goes_in_batches_the_books_stay_and_charlie_is_not_touched(town: Town, tmp_path: Path) -> None:
    await talk(town, town.clinic, 7)
    await talk(town, town.charlie, 2)
    old = recorded(tmp_path, town.clinic, "CAold.jsonl", 200)
    new = recorded(tmp_path, town.clinic, "CAnew.jsonl", 1)
    charlies = recorded(tmp_path, town.charlie, "CAold.jsonl", 200)

    counted = await Retention(town.db, tmp_path, clock=lambda: NOW, batch=3).prune(town.clinic)

    assert {what: number for what, number in counted.items() if number} == {"turns": 7, "summaries": 1, "files": 1}
    assert [old.exists(), new.exists(), charlies.exists()] == [False, True, True]
    assert await turns_left(town, town.clinic) == 7
    assert await turns_left(town, town.charlie) == 4
    async with town.db.reading(town.clinic) as scope:
        assert [call.summary for call in await calls.listed(scope)] == ["ביקשה תור", None]
        written = [(line.actor, line.field, line.new) for line in await audit.history(scope, "business", town.clinic)]
    assert ("retention", "retention.turns", "7 deleted") in written
    assert ("retention", "retention.files", "1 deleted") in written


async def test_a_business_keeps_what_it_decided_to_keep(town: Town, tmp_path: Path) -> None:
    await talk(town, town.clinic, 1)
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, actor="dana", now=NOW, policy={"background": {"retention_days": 365}})
    counted = await Retention(town.db, tmp_path, clock=lambda: NOW).prune(town.clinic)
    assert not any(counted.values())
    async with town.db.reading(town.clinic) as scope:
        assert all(line.actor != "retention" for line in await audit.history(scope, "business", town.clinic))


async def test_settled_outbox_rows_go_and_waiting_ones_stay(town: Town, tmp_path: Path) -> None:
    async with town.db.scope(town.clinic) as scope:
        for key in ("told", "waiting"):
            await outbox.put(scope, kind="test", key=key, payload={}, now=OLD)
        [told, _waiting] = await outbox.claim(scope, now=OLD)
        await outbox.delivered(scope, told.id, now=OLD)
    counted = await Retention(town.db, tmp_path, clock=lambda: NOW).prune(town.clinic)
    assert counted["outbox"] == 1
    async with town.db.scope(town.clinic) as scope:
        assert [row.key for row in await outbox.claim(scope, now=NOW)] == ["waiting"]


async def test_who_came_in_is_forgotten_after_half_a_year(town: Town) -> None:
    async with town.db.operator(writing=True) as operator:
        dana = await accounts.add(operator, email="dana@example.com", name="דנה", password_hash=None, now=OLD)
        for at in (OLD, NOW):
            await account_events.note(operator, "login", dana.id, actor="dana@example.com", at=at)
        await account_events.note(operator, "login_failed", None, actor="somebody", at=OLD)
    async with town.db.operator(writing=True) as operator:
        assert await account_events.forget(operator, before=NOW - account_events.KEPT) == 2
    async with town.db.operator() as operator:
        assert [event.at for event in await account_events.of_account(operator, dana.id)] == [NOW]
