"""The background bench: what a burst of deliveries does to the caller who is booking. `python -m bench.jobs`.

A booking comes every 25 ms; meanwhile 150 messages fall due at once and are delivered to a receiver that answers in
20 ms. Measured are the bookings' own latency and how late the event loop wakes, which is what a call's sound would
feel: without the burst, with it, and with the engine's tables wrongly in the business's own file. On SQLite, where it
matters; takes about twenty seconds and stops by itself.
"""

from __future__ import annotations

import asyncio
import gc
import math
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import msgspec
from rich.console import Console
from rich.table import Table

from agentlocator.db.engine import Database
from agentlocator.domain import appointments, availability, calendars, outbox, schedules
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import Settings
from agentlocator.domain.seed import CLINIC_NUMBER, seed_demo
from agentlocator.jobs import runner
from agentlocator.jobs.runner import running
from agentlocator.jobs.telling import OutboxItem

BOOKINGS = 150
EVERY_S = 0.025
BURST = 150
ANSWER_S = 0.02
TICK_S = 0.005
NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)


class Round(msgspec.Struct, frozen=True):
    """One round: sorted latencies in seconds, and how long the burst took (None: there was none)."""

    name: str
    bookings_s: list[float]
    lags_s: list[float]
    burst_s: float | None


async def main() -> None:
    rounds = [
        await play("no burst", burst=0),
        await play(f"burst of {BURST}, the engine in a file of its own", burst=BURST),
        await play(f"burst of {BURST}, the engine in our file", burst=BURST, shared=True),
    ]
    table = Table(title=f"{BOOKINGS} bookings, one every {EVERY_S * 1000:.0f} ms (milliseconds)")
    for column in ("round", "booking p50", "p95", "max", "loop lag p99", "max", "burst took (s)"):
        table.add_column(column)
    for one in rounds:
        figures = [at(one.bookings_s, 0.5), at(one.bookings_s, 0.95), one.bookings_s[-1]]
        figures += [at(one.lags_s, 0.99), one.lags_s[-1]]
        burst = "" if one.burst_s is None else f"{one.burst_s:.1f}"
        table.add_row(one.name, *(f"{figure * 1000:.1f}" for figure in figures), burst)
    Console().print(table)


async def play(name: str, *, burst: int, shared: bool = False) -> Round:
    with tempfile.TemporaryDirectory() as folder:
        db = await Database.open(f"sqlite:///{folder}/bench.db")
        await db.migrate()
        clinic = (await seed_demo(db, now=NOW))[CLINIC_NUMBER]
        starts = await free_starts(db, clinic)
        told = asyncio.Event()
        left = burst

        async def take(_item: OutboxItem) -> None:
            nonlocal left
            await asyncio.sleep(ANSWER_S)
            left -= 1
            if not left:
                told.set()

        address = f"sqlite:///{folder}/bench.db" if shared else f"sqlite:///{folder}/engine.db"
        with mock.patch.object(runner, "address_beside", return_value=address):
            async with running(db, data_dir=Path(folder), root_secret=folder, handlers={"bench": take}):
                await book(db, clinic, starts[:5])
                # As the server does once everything is loaded.
                gc.collect()
                gc.freeze()
                lags: list[float] = []
                watching = asyncio.create_task(watch(lags))
                began = time.perf_counter()
                async with db.scope(clinic) as scope:
                    for number in range(burst):
                        await outbox.put(scope, kind="bench", key=f"bench.{number}", payload={}, now=datetime.now(UTC))
                bookings = asyncio.create_task(book(db, clinic, starts[5 : 5 + BOOKINGS]))
                if burst:
                    async with asyncio.timeout(20):
                        await told.wait()
                burst_s = time.perf_counter() - began if burst else None
                latencies = await bookings
                watching.cancel()
        await db.close()
        return Round(name, sorted(latencies), sorted(lags), burst_s)


async def free_starts(db: Database, clinic: int) -> list[str]:
    async with db.scope(clinic) as scope:
        await schedules.change_settings(scope, Settings(slot_interval_min=15, length_min=15), actor="bench", now=NOW)
    async with db.reading(clinic) as scope:
        diary = await calendars.read(scope, now=NOW)
        visit = calendars.visit(await schedules.current(scope), None, None)
    first, last = datetime(2026, 11, 22).date(), datetime(2026, 11, 30).date()
    slots = availability.find_slots(diary.rules, visit, diary.calendar, first=first, last=last, now=NOW)
    return [f"{slot.wall:%Y-%m-%dT%H:%M}" for slot in slots]


async def book(db: Database, clinic: int, starts: Sequence[str]) -> list[float]:
    """Books on a fixed beat, however long each takes; answers the latencies."""

    async def caller(start: str) -> float:
        began = time.perf_counter()
        receipt = await db.write(clinic, lambda scope: appointments.book(scope, Booking(start), now=NOW))
        assert isinstance(receipt, Receipt), f"{start} was free"
        return time.perf_counter() - began

    callers = []
    for start in starts:
        callers.append(asyncio.create_task(caller(start)))
        await asyncio.sleep(EVERY_S)
    return list(await asyncio.gather(*callers))


async def watch(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_S)
        lags.append(time.perf_counter() - before - TICK_S)


def at(figures: Sequence[float], share: float) -> float:
    return figures[min(len(figures) - 1, math.ceil(share * len(figures)) - 1)]


if __name__ == "__main__":
    asyncio.run(main())
