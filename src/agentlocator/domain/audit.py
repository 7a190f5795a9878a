"""Who changed which field of what. Written in the transaction of the change, never rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from agentlocator.db import schema
from agentlocator.db.scope import Scope


def record(
    scope: Scope,
    *,
    actor: str,
    entity: str,
    entity_id: int,
    changes: Mapping[str, tuple[Any, Any]],
    at: datetime,
    call_sid: str | None = None,
) -> None:
    """Write one line per field whose value really changed; `changes` is field → (old, new)."""
    for field, (old, new) in changes.items():
        if old == new:
            continue
        scope.add(
            schema.Audit(
                actor=actor,
                entity=entity,
                entity_id=entity_id,
                field=field,
                old=_written(old),
                new=_written(new),
                call_sid=call_sid,
                at=at,
            )
        )


async def history(scope: Scope, entity: str, entity_id: int) -> Sequence[schema.Audit]:
    """Everything that happened to one row, oldest first."""
    audit = schema.Audit
    found: Sequence[schema.Audit] = await scope.all(
        select(audit).where(audit.entity == entity, audit.entity_id == entity_id).order_by(audit.id)
    )
    return found


def _written(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
