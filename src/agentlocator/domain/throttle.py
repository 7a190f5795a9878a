"""Slows down who guesses passwords: an attempt is counted before it is judged, per account and per address.

It answers only whether an attempt may be made; what it was worth is the login's business. Nobody is locked out for
longer than a quarter of an hour, so that an attacker cannot lock an owner out for good.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select

from agentlocator.db.accounts import LoginThrottle
from agentlocator.db.scope import Operator

LONGEST = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)


class Allowance(msgspec.Struct, frozen=True):
    """Who is counted, and how many attempts cost him nothing."""

    key: str
    free: int


def of_account(email: str) -> Allowance:
    # A digest, so that the table is no list of who tried to come in.
    return Allowance("account:" + hashlib.sha256(email.encode("utf-8", "replace")).hexdigest(), 5)


def of_address(address: str) -> Allowance:
    return Allowance(f"address:{address}", 30)


async def admit(operator: Operator, allowances: list[Allowance], *, now: datetime) -> bool:
    """Count an attempt and say whether it may be made. One that may not is not counted."""
    rows = [await _row(operator, one.key, now) for one in sorted(allowances, key=lambda one: one.key)]
    if any(row.blocked_until > now for row in rows):
        return False
    free = {one.key: one.free for one in allowances}
    for row in rows:
        row.attempts = 1 if now - row.tried_at > FORGOTTEN_AFTER else row.attempts + 1
        row.tried_at = now
        row.blocked_until = now + _delay(row.attempts - free[row.key])
    await operator.flush()
    return True


async def forgive(operator: Operator, allowance: Allowance) -> None:
    """Forget the attempts: the right person came in."""
    await operator.changed(delete(LoginThrottle).where(LoginThrottle.key == allowance.key))


def _delay(beyond: int) -> timedelta:
    if beyond < 0:
        return timedelta(0)
    return min(LONGEST, timedelta(seconds=2 ** min(beyond, 12)))


async def _row(operator: Operator, key: str, now: datetime) -> LoginThrottle:
    await operator.insert_new(LoginThrottle, key=key, attempts=0, tried_at=now, blocked_until=now)
    row: LoginThrottle | None = await operator.first(
        select(LoginThrottle)
        .where(LoginThrottle.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert row is not None, "the row was written just now"
    return row
