"""The one door to a business's rows.

A session opened here adds the business to every statement it runs, and refuses a statement or a row it cannot
add it to: raw SQL, bulk inserts, rows of another business, anything at all when no business is in scope.
It never decides who may ask for which business; that is settled before a scope is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import Column, Executable, Table, TextClause, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult, Result
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql import Select, visitors
from sqlalchemy.sql.base import ExecutableOption

from agentlocator.db.accounts import INSTALLATION_ROWS, InstallationRow
from agentlocator.db.schema import Business, BusinessNumber, OwnedRow, Row, WhatsAppLine

R = TypeVar("R", bound=Row)
T = TypeVar("T")

# All an operator may see across businesses: who exists, which number rings where, who is written to where, and who
# may look.
OPERATOR_ROWS = (Business, BusinessNumber, WhatsAppLine, *INSTALLATION_ROWS)

_IN_SCOPE = "business_id"
_OPERATOR = "operator"
_OURS = "through_the_scope"


class Unscoped(Exception):
    """A bug: somebody tried to reach rows without saying whose they are."""


class GuardedSession(Session):
    """A session that knows its business. Opened by `Database`, never by hand."""


class _Door:
    """What can be done with rows in one transaction, whoever's they are."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def add(self, row: R) -> R:
        """Put a new row in. It has its id after `flush`."""
        self.session.add(row)
        return row

    async def flush(self) -> None:
        await self.session.flush()

    async def get(self, kind: type[R], row_id: int) -> R | None:
        """The row with this id, if it can be seen from here."""
        return await self.session.get(kind, row_id)

    async def first(self, statement: Select[T]) -> Any:
        """The first column of the first row, or None."""
        return (await self.session.execute(statement.limit(1))).scalars().first()

    async def all(self, statement: Select[T]) -> Sequence[Any]:
        """The first column of every row."""
        return (await self.session.execute(statement)).scalars().all()

    async def rows(self, statement: Executable) -> Sequence[Any]:
        """Every row as a tuple of what was selected: cheaper than whole objects where only values are wanted."""
        found: Sequence[Any] = (await self.session.execute(statement)).all()
        return found

    async def changed(self, statement: Executable) -> int:
        """How many rows an UPDATE or DELETE met: where racing writers learn who won."""
        result = await self.session.execute(statement, execution_options={"synchronize_session": "fetch"})
        assert isinstance(result, CursorResult), "only an UPDATE or a DELETE counts its rows"
        return int(result.rowcount)


class Scope(_Door):
    """One business's rows, in one transaction. Everything the domain does, it does through this."""

    def __init__(self, session: AsyncSession, business_id: int) -> None:
        super().__init__(session)
        self.business_id = business_id

    async def execute(self, statement: Executable) -> Result[Any]:
        return await self.session.execute(statement)

    async def insert_new(self, kind: type[R], /, **values: Any) -> bool:
        """Insert, or say False when a unique key has it already (after waiting for its writer)."""
        return await _insert_new(self.session, kind, {"business_id": self.business_id, **values})

    @property
    def is_postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"


class Operator(_Door):
    """The installation's own view: which businesses exist, who may look at them. Nothing of theirs."""

    async def insert_new(self, kind: type[R], /, **values: Any) -> bool:
        """Insert, or say False when a unique key has it already (after waiting for its writer)."""
        _allow_operator([kind])
        return await _insert_new(self.session, kind, values)

    async def step_into(self, business_id: int) -> Scope:
        """Leave the operator's door for one business, in the same transaction. There is no way back."""
        await self.session.flush()
        return await enter(self.session, business_id)

    async def add_business(self, business: Business) -> Scope:
        """Write a new business and step into it: furnished in this transaction, or it never was."""
        self.session.add(business)
        await self.session.flush()
        return await enter(self.session, business.id)


async def enter(session: AsyncSession, business_id: int) -> Scope:
    """Bind a session's transaction to one business, for SQLAlchemy and for PostgreSQL's row security."""
    session.info.pop(_OPERATOR, None)
    session.info[_IN_SCOPE] = business_id
    await _tell_database(session, business_id=str(business_id), operator="")
    return Scope(session, business_id)


async def enter_as_operator(session: AsyncSession) -> Operator:
    """Bind a session's transaction to the installation instead of a business."""
    session.info[_OPERATOR] = True
    await _tell_database(session, operator="on")
    return Operator(session)


async def _insert_new(session: AsyncSession, kind: type[R], values: dict[str, Any]) -> bool:
    await session.flush()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(kind).values(**values).on_conflict_do_nothing()
    result = await session.execute(statement, execution_options={_OURS: True})
    assert isinstance(result, CursorResult), "an INSERT counts its rows"
    return result.rowcount == 1


async def _tell_database(session: AsyncSession, **settings: str) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    connection = await session.connection()
    # The setting ends with the transaction, so a pooled connection never carries one business to the next.
    told = ", ".join(f"set_config('app.{name}', :{name}, true)" for name in settings)
    await connection.execute(text(f"SELECT {told}"), settings)


@event.listens_for(GuardedSession, "do_orm_execute")
def _keep_statement_inside(state: ORMExecuteState) -> None:
    info = state.session.info
    is_ours = bool(state.execution_options.get(_OURS))
    if not state.is_orm_statement or (not is_ours and _names_bare_tables(state)):
        raise Unscoped("raw SQL cannot be given its business: name rows, not tables")
    if info.get(_OPERATOR):
        _allow_operator(mapper.class_ for mapper in state.all_mappers)
        return
    business_id = info.get(_IN_SCOPE)
    if business_id is None:
        raise Unscoped("no business is in scope")
    if state.is_insert and not is_ours:
        raise Unscoped("add rows one by one, or through Scope.insert_new: a bulk insert names no business")
    if any(issubclass(mapper.class_, InstallationRow) for mapper in state.all_mappers):
        raise Unscoped("accounts belong to the installation: they are not read or written for a business")
    state.statement = state.statement.options(*_only_of(business_id))


@event.listens_for(GuardedSession, "before_flush")
def _keep_rows_inside(session: Session, _context: UOWTransaction, _instances: object) -> None:
    changed = [*session.new, *session.dirty, *session.deleted]
    if session.info.get(_OPERATOR):
        _allow_operator(type(row) for row in changed)
        return
    business_id = session.info.get(_IN_SCOPE)
    if business_id is None:
        raise Unscoped("no business is in scope")
    for row in changed:
        if isinstance(row, InstallationRow):
            raise Unscoped("accounts belong to the installation: they are not read or written for a business")
        owner = row.id if isinstance(row, Business) else _owner(row, business_id)
        if owner != business_id:
            raise Unscoped(f"a {type(row).__name__} of business {owner} in the scope of business {business_id}")


@lru_cache(1_000)
def _only_of(business_id: int) -> tuple[ExecutableOption, ...]:
    # Kept: every statement has them, and making them was a tenth of what a small one cost.
    return (
        with_loader_criteria(OwnedRow, lambda row: row.business_id == business_id, include_aliases=True),
        with_loader_criteria(Business, lambda row: row.id == business_id, include_aliases=True),
    )


def _names_bare_tables(state: ORMExecuteState) -> bool:
    """Whether any part of a statement, however deep, is raw text or a table's column instead of a row's."""
    # SQLAlchemy itself writes "the row with this primary key" that way.
    own_key = () if state.bind_mapper is None else state.bind_mapper.primary_key
    parts: Iterator[Any] = visitors.iterate(cast(Any, state.statement))
    return any(isinstance(part, TextClause) or (_is_bare_column(part) and part not in own_key) for part in parts)


def _is_bare_column(part: Any) -> bool:
    if not isinstance(part, Column) or not isinstance(getattr(part, "table", None), Table):
        return False
    return "parententity" not in part._annotations


def _owner(row: Any, business_id: int) -> int:
    if row.business_id is None:
        row.business_id = business_id
    return int(row.business_id)


def _allow_operator(kinds: Any) -> None:
    for kind in kinds:
        if kind not in OPERATOR_ROWS:
            raise Unscoped(f"the operator's door does not open on {kind.__name__}")
