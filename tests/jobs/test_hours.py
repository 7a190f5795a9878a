"""What the server does by itself, hour after hour: forgets who came in, forgets old talk, looks at its tables."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from agentlocator.db.engine import Database
from agentlocator.db.schema import Turn
from agentlocator.domain import account_events, accounts, calls
from agentlocator.jobs.runner import running
from town import NOW, Town, ring

HOURLY = {"prune", "statistics"}


class Day:
    """A clock whose hours pass when the test says so: a task that rests is woken when its time has come."""

    def __init__(self) -> None:
        self.now = NOW
        self._wakes: dict[str, datetime] = {}
        self._changed = asyncio.Condition()

    def time(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        wakes_at = self.now + timedelta(seconds=seconds)
        async with self._changed:
            self._wakes[task.get_name()] = wakes_at
            self._changed.notify_all()
            await self._changed.wait_for(lambda: self.now >= wakes_at)
            del self._wakes[task.get_name()]

    async def passes(self, **time: float) -> None:
        """Time passes, and whoever it woke has done his work."""
        async with self._changed:
            self.now += timedelta(**time)
            self._changed.notify_all()
        await self.all_rest()

    async def all_rest(self) -> None:
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(
                lambda: self._wakes.keys() >= HOURLY and all(at > self.now for at in self._wakes.values())
            )


@asynccontextmanager
async def at_work(town: Town, folder: Path) -> AsyncIterator[Day]:
    """The town's background work at its own pace, after its first round."""
    day = Day()
    async with running(town.db, data_dir=folder, root_secret="root", clock=day.time, sleep=day.sleep, machine="here"):
        await day.all_rest()
        yield day


async def test_a_login_is_forgotten_in_the_hour_in_which_it_is_half_a_year_old(town: Town, tmp_path: Path) -> None:
    kept = account_events.KEPT
    async with town.db.operator(writing=True) as operator:
        dana = await accounts.add(operator, email="dana@example.com", name="דנה", password_hash=None, now=NOW)
        for age in (kept + timedelta(days=1), kept - timedelta(minutes=45), kept - timedelta(hours=30)):
            await account_events.note(operator, "login", dana.id, actor="dana@example.com", at=NOW - age)

    async with at_work(town, tmp_path) as day:
        assert await logins(town.db, dana.id) == 2, "what was too old when the server started"
        await day.passes(minutes=59)
        assert await logins(town.db, dana.id) == 2, "the hour is not over"
        await day.passes(minutes=1)
        assert await logins(town.db, dana.id) == 1
        await day.passes(hours=1)
        assert await logins(town.db, dana.id) == 1, "half a year, and not a day less"
        await day.passes(hours=29)
        assert await logins(town.db, dana.id) == 0


async def test_talk_that_has_grown_old_is_forgotten_the_next_day(town: Town, tmp_path: Path) -> None:
    async with at_work(town, tmp_path) as day:
        said_at = NOW - timedelta(days=200)
        for business_id in (town.clinic, town.garage):
            await ring(town, business_id, call_sid=f"CA{business_id}", now=said_at)
            async with town.db.scope(business_id) as scope:
                await calls.record_turn(
                    scope, call_sid=f"CA{business_id}", key="1", speaker="caller", text="שלום", at=said_at
                )
        await day.passes(hours=24)
        assert [await turns(town, business_id) for business_id in (town.clinic, town.garage)] == [[], []]


async def test_the_tables_are_looked_at_when_the_server_starts_and_every_hour(
    town: Town, backend: str, tmp_path: Path
) -> None:
    async with at_work(town, tmp_path) as day:
        if backend == "postgresql":
            return  # it looks by itself
        assert "business" in looked_at(town.db)
        assert "account" not in looked_at(town.db), "nobody has one yet"

        async with town.db.operator(writing=True) as operator:
            await accounts.add(operator, email="dana@example.com", name="דנה", password_hash=None, now=NOW)
        await day.passes(minutes=59)
        assert "account" not in looked_at(town.db)
        await day.passes(minutes=1)
        assert "account" in looked_at(town.db)


async def logins(db: Database, account_id: int) -> int:
    async with db.operator() as operator:
        return len(await account_events.of_account(operator, account_id))


async def turns(town: Town, business_id: int) -> Sequence[int]:
    async with town.db.reading(business_id) as scope:
        return await scope.all(select(Turn.id))


def looked_at(db: Database) -> set[str]:
    """The tables of which SQLite knows how full they are."""
    assert db.url.database is not None
    with contextlib.closing(sqlite3.connect(db.url.database)) as file:
        return {table for (table,) in file.execute("SELECT DISTINCT tbl FROM sqlite_stat1")}
