"""A query without its business cannot be written by accident, on either database."""

from __future__ import annotations

from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import Select, Table, delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from agentlocator.db import Database, Scope, Unscoped
from agentlocator.db.accounts import INSTALLATION_ROWS, InstallationRow
from agentlocator.db.engine import APP_ROLE
from agentlocator.db.schema import Business, BusinessNumber, Call, Lead, OwnedRow, Row, Service, Stage
from agentlocator.db.scope import OPERATOR_ROWS
from town import MOSHE, NOW, Town, ring

pytestmark = pytest.mark.requirement("R30")


@pytest.fixture
async def two_towns(town: Town) -> Town:
    """The clinic and the garage each have a caller; Charlie has nobody."""
    await ring(town, town.clinic, call_sid="CA-clinic")
    await ring(town, town.garage, from_raw=MOSHE, call_sid="CA-garage")
    return town


other = aliased(Lead)
QUERIES: dict[str, Select[Any]] = {
    "a column": select(Lead.id),
    "a count": select(func.count()).select_from(Lead),
    "a sum of nothing but a function": select(func.max(Lead.id)),
    "an alias": select(other.id),
    "a join": select(Lead.id).join(Call, Call.lead_id == Lead.id),
    "an outer join": select(Call.id).outerjoin(Lead, Lead.id == Call.lead_id),
    "a subquery": select(select(Lead.id).subquery().c.id),
    "a common table expression": select(select(Lead.id).cte("people").c.id),
    "a scalar subquery": select(select(func.max(Lead.id)).scalar_subquery()),
    "an exists": select(literal(1)).where(exists(select(Lead.id))),
    "an in": select(literal(1)).where(literal(1).in_(select(func.sign(Lead.id)))),
    "a union": select(union_all(select(Lead.id), select(Call.id)).subquery().c.id),
    "a cross join": select(Lead.id).select_from(Lead, Call),
}


@pytest.mark.parametrize("shape", QUERIES)
async def test_charlie_sees_nothing_however_the_query_is_written(two_towns: Town, shape: str) -> None:
    async with two_towns.db.reading(two_towns.charlie) as scope:
        seen = [value for value in await scope.all(QUERIES[shape]) if value not in (0, None)]
    assert seen == []


@pytest.mark.parametrize("shape", QUERIES)
async def test_the_clinic_sees_its_own_with_the_same_query(two_towns: Town, shape: str) -> None:
    async with two_towns.db.reading(two_towns.clinic) as scope:
        assert [value for value in await scope.all(QUERIES[shape]) if value]


async def test_a_row_of_another_business_is_not_found_by_its_id(two_towns: Town) -> None:
    async with two_towns.db.reading(two_towns.garage) as scope:
        lead_id = await scope.first(select(Lead.id))
    async with two_towns.db.reading(two_towns.charlie) as scope:
        assert await scope.get(Lead, lead_id) is None
        assert await scope.get(Business, two_towns.garage) is None
        assert await scope.first(select(Business.name).where(Business.id == two_towns.clinic)) is None


async def test_an_update_or_delete_meets_only_own_rows(two_towns: Town) -> None:
    async with two_towns.db.scope(two_towns.charlie) as scope:
        assert await scope.changed(update(Lead).values(name="נגנב")) == 0
        assert await scope.changed(delete(Call)) == 0
    async with two_towns.db.reading(two_towns.clinic) as scope:
        assert await scope.first(select(Lead.name)) is None
        assert await scope.first(select(func.count(Call.id))) == 1


async def test_a_row_of_another_business_is_not_written(two_towns: Town) -> None:
    async def plant(scope: Scope) -> None:
        scope.add(Service(business_id=two_towns.clinic, name="זר", duration_min=30, active=True))

    with pytest.raises(Unscoped, match="Service of business"):
        await two_towns.db.write(two_towns.charlie, plant)


async def test_a_row_cannot_be_moved_to_another_business(two_towns: Town) -> None:
    async def give_away(scope: Scope) -> None:
        stage = await scope.first(select(Stage))
        stage.business_id = two_towns.charlie

    with pytest.raises(Unscoped):
        await two_towns.db.write(two_towns.clinic, give_away)


async def test_a_row_cannot_point_at_another_business(two_towns: Town) -> None:
    async with two_towns.db.reading(two_towns.garage) as scope:
        lead_id = await scope.first(select(Lead.id))
    with pytest.raises(DBAPIError):
        await two_towns.db.write(two_towns.clinic, lambda scope: scope.changed(update(Call).values(lead_id=lead_id)))


@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT id FROM lead"),
        select(Lead.__table__.c.id),
        update(cast(Table, Lead.__table__)).values(name="נגנב"),
        select(Lead.id).join(Call.__table__, Call.__table__.c.lead_id == Lead.id),
        select(Lead.id).where(exists(select(Call.__table__.c.id))),
        select(Lead.id).where(text("1 = 1 OR 1")),
        insert(Stage).values(business_id=1, name="x", position=9, kind="open"),
        insert(Stage),
    ],
    ids=[
        "raw SQL",
        "a bare table",
        "a bare update",
        "a join to a table",
        "a table deep inside",
        "a raw condition",
        "an insert of values",
        "a bulk insert",
    ],
)
async def test_what_names_no_business_is_refused(town: Town, statement: Any) -> None:
    with pytest.raises(Unscoped):
        await town.db.write(town.clinic, lambda scope: scope.execute(statement))


async def test_the_operator_sees_businesses_and_numbers_and_nothing_else(two_towns: Town) -> None:
    async with two_towns.db.operator() as operator:
        assert len(await operator.all(select(Business.id))) == 3
        assert len(await operator.all(select(BusinessNumber.id))) == 3
        for kind in _owned_rows():
            if kind not in OPERATOR_ROWS:
                with pytest.raises(Unscoped):
                    await operator.all(select(kind))


async def test_an_unscoped_transaction_of_the_product_cannot_be_had(town: Town) -> None:
    async with town.db._session(town.db._reader) as session:
        with pytest.raises(Unscoped, match="no business"):
            await session.execute(select(Lead.id))


def test_every_table_is_a_business_s_or_the_installation_s() -> None:
    assert {mapper.class_ for mapper in Row.registry.mappers} == {Business, *_owned_rows(), *INSTALLATION_ROWS}


@pytest.mark.parametrize("row", INSTALLATION_ROWS)
async def test_accounts_are_nothing_a_business_may_ask_for(town: Town, row: type[InstallationRow]) -> None:
    async with town.db.reading(town.clinic) as scope:
        with pytest.raises(Unscoped, match="accounts"):
            await scope.all(select(row))


def _owned_rows() -> set[type[OwnedRow]]:
    return set(OwnedRow.__subclasses__())


@pytest.fixture
async def postgresql_login(migrated_url: str, backend: str, town: Town) -> asyncpg.Connection:
    if backend != "postgresql":
        pytest.skip("SQLite has no row security")
    url = make_url(migrated_url)
    connection = await asyncpg.connect(host=str(url.query["host"]), user=url.username, database=url.database)
    await connection.execute(f"SET ROLE {APP_ROLE}")
    return connection


async def test_postgresql_itself_shows_nothing_without_a_business(
    two_towns: Town, postgresql_login: asyncpg.Connection
) -> None:
    for table in Row.metadata.tables:
        assert await postgresql_login.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608  (our own table names)
    await postgresql_login.close()


async def test_postgresql_itself_refuses_to_write_for_another_business(
    two_towns: Town, postgresql_login: asyncpg.Connection
) -> None:
    async with postgresql_login.transaction():
        await postgresql_login.execute(f"SELECT set_config('app.business_id', '{two_towns.charlie}', true)")
        assert await postgresql_login.fetchval("SELECT count(*) FROM lead") == 0
    await postgresql_login.execute(f"SELECT set_config('app.business_id', '{two_towns.charlie}', false)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await postgresql_login.execute(
            "INSERT INTO transfer_number (business_id, e164, label) VALUES ($1, '+97235550000', 'x')",
            two_towns.clinic,
        )
    await postgresql_login.close()


async def test_postgresql_forces_row_security_on_every_table(postgresql_login: asyncpg.Connection) -> None:
    rows = await postgresql_login.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert rows == []
    role = await postgresql_login.fetchrow(
        "SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid) AS owned "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert role is not None
    assert tuple(role) == (False, False, 0)
    await postgresql_login.close()


async def test_the_product_takes_the_humble_role(db: Database, backend: str, town: Town) -> None:
    if backend != "postgresql":
        pytest.skip("SQLite has no roles")
    role = select(func.current_user()).select_from(Business)
    async with db.scope(town.clinic) as scope:
        assert await scope.first(role) == APP_ROLE
        await scope.session.rollback()
    async with db.scope(town.clinic) as scope:
        assert await scope.first(role) == APP_ROLE, "a rollback must not shed the role"


async def test_reading_writes_nothing(town: Town) -> None:
    async def rename() -> None:
        async with town.db.reading(town.clinic) as scope:
            await scope.changed(update(Business).values(name="אחר"))

    with pytest.raises(DBAPIError):
        await rename()
    async with town.db.reading(town.clinic) as scope:
        assert await scope.first(select(Business.created_at)) == NOW
