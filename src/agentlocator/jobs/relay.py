"""Claims what the outboxes have to tell, and hands it to the durable engine.

A claim that runs out, after a crash, finds the same work under the same id. No business waits for another: each has a
few places of its own, and they are given out in turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, outbox
from agentlocator.jobs.deliver import JOB, Due
from agentlocator.jobs.engine import BrokenOff, Engine

PLACES: Final = 32
PLACES_EACH: Final = 4
PACE_S: Final = 1.0
SOON_S: Final = 0.05
PACE_IN_TROUBLE_S: Final = 10.0

_log = structlog.stdlib.get_logger("agentlocator.jobs")


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
            await asyncio.sleep(min(left_s, SOON_S) if self._with_more else left_s)
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

    async def _claim(self, business_id: int, limit: int) -> list[Due]:
        now = self._clock()
        async with self._db.reading(business_id) as scope:
            if not await outbox.is_any_due(scope, now=now):
                return []

        async def claim(scope: Scope) -> list[Due]:
            rows = await outbox.claim(scope, now=now, limit=limit)
            return [Due(business_id, row.id, row.due_at) for row in rows]

        return await self._db.write(business_id, claim)

    async def _deliver(self, due: Due) -> None:
        try:
            await self._engine.run(JOB, due.work_id, msgspec.json.encode(due).decode(), take_over=True)
        except BrokenOff as fault:
            await self._count_as_failed(due, str(fault))
        except Exception:
            # The claim runs out, and the row is claimed again.
            _log.exception("a delivery was left", outbox=due.row_id, business=due.business_id)
        finally:
            self._under_way[due.business_id] -= 1

    async def _count_as_failed(self, due: Due, reason: str) -> None:
        """Its work will not be run again under this id: the next attempt's due moment makes another."""
        now = self._clock()

        async def work(scope: Scope) -> None:
            if await outbox.hold_on(scope, due.row_id, at=due.due_at, now=now) is not None:
                await outbox.not_delivered(scope, due.row_id, error=f"broken off: {reason}", now=now)

        try:
            await self._db.write(due.business_id, work)
        except Exception:
            _log.exception("a broken delivery was left", outbox=due.row_id, business=due.business_id)
