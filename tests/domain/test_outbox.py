"""What is told to the outside: not lost, not told before it is true, and told twice only with the same key."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from agentlocator.db import Scope
from agentlocator.db.schema import Outbox
from agentlocator.domain import outbox
from town import NOW, Town


async def put(town: Town, *keys: str) -> None:
    async with town.db.scope(town.clinic) as scope:
        for key in keys:
            await outbox.put(scope, kind="test", key=key, payload={"key": key}, now=NOW)


async def claimed(town: Town, now: datetime, limit: int = 20) -> list[str]:
    async def work(scope: Scope) -> list[str]:
        return [row.key for row in await outbox.claim(scope, now=now, limit=limit)]

    return await town.db.write(town.clinic, work)


async def test_a_key_is_put_once(town: Town) -> None:
    await put(town, "a", "a", "b")
    assert await claimed(town, NOW) == ["a", "b"]


async def test_what_rolls_back_is_never_told(town: Town) -> None:
    async def fail(scope: Scope) -> None:
        await outbox.put(scope, kind="test", key="a", payload={}, now=NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await town.db.write(town.clinic, fail)
    assert await claimed(town, NOW) == []


async def test_two_that_claim_at_once_share_the_rows(town: Town) -> None:
    await put(town, *(f"row-{number}" for number in range(12)))
    batches = await asyncio.gather(*(claimed(town, NOW, limit=4) for _ in range(4)))
    taken = [key for batch in batches for key in batch]
    assert len(taken) == len(set(taken))
    assert set(taken) <= {f"row-{number}" for number in range(12)}


async def test_a_claim_whose_holder_died_is_claimed_again_with_the_same_key(town: Town) -> None:
    await put(town, "a")
    assert await claimed(town, NOW) == ["a"]
    assert await claimed(town, NOW + timedelta(seconds=59)) == []
    assert await claimed(town, NOW + timedelta(seconds=60)) == ["a"]


async def test_what_was_delivered_stays_delivered(town: Town) -> None:
    await put(town, "a")
    await claimed(town, NOW)
    async with town.db.scope(town.clinic) as scope:
        row_id = await scope.first(select(Outbox.id))
        assert await outbox.delivered(scope, row_id, now=NOW)
        assert not await outbox.delivered(scope, row_id, now=NOW)
        await outbox.not_delivered(scope, row_id, error="late news", now=NOW)
    assert await claimed(town, NOW + timedelta(days=1)) == []


async def test_a_row_that_cannot_be_delivered_is_tried_later_and_later_and_then_set_aside(town: Town) -> None:
    await put(town, "a")
    now, waits = NOW, []
    for _ in range(outbox.MAX_ATTEMPTS):
        while not await claimed(town, now):
            now += timedelta(seconds=15)
        async with town.db.scope(town.clinic) as scope:
            row = await scope.first(select(Outbox))
            await outbox.not_delivered(scope, row.id, error="no route", now=now)
            waits.append((row.due_at - now).total_seconds())
            last = row
    assert waits[:4] == [15, 30, 60, 120]
    assert (last.failed_at, last.last_error) == (now, "no route")
    assert await claimed(town, now + timedelta(days=9)) == []


async def test_what_is_not_due_waits(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await outbox.put(scope, kind="test", key="later", payload={}, now=NOW, due_at=NOW + timedelta(hours=1))
        assert await outbox.claim(scope, now=NOW) == []
        assert await outbox.withdraw(scope, "lat", now=NOW) == 1
        assert await outbox.claim(scope, now=NOW + timedelta(hours=2)) == []
