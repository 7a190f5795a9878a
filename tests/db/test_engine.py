"""Opening a database, and what its transactions promise."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from agentlocator.db import Database, Scope
from agentlocator.db.schema import Appointment, Business, Resource, Stage
from town import NOW, Town


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:"])
async def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite"):
        await Database.open(url)


async def test_the_driver_may_be_left_out(tmp_path: Path) -> None:
    assert (await Database.open(f"sqlite:///{tmp_path / 'a.db'}")).url.drivername == "sqlite+aiosqlite"
    assert (await Database.open("postgresql://host/db")).url.drivername == "postgresql+asyncpg"


async def test_a_transaction_is_all_or_nothing(town: Town) -> None:
    async def fail(scope: Scope) -> None:
        scope.add(Stage(key=None, name="חצי", position=9, kind="open"))
        await scope.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await town.db.write(town.clinic, fail)
    async with town.db.reading(town.clinic) as scope:
        assert await scope.first(select(Stage.id).where(Stage.name == "חצי")) is None


async def test_readers_do_not_wait_for_a_writer(town: Town) -> None:
    async with town.db.scope(town.clinic) as writing:
        writing.add(Stage(key=None, name="בדרך", position=9, kind="open"))
        await writing.flush()
        async with asyncio.timeout(1), town.db.reading(town.clinic) as reading:
            assert await reading.first(select(func.count(Stage.id))) == 5


async def test_many_writers_queue_and_none_is_lost(town: Town) -> None:
    async def count_up(scope: Scope) -> None:
        business = await scope.first(select(Business).with_for_update())
        business.policy = {"count": business.policy.get("count", 0) + 1}

    await asyncio.gather(*(town.db.write(town.clinic, count_up) for _ in range(30)))
    async with town.db.reading(town.clinic) as scope:
        assert await scope.first(select(Business.policy)) == {"count": 30}


async def test_a_lost_lock_is_tried_once_more(town: Town) -> None:
    tries = 0

    class Deadlock(Exception):
        sqlstate = "40P01"

    async def work(_scope: Scope) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise DBAPIError("SELECT 1", None, Deadlock())
        return "done"

    assert await town.db.write(town.clinic, work) == "done"
    with pytest.raises(IntegrityError):
        await town.db.write(town.clinic, _break_a_rule)


async def _break_a_rule(scope: Scope) -> None:
    scope.add(Stage(key=None, name="x", position=9, kind="no such kind"))


async def test_an_instant_comes_back_as_it_went_in(town: Town) -> None:
    first = datetime(2026, 10, 25, 1, 30, tzinfo=timezone(timedelta(hours=3)))
    second = datetime(2026, 10, 25, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    for instant in (first, second):
        async with town.db.scope(town.clinic) as scope:
            business = await scope.first(select(Business))
            business.created_at = instant
        async with town.db.reading(town.clinic) as scope:
            kept = await scope.first(select(Business.created_at))
        assert kept == instant
        assert kept.tzinfo is UTC


async def test_an_instant_without_an_offset_is_refused(town: Town) -> None:
    async with town.db.reading(town.clinic) as scope:
        with pytest.raises(StatementError, match="needs its offset"):
            await scope.first(select(Business.id).where(Business.created_at == datetime(2026, 1, 1)))


async def test_the_database_itself_refuses_an_overlap(town: Town) -> None:
    async def squeeze_in(scope: Scope) -> None:
        resource_id = await scope.first(select(Resource.id))
        for shift_min in (0, 29):
            starts_at = NOW + timedelta(minutes=shift_min)
            scope.add(_appointment(resource_id, starts_at))
        await scope.flush()

    with pytest.raises(DBAPIError, match="appointment_no_overlap"):
        await town.db.write(town.clinic, squeeze_in)


async def test_the_database_itself_refuses_to_move_one_onto_another(town: Town) -> None:
    async def squeeze_in(scope: Scope) -> None:
        resource_id = await scope.first(select(Resource.id))
        first, second = (_appointment(resource_id, NOW + timedelta(hours=hours)) for hours in (0, 1))
        scope.add(first)
        scope.add(second)
        await scope.flush()
        second.block_from = first.block_from

    with pytest.raises(DBAPIError, match="appointment_no_overlap"):
        await town.db.write(town.clinic, squeeze_in)


async def test_touching_appointments_and_cancelled_ones_are_no_overlap(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        resource_id = await scope.first(select(Resource.id))
        scope.add(_appointment(resource_id, NOW))
        scope.add(_appointment(resource_id, NOW + timedelta(minutes=30)))
        scope.add(_appointment(resource_id, NOW, status="cancelled"))
        await scope.flush()


def _appointment(resource_id: int, starts_at: datetime, status: str = "booked") -> Appointment:
    ends_at = starts_at + timedelta(minutes=30)
    return Appointment(
        uid=f"{starts_at.isoformat()}{status}",
        resource_id=resource_id,
        status=status,
        starts_at=starts_at,
        ends_at=ends_at,
        block_from=starts_at,
        block_to=ends_at,
        local_date=starts_at.date(),
        timezone="UTC",
        sequence=0,
        notes="",
        booked_by="test",
        created_at=NOW,
        changed_at=NOW,
    )


async def test_nobody_waits_for_a_connection_that_is_being_closed(town: Town) -> None:
    """The writer's one connection is closed after each look at the tables; whoever is next opens another."""

    async def writes() -> None:
        async with town.db.scope(town.clinic) as scope:
            assert await scope.get(Business, town.clinic)

    for _ in range(20):
        async with asyncio.timeout(15):
            await asyncio.gather(town.db.refresh_statistics(), *(writes() for _ in range(6)))


async def test_sqlite_is_shown_which_index_leads_where(town: Town, backend: str) -> None:
    """Without, it takes the wrong one as soon as a list is long: nobody ever runs ANALYZE on an owner's server."""
    await town.db.refresh_statistics()
    if backend == "postgresql":
        return
    assert town.db.url.database is not None
    with contextlib.closing(sqlite3.connect(town.db.url.database)) as file:
        seen = {table for (table,) in file.execute("SELECT DISTINCT tbl FROM sqlite_stat1")}
    assert {"business", "stage", "weekly_window"} <= seen
    async with town.db.scope(town.clinic) as scope:
        assert await scope.get(Business, town.clinic), "and it goes on as before"
