"""Changes where numbers' calls go, and undoes it. What was shown is what is done: a number that changed since is left.

Each change is written down before it is made, so that whatever breaks off can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agentlocator.db.engine import Database
from agentlocator.domain import wirings
from agentlocator.provision.wiring import Difference, Wiring, between, difference
from agentlocator.twilio.account import CarrierAccount, Number
from agentlocator.twilio.errors import CarrierRefused


class Meanwhile(Exception):
    """A number was changed after it was shown: look again before anything is done."""

    def __init__(self, e164: str) -> None:
        super().__init__(f"{e164} was changed meanwhile; nothing more was done. Look again.")


class Undoing(msgspec.Struct, frozen=True):
    """What it takes to bring a number back. `changed_since`: fields that somebody else has set since, left alone."""

    note_id: int
    difference: Difference
    changed_since: tuple[str, ...]


async def rewire(
    account: CarrierAccount, db: Database, shown: Sequence[Difference], *, actor: str, now: datetime
) -> None:
    """Do what was shown. Raises Meanwhile, CarrierRefused or CarrierUnreachable; the numbers before it stay changed."""
    current = {number.sid: number for number in await account.numbers()}
    for one in shown:
        if not one.changes:
            continue
        number = current.get(one.number_sid)
        if number is None or between(number, one.after) != one:
            raise Meanwhile(one.e164)
        async with db.operator(writing=True) as operator:
            note_id = await wirings.note(
                operator,
                number_sid=one.number_sid,
                e164=one.e164,
                before=one.before,
                after=one.after,
                actor=actor,
                now=now,
            )
        try:
            await account.change(one.number_sid, one.after)
        except CarrierRefused:
            async with db.operator(writing=True) as operator:
                await wirings.withdraw(operator, note_id)
            raise


async def undoings(account: CarrierAccount, db: Database) -> list[Undoing]:
    """What undoing the newest change of each number would do."""
    async with db.operator() as operator:
        noted = await wirings.standing(operator)
    current = {number.sid: number for number in await account.numbers()}
    return [
        _undoing(one.id, current[one.number_sid], one.before, one.after) for one in noted if one.number_sid in current
    ]


async def undo(account: CarrierAccount, db: Database, shown: Sequence[Undoing], *, now: datetime) -> None:
    """Bring numbers back to what they were. Raises what `rewire` raises."""
    for one, fresh in zip(shown, await _again(account, db, shown), strict=True):
        if fresh != one:
            raise Meanwhile(one.difference.e164)
        if one.difference.changes:
            await account.change(one.difference.number_sid, one.difference.after)
        async with db.operator(writing=True) as operator:
            await wirings.note_undone(operator, one.note_id, now=now)


def plan(numbers: Sequence[Number], wiring: Wiring, e164s: Sequence[str]) -> list[Difference]:
    """What it takes to bring these numbers' calls here, in their order."""
    by_e164 = {number.phone_number: number for number in numbers}
    return [difference(by_e164[e164], wiring) for e164 in e164s if e164 in by_e164]


async def _again(account: CarrierAccount, db: Database, shown: Sequence[Undoing]) -> list[Undoing | None]:
    known = {one.note_id: one for one in await undoings(account, db)}
    return [known.get(one.note_id) for one in shown]


def _undoing(note_id: int, number: Number, before: dict[str, str], after: dict[str, str]) -> Undoing:
    since = tuple(field for field in after if (getattr(number, field) or "") not in (after[field], before[field]))
    ours = {field: value for field, value in before.items() if field not in since}
    return Undoing(note_id, between(number, ours), since)
