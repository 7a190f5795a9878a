"""Tells the outside what the outbox says: claims rows, hands each to the one that takes its kind, settles it.

A row's delivery is work of the durable engine under the row's id and due moment: a crash anywhere leaves work that is
taken up again, or a claim that runs out and finds the same id. Only a crash between an answer from abroad and its
note repeats a telling, and then with the same idempotency key. No business waits for another: each has a few places
of its own, and they are given out in turn. It never knows what a message says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog

from agentlocator.db.engine import Database
from agentlocator.db.schema import Outbox
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, outbox
from agentlocator.jobs.engine import BrokenOff, Engine, Step

Clock = Callable[[], datetime]

JOB: Final = "deliver"
SEND_S: Final = 20
PLACES: Final = 32
PLACES_EACH: Final = 4
PACE_S: Final = 1.0
SOON_S: Final = 0.05
PACE_IN_TROUBLE_S: Final = 10.0

_log = structlog.stdlib.get_logger("agentlocator.jobs")


class OutboxItem(msgspec.Struct, frozen=True):
    """One thing to tell. `idempotency_key` is the same however often it is told, and nobody else's."""

    business_id: int
    row_id: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime

    @property
    def idempotency_key(self) -> str:
        return f"{self.business_id}.{self.key}"


Handler = Callable[[OutboxItem], Awaitable[None]]
"""Tells one item and returns when it is told. Raises Undeliverable, NotNow, or anything else for another attempt."""


class Undeliverable(Exception):
    """Trying again would change nothing; the message is the reason that is kept."""


class NotNow(Exception):
    """Not the time for it. Asked again at `until`, and not counted as an attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until.isoformat()}")
        self.until = until


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
        due = msgspec.json.decode(argument, type=_Due)
        item = await self._db.write(due.business_id, lambda scope: self._hold_on(scope, due))
        outcome = _Outcome("settled") if item is None else await self._told(item)
        return msgspec.json.encode(outcome).decode()

    async def settle(self, argument: str, answer: str) -> str:
        """The second step: the row says what became of it."""
        due = msgspec.json.decode(argument, type=_Due)
        outcome = msgspec.json.decode(answer, type=_Outcome)
        await self._db.write(due.business_id, lambda scope: self._settled(scope, due, outcome))
        return ""

    async def _hold_on(self, scope: Scope, due: _Due) -> OutboxItem | None:
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

    async def _settled(self, scope: Scope, due: _Due, outcome: _Outcome) -> None:
        now = self._clock()
        if outcome.became == "delivered":
            await outbox.delivered(scope, due.row_id, now=now)
        elif outcome.became == "hopeless":
            await outbox.set_aside(scope, due.row_id, error=outcome.reason, now=now)
        elif outcome.became == "postponed" and outcome.until is not None:
            await outbox.postpone(scope, due.row_id, until=outcome.until)
        elif outcome.became == "failed":
            await outbox.not_delivered(scope, due.row_id, error=outcome.reason, now=now)


class Relay:
    """Claims what is due, business by business, and hands it to the engine. One for a process."""

    def __init__(self, db: Database, engine: Engine, *, clock: Clock, pace_s: float = PACE_S) -> None:
        self._db = db
        self._engine = engine
        self._clock = clock
        self._pace_s = pace_s
        self._under_way: Counter[int] = Counter()
        self._with_more: set[int] = set()
        self._first = 0

    async def run(self) -> None:
        """Deliver until cancelled. Trouble with the database is logged and waited out."""
        async with asyncio.TaskGroup() as deliveries:
            while True:
                try:
                    await self.sweep(deliveries)
                    await self._go_on_where_there_is_more(deliveries)
                except Exception:
                    _log.exception("the businesses could not be listed")
                    await asyncio.sleep(PACE_IN_TROUBLE_S)

    async def sweep(self, deliveries: asyncio.TaskGroup) -> int:
        """Claim once what is due and start delivering it; answers how many rows that were."""
        return await self._start(await self._in_turn(), deliveries)

    async def _go_on_where_there_is_more(self, deliveries: asyncio.TaskGroup) -> None:
        """Until the next sweep: a business that filled its places goes on as they come free, without the others."""
        loop = asyncio.get_running_loop()
        next_sweep_at = loop.time() + self._pace_s
        while (left_s := next_sweep_at - loop.time()) > 0:
            await asyncio.sleep(min(left_s, SOON_S))
            await self._start(list(self._with_more), deliveries)

    async def _start(self, business_ids: Sequence[int], deliveries: asyncio.TaskGroup) -> int:
        started = 0
        for business_id in business_ids:
            places = min(PLACES_EACH - self._under_way[business_id], PLACES - self._under_way.total())
            if places <= 0:
                continue
            try:
                claimed = await self._claim(business_id, places)
            except Exception:
                _log.exception("an outbox could not be claimed from", business=business_id)
                continue
            for due in claimed:
                self._under_way[business_id] += 1
                deliveries.create_task(self._deliver(due), name=f"outbox row {due.row_id}")
            started += len(claimed)
            if len(claimed) == places:
                self._with_more.add(business_id)
            else:
                self._with_more.discard(business_id)
        return started

    async def _in_turn(self) -> list[int]:
        """Every business, each time beginning with another: whoever comes last when places run out is first later."""
        async with self._db.operator() as operator:
            ids = [one.business_id for one in await businesses.listed(operator)]
        self._first = (self._first + 1) % max(1, len(ids))
        return ids[self._first :] + ids[: self._first]

    async def _claim(self, business_id: int, limit: int) -> list[_Due]:
        now = self._clock()
        async with self._db.reading(business_id) as scope:
            if not await outbox.is_any_due(scope, now=now):
                return []

        async def claim(scope: Scope) -> list[_Due]:
            rows = await outbox.claim(scope, now=now, limit=limit)
            return [_Due(business_id, row.id, row.due_at) for row in rows]

        return await self._db.write(business_id, claim)

    async def _deliver(self, due: _Due) -> None:
        try:
            await self._engine.run(JOB, due.work_id, msgspec.json.encode(due).decode(), take_over=True)
        except BrokenOff as fault:
            await self._count_as_failed(due, str(fault))
        except Exception:
            # The claim runs out, and the row is claimed again.
            _log.exception("a delivery was left", outbox=due.row_id, business=due.business_id)
        finally:
            self._under_way[due.business_id] -= 1

    async def _count_as_failed(self, due: _Due, reason: str) -> None:
        """Its work will not be run again under this id: the next attempt's due moment makes another."""
        now = self._clock()

        async def work(scope: Scope) -> None:
            if await outbox.hold_on(scope, due.row_id, at=due.due_at, now=now) is not None:
                await outbox.not_delivered(scope, due.row_id, error=f"broken off: {reason}", now=now)

        try:
            await self._db.write(due.business_id, work)
        except Exception:
            _log.exception("a broken delivery was left", outbox=due.row_id, business=due.business_id)


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Due(msgspec.Struct, frozen=True):
    """A row and the moment it was due at. A failed attempt gives the row another moment, and so another id."""

    business_id: int
    row_id: int
    due_at: datetime

    @property
    def work_id(self) -> str:
        return f"outbox.{self.row_id}.{int(self.due_at.timestamp() * 1000)}"


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
