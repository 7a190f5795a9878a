"""From nothing to the newest tables and back, with data in them, from every revision."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from agentlocator.db import Database
from agentlocator.db.accounts import Account
from agentlocator.db.engine import MIGRATIONS
from agentlocator.db.schema import Appointment, Lead, Row
from agentlocator.domain import accounts, appointments, calls, leads, second_factor
from agentlocator.domain.appointments import Booking
from agentlocator.domain.availability import Refusal
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.seed import CLINIC_NUMBER, seed_demo
from agentlocator.domain.vault import Vault
from databases import look
from town import DANA, NOW


def revisions() -> list[str]:
    """Every revision, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


async def fill(database: Database) -> int:
    """A seeded clinic with a caller who booked; answers the clinic's id."""
    clinic = (await seed_demo(database, now=NOW))[CLINIC_NUMBER]
    async with database.scope(clinic) as scope:
        await calls.open_call(scope, call_sid="CA1", from_raw=DANA, to_e164=CLINIC_NUMBER, now=NOW)
        lead = await leads.find_or_create_for_call(scope, from_raw=DANA, call_sid="CA1", now=NOW)
        await appointments.book(scope, Booking("2026-11-22T10:00", lead_id=lead.id), now=NOW)
    return clinic


async def check(database: Database, clinic: int) -> None:
    """The appointment is where it was, and still nothing may take its place."""
    async with database.scope(clinic) as scope:
        assert await scope.first(select(Lead.phone_e164)) == DANA
        assert await scope.first(select(Appointment.local_date)) == NOW.date().replace(day=22)
        taken = await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW)
        assert isinstance(taken, Refusal)
        assert isinstance(await appointments.book(scope, Booking("2026-11-22T10:30"), now=NOW), Receipt)


async def test_from_nothing_and_back(empty_url: str) -> None:
    database = await Database.open(empty_url)
    await database.migrate()
    await database.migrate()
    await database.migrate("base")
    assert await _tables(database) == {"alembic_version"}
    await database.migrate()
    assert await _tables(database) == {"alembic_version", *Row.metadata.tables}
    await database.close()


@pytest.mark.parametrize("revision", revisions())
async def test_data_survives_the_way_down_and_up(empty_url: str, revision: str) -> None:
    database = await Database.open(empty_url)
    await database.migrate(revision)
    await database.migrate()
    clinic = await fill(database)
    await database.migrate(revision)
    await database.migrate()
    await check(database, clinic)
    await database.close()


async def test_the_version_before_the_vault_gets_no_secret_it_could_not_read(empty_url: str) -> None:
    database = await Database.open(empty_url)
    await database.migrate()
    async with database.operator(writing=True) as operator:
        for name in ("sealed", "open"):
            account = await accounts.add(
                operator, email=f"{name}@example.com", name="", password_hash=None, now=NOW, is_operator=True
            )
            if name == "sealed":
                await second_factor.enrol(operator, Vault("the key"), account)
            else:
                account.totp_secret = "GEZDGNBVGY3TQOJQ"
    await database.migrate("0005")
    async with database.operator() as operator:
        kept = await operator.rows(select(Account.email, Account.totp_secret).order_by(Account.id))
        assert [tuple(row) for row in kept] == [
            ("sealed@example.com", None),
            ("open@example.com", "GEZDGNBVGY3TQOJQ"),
        ]
    await database.close()


async def test_two_that_start_together_migrate_once(empty_url: str, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite is one process")
    first, second = await Database.open(empty_url), await Database.open(empty_url)
    await asyncio.gather(first.migrate(), second.migrate())
    assert await _tables(second) == {"alembic_version", *Row.metadata.tables}
    await first.close()
    await second.close()


async def test_two_databases_of_one_process_migrate_at_once(tmp_path: Path) -> None:
    databases = [await Database.open(f"sqlite:///{tmp_path / name}.db") for name in ("one", "two")]
    await asyncio.gather(*(database.migrate() for database in databases))
    for database in databases:
        await check(database, await fill(database))
        await database.close()


async def test_the_tables_are_what_the_rows_say(empty_url: str) -> None:
    database = await Database.open(empty_url)
    await database.migrate()
    assert await look(database, _differences) == []
    await database.close()


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Row.metadata))


async def _tables(database: Database) -> set[str]:
    def names(connection: Connection) -> list[str]:
        return list(connection.dialect.get_table_names(connection))

    return {name for name in await look(database, names) if not name.startswith("sqlite_")}
