"""Opens the database and hands out scopes; SQLite or PostgreSQL behind one face.

SQLite: WAL, one writer at a time in this process, readers on connections of their own.
PostgreSQL: every connection takes a role that owns nothing and bypasses nothing, so row security holds even
when the address in the settings is an owner's. It never holds a business's data and never retries silently
anything but a lost race for a lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from agentlocator.db.scope import GuardedSession, Operator, Scope, enter, enter_as_operator

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
APP_ROLE = "agentlocator_app"
# Roles belong to the whole server: another database of it may have made this one already.
MAKE_ROLE = f"""
    DO $$ BEGIN
        CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
"""
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
# What a PostgreSQL transaction begins with: a writer waits only so long for a lock, a reader cannot write. Both tries
# of `Database.write` fit into the 8 s that a tool of the assistant may take (`CallPolicy.tool_timeout_ms`).
OPENING = {True: "SET LOCAL lock_timeout = '3500ms'", False: "SET TRANSACTION READ ONLY"}
# Any number will do, as long as nothing else locks it.
MIGRATION_LOCK = 20261121
# Of every index; enough to tell one that leads to few rows from one that leads to many.
ROWS_SAMPLED = 1000
# Deadlock, lock timeout, serialization failure: somebody else won a race that can be run again.
RETRYABLE = {"40P01", "55P03", "40001"}

_migrations: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class Database:
    """The product's database. Open it once, migrate it, and take a scope for every piece of work."""

    def __init__(self, url: URL, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.url = url
        self._writer = writer
        self._reader = reader
        # SQLite admits one writer; queueing here is some thirty times quicker than its own busy waiting.
        self._turn = asyncio.Lock() if url.get_backend_name() == "sqlite" else None

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 10) -> Database:
        """Open `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…` (the driver may be left out).

        Raises ValueError for any other address. Nothing is read or written yet.
        """
        parsed = _with_driver(url)
        if parsed.get_backend_name() == "postgresql":
            engine = create_async_engine(parsed, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
            event.listen(engine.sync_engine, "connect", _take_app_role)
            return cls(parsed, engine, engine)
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("SQLite needs a file: its readers and its writer are different connections")
        writer = create_async_engine(parsed, pool_size=1, max_overflow=0)
        reader = create_async_engine(parsed, pool_size=pool_size)
        _prepare_sqlite(writer, "BEGIN IMMEDIATE")
        _prepare_sqlite(reader, "BEGIN")
        return cls(parsed, writer, reader)

    async def migrate(self, revision: str = "head") -> None:
        """Bring the tables to a revision, up or down (`base` is none at all)."""
        owner = create_async_engine(self.url, poolclass=NullPool)
        if self._turn is not None:
            _prepare_sqlite(owner, "BEGIN IMMEDIATE", foreign_keys=False)
        try:
            async with _one_migration(), self._turn or nullcontext(), owner.connect() as connection:
                if self._turn is None:
                    # Two machines that start together: the second waits, and then finds nothing left to do.
                    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                await connection.run_sync(_run_migrations, revision)
                await connection.commit()
        finally:
            await owner.dispose()
        await self._forget_connections()

    async def refresh_statistics(self) -> None:
        """Let SQLite look at its tables, so that it knows which index leads where; PostgreSQL does by itself.

        It samples: some tens of milliseconds, however many rows there are.
        """
        if self._turn is None:
            return
        async with self._turn, self._writer.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(f"pragma analysis_limit={ROWS_SAMPLED}")
            await driver.execute("analyze")
        # A connection reads them once, when it opens.
        await self._forget_connections()

    async def revision(self) -> str | None:
        """The revision that the tables are at; None where there are none. Nothing is changed."""
        owner = create_async_engine(self.url, poolclass=NullPool)
        try:
            async with owner.connect() as connection:
                return await connection.run_sync(_revision)
        finally:
            await owner.dispose()

    async def prepare_for_restore(self) -> None:
        """Make the role that a PostgreSQL dump grants rights to: roles belong to no database, so no dump holds one."""
        owner = create_async_engine(self.url, poolclass=NullPool)
        try:
            async with owner.begin() as connection:
                await connection.exec_driver_sql(MAKE_ROLE)
                await connection.exec_driver_sql(f"GRANT {APP_ROLE} TO CURRENT_USER")
        finally:
            await owner.dispose()

    @asynccontextmanager
    async def scope(self, business_id: int) -> AsyncIterator[Scope]:
        """A transaction that writes one business's rows; any exception rolls it back."""
        async with self._transaction(writing=True) as session:
            yield await enter(session, business_id)

    @asynccontextmanager
    async def reading(self, business_id: int) -> AsyncIterator[Scope]:
        """A transaction that only reads one business's rows, and waits for no writer."""
        async with self._transaction(writing=False) as session:
            yield await enter(session, business_id)

    @asynccontextmanager
    async def operator(self, *, writing: bool = False) -> AsyncIterator[Operator]:
        """The installation's own door: finding a business by its number, listing and adding businesses."""
        async with self._transaction(writing=writing) as session:
            yield await enter_as_operator(session)

    async def write(self, business_id: int, work: Callable[[Scope], Awaitable[T]]) -> T:
        """Run `work` in a scope of its own; once more when it lost a race for a lock."""
        try:
            async with self.scope(business_id) as scope:
                return await work(scope)
        except DBAPIError as lost:
            if getattr(lost.orig, "sqlstate", None) not in RETRYABLE:
                raise
        async with self.scope(business_id) as scope:
            return await work(scope)

    async def close(self) -> None:
        await self._forget_connections()

    @asynccontextmanager
    async def _transaction(self, *, writing: bool) -> AsyncIterator[AsyncSession]:
        turn = self._turn if writing and self._turn is not None else nullcontext()
        engine = self._writer if writing else self._reader
        async with turn, self._session(engine) as session, session.begin():
            if self._turn is None:
                await (await session.connection()).exec_driver_sql(OPENING[writing])
            yield session

    def _session(self, engine: AsyncEngine) -> AsyncSession:
        return AsyncSession(engine, sync_session_class=GuardedSession, expire_on_commit=False)

    async def _forget_connections(self) -> None:
        # In turn: whoever asked for the writer's one connection while it is being closed would wait for it in vain.
        async with self._turn or nullcontext():
            await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


def newest_revision() -> str:
    """The revision that this version's tables are at."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None, "the product has tables"
    return newest


def revisions() -> list[str]:
    """Every revision that this version knows."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def _with_driver(url: str) -> URL:
    parsed = make_url(url)
    backend = parsed.drivername.partition("+")[0]
    if backend not in DRIVERS:
        raise ValueError(f"the database is SQLite or PostgreSQL, not {backend}")
    return parsed.set(drivername=DRIVERS[backend])


def _prepare_sqlite(engine: AsyncEngine, begin: str, *, foreign_keys: bool = True) -> None:
    pragmas = (
        "journal_mode=wal",
        "busy_timeout=5000",
        f"foreign_keys={'on' if foreign_keys else 'off'}",
        "synchronous=normal",
        *(("query_only=on",) if begin == "BEGIN" else ()),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # or the driver would begin, and begin the wrong way
        for pragma in pragmas:
            dbapi_connection.execute(f"pragma {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _take_app_role(dbapi_connection: Any, _record: object) -> None:
    cursor = dbapi_connection.cursor()
    cursor.execute(f"SET ROLE {APP_ROLE}")
    cursor.close()
    dbapi_connection.commit()  # or the pool's first rollback would undo it


@asynccontextmanager
async def _one_migration() -> AsyncIterator[None]:
    """Alembic keeps the database it works on in a global: two in one process would swap theirs while they wait."""
    async with _migrations.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        yield


def _run_migrations(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if revision == "base" or _is_behind(connection, config, revision):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_behind(connection: Connection, config: Config, revision: str) -> bool:
    """Whether a revision lies below the one the database is at."""
    current = _revision(connection)
    if current is None or revision == "head":
        return False
    below = [script.revision for script in ScriptDirectory.from_config(config).iterate_revisions(current, "base")]
    return revision in below[1:]
