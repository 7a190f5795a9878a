"""What concerns people's ways in: logins, failed ones, new passwords, sessions thrown out. Written, never rewritten,
and forgotten after `KEPT`.

It belongs to the person and to the operator; what an owner changes in his business is in that business's own audit. It
never keeps what somebody typed: a password is easily typed into the wrong field.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import delete, select

from agentlocator.db.accounts import AccountEvent
from agentlocator.db.scope import Operator
from agentlocator.domain.text import clean

# Long enough to find out who came in, and no longer: an address says where somebody was.
KEPT = timedelta(days=180)

Kind = Literal[
    "login",
    "login_by_link",
    "login_by_invitation",
    "login_by_provider",
    "login_failed",
    "login_throttled",
    "password_changed",
    "session_ended",
    "logged_out_everywhere",
    "link_made",
    "second_factor_made",
]


class Origin(msgspec.Struct, frozen=True):
    """From where something was done: a network address, and what the browser says of itself."""

    address: str = ""
    browser: str = ""


async def note(
    operator: Operator, kind: Kind, account_id: int | None, *, actor: str, at: datetime, origin: Origin | None = None
) -> None:
    """Write one event, in the transaction of what it tells of."""
    origin = origin or Origin()
    operator.add(
        AccountEvent(
            account_id=account_id,
            kind=kind,
            actor=clean(actor)[:254],
            address=clean(origin.address)[:64],
            browser=clean(origin.browser)[:200],
            at=at,
        )
    )
    await operator.flush()


async def forget(operator: Operator, *, before: datetime) -> int:
    """Delete what happened before an instant; answers how many."""
    return await operator.changed(delete(AccountEvent).where(AccountEvent.at < before))


async def of_account(operator: Operator, account_id: int, *, limit: int = 20) -> Sequence[AccountEvent]:
    """What concerned one person, the latest first."""
    found: Sequence[AccountEvent] = await operator.all(
        select(AccountEvent).where(AccountEvent.account_id == account_id).order_by(AccountEvent.id.desc()).limit(limit)
    )
    return found
