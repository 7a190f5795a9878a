"""The durable work of one delivery: tells what an outbox row says, then settles the row by what became of it.

It is work of the durable engine under the row's id and due moment: a crash anywhere leaves work that is taken up again.
Only a crash between an answer from abroad and its note repeats a telling, and then with the same idempotency key. It
never knows what a message says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.schema import Outbox
from agentlocator.db.scope import Scope
from agentlocator.domain import outbox
from agentlocator.jobs.engine import Step
from agentlocator.jobs.telling import Handler, NotNow, OutboxItem, Undeliverable

JOB: Final = "deliver"
SEND_S: Final = 20


class Due(msgspec.Struct, frozen=True):
    """A row and the moment it was due at. A failed attempt gives the row another moment, and so another id."""

    business_id: int
    row_id: int
    due_at: datetime

    @property
    def work_id(self) -> str:
        return f"outbox.{self.row_id}.{int(self.due_at.timestamp() * 1000)}"


class Delivery:
    """The two durable steps of one delivery: tell, then settle the row by what became of it.

    `handlers` go by kind; `otherwise` gets the kinds nobody else takes. A row that nobody takes is asked about again
    like one that failed, and set aside with that reason after the last attempt.
    """

    def __init__(
        self, db: Database, handlers: Mapping[str, Handler], otherwise: Handler | None = None, *, clock: Clock
    ) -> None:
        self._db = db
        self._handlers = handlers
        self._otherwise = otherwise
        self._clock = clock

    def steps(self) -> Sequence[Step]:
        return (self.tell, self.settle)

    async def tell(self, argument: str, _answer: str) -> str:
        """The first step: tells, and answers what became of it."""
        due = msgspec.json.decode(argument, type=Due)
        item = await self._db.write(due.business_id, lambda scope: self._hold_on(scope, due))
        outcome = _Outcome("settled") if item is None else await self._told(item)
        return msgspec.json.encode(outcome).decode()

    async def settle(self, argument: str, answer: str) -> str:
        """The second step: the row says what became of it."""
        due = msgspec.json.decode(argument, type=Due)
        outcome = msgspec.json.decode(answer, type=_Outcome)
        await self._db.write(due.business_id, lambda scope: self._settled(scope, due, outcome))
        return ""

    async def _hold_on(self, scope: Scope, due: Due) -> OutboxItem | None:
        row = await outbox.hold_on(scope, due.row_id, at=due.due_at, now=self._clock())
        return None if row is None else _item(row)

    async def _told(self, item: OutboxItem) -> _Outcome:
        handler = self._handlers.get(item.kind, self._otherwise)
        if handler is None:
            return _Outcome("failed", f"nobody takes {item.kind}")
        try:
            async with asyncio.timeout(SEND_S):
                await handler(item)
        except NotNow as wait:
            return _Outcome("postponed", until=wait.until)
        except Undeliverable as hopeless:
            return _Outcome("hopeless", str(hopeless))
        except TimeoutError:
            return _Outcome("failed", f"no answer within {SEND_S} s")
        except Exception as fault:
            # Whatever a handler fails with is this row's reason, and no other row's trouble.
            return _Outcome("failed", f"{type(fault).__name__}: {fault}")
        return _Outcome("delivered")

    async def _settled(self, scope: Scope, due: Due, outcome: _Outcome) -> None:
        now = self._clock()
        if outcome.became == "delivered":
            await outbox.delivered(scope, due.row_id, now=now)
        elif outcome.became == "hopeless":
            await outbox.set_aside(scope, due.row_id, error=outcome.reason, now=now)
        elif outcome.became == "postponed" and outcome.until is not None:
            await outbox.postpone(scope, due.row_id, until=outcome.until)
        elif outcome.became == "failed":
            await outbox.not_delivered(scope, due.row_id, error=outcome.reason, now=now)


class _Outcome(msgspec.Struct, frozen=True):
    """What became of a telling: delivered, failed, hopeless, postponed; or settled before by somebody else."""

    became: str
    reason: str = ""
    until: datetime | None = None


def _item(row: Outbox) -> OutboxItem:
    return OutboxItem(
        business_id=row.business_id,
        row_id=row.id,
        kind=row.kind,
        key=row.key,
        payload=row.payload,
        attempt=row.attempts,
        created_at=row.created_at,
    )
