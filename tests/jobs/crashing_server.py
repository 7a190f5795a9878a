"""A server's background work in a process of its own, that kills itself at a chosen point or ends when all is told.

Arguments: database, engine's folder is beside it, point ("never" for none), seconds by which its clock is ahead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from agentlocator.clock import utc_now
from agentlocator.db.engine import Database
from agentlocator.db.schema import Outbox
from agentlocator.domain import businesses
from agentlocator.jobs import deliver
from agentlocator.jobs.engine import Engine
from agentlocator.jobs.runner import Pace, running
from agentlocator.jobs.telling import OutboxItem
from agentlocator.jobs.webhook import Webhook
from jobs.patience import until


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str) -> None:
    """Replaces one method with one that dies before or after doing its work."""
    run, call, settle = Engine.run, Webhook.__call__, deliver.Delivery.settle

    async def claimed(self: Engine, job: str, work_id: str, argument: str, *, take_over: bool = False) -> None:
        if job == deliver.JOB:
            die()
        await run(self, job, work_id, argument, take_over=take_over)

    async def telling(self: Webhook, item: OutboxItem) -> None:
        die()

    async def answered(self: Webhook, item: OutboxItem) -> None:
        await call(self, item)
        die()

    async def noted(self: deliver.Delivery, argument: str, answer: str) -> str:
        die()
        return ""

    async def settled(self: deliver.Delivery, argument: str, answer: str) -> str:
        await settle(self, argument, answer)
        die()
        return ""

    if point == "claimed":
        Engine.run = claimed  # type: ignore[method-assign]  # a crash is nothing a class offers
    elif point in ("telling", "answered"):
        Webhook.__call__ = {"telling": telling, "answered": answered}[point]  # type: ignore[method-assign]  # likewise
    elif point in ("noted", "settled"):
        deliver.Delivery.settle = {"noted": noted, "settled": settled}[point]  # type: ignore[method-assign]  # likewise


async def main(url: str, folder: str, point: str, ahead_s: str) -> None:
    die_at(point)
    db = await Database.open(url)

    def clock() -> datetime:
        return utc_now() + timedelta(seconds=float(ahead_s))

    async with running(
        db,
        data_dir=Path(folder),
        root_secret="root",
        pace=Pace(deliver_s=0.1),
        clock=clock,
        machine="one",
        allow_private_webhooks=True,
    ):
        await until(lambda: all_is_settled(db))
    await db.close()


async def all_is_settled(db: Database) -> bool:
    async with db.operator() as operator:
        listed = await businesses.listed(operator)
    for business in listed:
        async with db.reading(business.business_id) as scope:
            if await scope.first(select(Outbox.id).where(Outbox.done_at.is_(None), Outbox.failed_at.is_(None))):
                return False
    return True


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
