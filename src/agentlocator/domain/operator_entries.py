"""An operator's way into a business that is not his: for an hour, with a reason, and the business's owner can read it.

Without an entry an operator sees which businesses there are and nothing of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select, update

from agentlocator.db.accounts import OperatorEntry
from agentlocator.db.schema import Audit
from agentlocator.db.scope import Operator, Scope
from agentlocator.domain import audit
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean

LASTS: Final = timedelta(hours=1)
LEAST_REASON: Final = 8
_FIELD: Final = "operator_entry"


class Entered(msgspec.Struct, frozen=True):
    """An entry as the owner reads it."""

    who: str
    why: str
    at: datetime


async def enter(
    operator: Operator, account_id: int, business_id: int, reason: str, *, actor: str, now: datetime
) -> None:
    """Let an operator in for an hour. Written in the business's audit, in the same transaction. Raises BadSetting."""
    why = clean(reason)[:300]
    if len(why) < LEAST_REASON:
        raise BadSetting("reason", "too_short")
    operator.add(
        OperatorEntry(account_id=account_id, business_id=business_id, reason=why, began_at=now, ends_at=now + LASTS)
    )
    scope = await operator.step_into(business_id)
    audit.record(scope, actor=actor, entity="business", entity_id=business_id, changes={_FIELD: (None, why)}, at=now)
    await scope.flush()


async def leave(operator: Operator, account_id: int, *, now: datetime) -> None:
    """End whatever entries of his are running."""
    running = (OperatorEntry.account_id == account_id) & (OperatorEntry.ends_at > now)
    await operator.changed(update(OperatorEntry).where(running).values(ends_at=now))


async def entered(scope: Scope, *, limit: int = 20) -> list[Entered]:
    """Who came into this business as an operator, and why, the latest first."""
    rows: Sequence[Audit] = await scope.all(
        select(Audit)
        .where(Audit.entity == "business", Audit.entity_id == scope.business_id, Audit.field == _FIELD)
        .order_by(Audit.id.desc())
        .limit(limit)
    )
    return [Entered(row.actor, row.new or "", row.at) for row in rows]
