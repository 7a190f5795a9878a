"""Column types that behave the same on SQLite and PostgreSQL.

Nothing here converts wall time: an instant is UTC in the database and aware UTC in Python.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# SQLite numbers rows by itself only for a column it knows as INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")

Json = JSON().with_variant(JSONB(), "postgresql")

# Text in the order of its bytes, so that everything that begins alike stands together, whatever the server's language.
Ordered = Text().with_variant(Text(collation="C"), "postgresql")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the millisecond: `timestamptz` on PostgreSQL, epoch milliseconds on SQLite.

    SQLite's own date type drops the offset, so that the two 01:30 of an autumn Sunday would become one.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs its offset, and {value.isoformat()} has none")
        epoch_ms = (value - EPOCH) // timedelta(milliseconds=1)
        return epoch_ms if dialect.name == "sqlite" else EPOCH + timedelta(milliseconds=epoch_ms)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return EPOCH + timedelta(milliseconds=value)
        kept: datetime = value.astimezone(UTC)
        return kept
