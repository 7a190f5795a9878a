"""What is to be told to the outside, committed together with what it tells of.

A row is claimed for a while, delivered by somebody else, and marked done; a claim that runs out is claimed again,
so a crash in between delivers at least once, with the row's key to tell a repeat. It never sends anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from agentlocator.db.schema import Outbox
from agentlocator.db.scope import Scope

MAX_ATTEMPTS = 8
LEASE_S = 60
FIRST_RETRY_S = 15
LONGEST_RETRY_S = 3600


async def put(
    scope: Scope, *, kind: str, key: str, payload: dict[str, Any], now: datetime, due_at: datetime | None = None
) -> None:
    """Leave something for delivery. A key that is there already is not put twice."""
    await scope.insert_new(
        Outbox, kind=kind, key=key, payload=payload, due_at=due_at or now, attempts=0, created_at=now
    )


async def is_there(scope: Scope, key: str) -> bool:
    """Whether something was put under this key, delivered or not."""
    return await scope.first(select(Outbox.id).where(Outbox.key == key)) is not None


async def claim(scope: Scope, *, now: datetime, limit: int = 20, lease_s: int = LEASE_S) -> Sequence[Outbox]:
    """Take due rows for a while. Two that claim at once never get the same row."""
    waiting = (
        select(Outbox)
        .where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at <= now)
        .where(Outbox.claimed_until.is_(None) | (Outbox.claimed_until <= now))
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows: Sequence[Outbox] = await scope.all(waiting)
    for row in rows:
        row.claimed_until = now + timedelta(seconds=lease_s)
        row.attempts += 1
    await scope.flush()
    return rows


async def delivered(scope: Scope, row_id: int, *, now: datetime) -> bool:
    """Mark a row done; False when it was done already."""
    return (
        await scope.changed(
            update(Outbox).where(Outbox.id == row_id, Outbox.done_at.is_(None)).values(done_at=now, claimed_until=None)
        )
        == 1
    )


async def not_delivered(scope: Scope, row_id: int, *, error: str, now: datetime) -> None:
    """Put a row back for later, later each time; after the last attempt it is set aside with its reason."""
    row = await scope.get(Outbox, row_id)
    if row is None or row.done_at is not None:
        return
    row.claimed_until = None
    row.last_error = error[:500]
    if row.attempts >= MAX_ATTEMPTS:
        row.failed_at = now
        return
    row.due_at = now + timedelta(seconds=min(FIRST_RETRY_S * 2 ** (row.attempts - 1), LONGEST_RETRY_S))


async def withdraw(scope: Scope, key_prefix: str, *, now: datetime) -> int:
    """Take back what has not been delivered yet, by the start of its key; answers how many."""
    return await scope.changed(
        update(Outbox)
        .where(Outbox.key.startswith(key_prefix, autoescape=True), Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
        .values(failed_at=now, last_error="withdrawn")
    )


async def is_any_due(scope: Scope, *, now: datetime) -> bool:
    """Whether a claim would find something: a look that waits for no writer."""
    waiting = (
        select(Outbox.id)
        .where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None), Outbox.due_at <= now)
        .where(Outbox.claimed_until.is_(None) | (Outbox.claimed_until <= now))
    )
    return await scope.first(waiting) is not None


async def hold_on(scope: Scope, row_id: int, *, at: datetime, now: datetime, lease_s: int = LEASE_S) -> Outbox | None:
    """The row, claimed anew, if it still waits for the delivery it was due for `at` then; None if that is settled."""
    row: Outbox | None = await scope.first(select(Outbox).where(Outbox.id == row_id).with_for_update())
    if row is None or row.done_at is not None or row.failed_at is not None or row.due_at != at:
        return None
    row.claimed_until = now + timedelta(seconds=lease_s)
    return row


async def postpone(scope: Scope, row_id: int, *, until: datetime) -> None:
    """Put a row back for a later moment, because this one is not the time: that was no attempt."""
    row = await scope.get(Outbox, row_id)
    if row is None or row.done_at is not None or row.failed_at is not None:
        return
    row.claimed_until = None
    row.attempts = max(0, row.attempts - 1)
    row.due_at = until


async def set_aside(scope: Scope, row_id: int, *, error: str, now: datetime) -> bool:
    """Give a row up, with its reason, because trying again would change nothing; False when it was settled already."""
    return (
        await scope.changed(
            update(Outbox)
            .where(Outbox.id == row_id, Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
            .values(failed_at=now, claimed_until=None, last_error=error[:500])
        )
        == 1
    )
