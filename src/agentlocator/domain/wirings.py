"""What was changed of a number at the carrier, so that it can be undone. It changes nothing there itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from agentlocator.db.accounts import NumberWiring
from agentlocator.db.scope import Operator


async def note(
    operator: Operator,
    *,
    number_sid: str,
    e164: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
    actor: str,
    now: datetime,
) -> int:
    """Write down a change that is about to be made; answers the note's id."""
    noted = operator.add(
        NumberWiring(
            number_sid=number_sid,
            e164=e164,
            before=dict(before),
            after=dict(after),
            wired_by=actor,
            wired_at=now,
            undone_at=None,
        )
    )
    await operator.flush()
    return noted.id


async def withdraw(operator: Operator, note_id: int) -> None:
    """The change was refused: there is nothing to undo."""
    await operator.changed(delete(NumberWiring).where(NumberWiring.id == note_id))


async def standing(operator: Operator) -> list[NumberWiring]:
    """The newest change of each number that was not undone."""
    rows: Sequence[NumberWiring] = await operator.all(
        select(NumberWiring).where(NumberWiring.undone_at.is_(None)).order_by(NumberWiring.id)
    )
    return list({row.number_sid: row for row in rows}.values())


async def note_undone(operator: Operator, note_id: int, *, now: datetime) -> None:
    undone = update(NumberWiring).where(NumberWiring.id == note_id, NumberWiring.undone_at.is_(None))
    await operator.changed(undone.values(undone_at=now))
