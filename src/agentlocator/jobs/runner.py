"""Everything that is done without a caller, started and stopped together with the server.

One task delivers, one plans reminders, one prunes; each outlives its own troubles and none can end the server. What
must happen once, however many servers there are, goes through the durable engine under an id that names its day.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx2
import msgspec
import structlog

from agentlocator.clock import Clock, utc_now
from agentlocator.db.engine import Database
from agentlocator.domain import account_events, businesses
from agentlocator.jobs import canary as canary_job
from agentlocator.jobs import deliver, prune, remind
from agentlocator.jobs.alert import Alert, Operator, WriteWhatsApp
from agentlocator.jobs.canary import Canary
from agentlocator.jobs.deliver import Delivery
from agentlocator.jobs.engine import BrokenOff, Engine, address_beside
from agentlocator.jobs.prune import Retention
from agentlocator.jobs.relay import Relay
from agentlocator.jobs.telling import Handler
from agentlocator.jobs.webhook import Webhook

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds."""

# How long the engine's notes on finished work are kept: longer than any row can still ask for the same id.
NOTES_DAYS: Final = 7
# Longer than a prune may take: another server that has it and does not end it is gone, and tomorrow has another id.
PRUNE_S: Final = 60

_log = structlog.stdlib.get_logger("agentlocator.jobs")


class Pace(msgspec.Struct, frozen=True):
    """Seconds between two looks at the outbox, two plans of reminders, two looks for something to prune, for
    somebody to certify, and two samples of how full the tables are."""

    deliver_s: float = 1.0
    remind_s: float = 60.0
    prune_s: float = 3600.0
    canary_s: float = 300.0
    statistics_s: float = 3600.0


@asynccontextmanager
async def running(
    db: Database,
    *,
    data_dir: Path,
    root_secret: str,
    handlers: Mapping[str, Handler] | None = None,
    pace: Pace | None = None,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    machine: str | None = None,
    allow_private_webhooks: bool = False,
    canary: Canary | None = None,
    operator: Operator | None = None,
    whatsapp_operator: WriteWhatsApp | None = None,
) -> AsyncIterator[None]:
    """Do the background work while the context is open.

    `handlers` take outbox kinds, a reminder's only while its visit stands; the rest goes to the business's webhook.
    `root_secret` is what webhooks' secrets are made of. `machine`: see `Engine`. `operator` and `whatsapp_operator` are
    where alerts go. `clock` and `sleep` are the time between two rounds; deliveries keep their own.
    """
    pace = pace or Pace()

    async def again_and_again(work: Callable[[], Awaitable[None]], pace_s: float) -> None:
        while True:
            try:
                await work()
            except Exception:
                _log.exception("background work failed, and is tried again")
            await sleep(pace_s)

    # Reading the certificates takes tens of milliseconds, and calls are under way.
    verify = await asyncio.to_thread(ssl.create_default_context)
    async with httpx2.AsyncClient(verify=verify) as client:
        webhook = Webhook(db, client, root_secret, clock=clock, allow_private=allow_private_webhooks)
        takers: dict[str, Handler] = {remind.KIND: webhook, **(handlers or {})}
        takers[remind.KIND] = remind.while_it_stands(db, takers[remind.KIND], clock=clock)
        takers.setdefault(
            canary_job.KIND, Alert(operator or Operator(), client, clock=clock, whatsapp=whatsapp_operator)
        )
        delivery = Delivery(db, takers, webhook, clock=clock)
        retention = Retention(db, data_dir / "calls", clock=clock)
        engine = Engine(
            address_beside(db.url),
            {deliver.JOB: delivery.steps(), prune.JOB: retention.steps()},
            machine=machine,
        )
        await engine.start()
        relay = Relay(db, engine, clock=clock, pace_s=pace.deliver_s)
        tasks = [
            asyncio.create_task(relay.run(), name="outbox relay"),
            asyncio.create_task(
                again_and_again(lambda: remind.plan_all(db, now=clock()), pace.remind_s), name="remind"
            ),
            asyncio.create_task(again_and_again(lambda: _prune_all(db, engine, clock()), pace.prune_s), name="prune"),
            asyncio.create_task(again_and_again(db.refresh_statistics, pace.statistics_s), name="statistics"),
        ]
        if canary is not None:
            tasks.append(asyncio.create_task(again_and_again(canary.look, pace.canary_s), name="canary"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.stop()


async def _prune_all(db: Database, engine: Engine, now: datetime) -> None:
    async with db.operator() as operator:
        listed = await businesses.listed(operator)
    for business in listed:
        # One prune a day for a business, whichever server comes first; broken off, it waits for tomorrow.
        work_id = f"prune.{business.business_id}.{now.date().isoformat()}"
        try:
            async with asyncio.timeout(PRUNE_S):
                await engine.run(prune.JOB, work_id, str(business.business_id))
        except TimeoutError:
            _log.warning("retention is under way elsewhere, or was", business=business.business_id)
        except BrokenOff as fault:
            _log.error("retention broke off", business=business.business_id, detail=str(fault))
    async with db.operator(writing=True) as operator:
        await account_events.forget(operator, before=now - account_events.KEPT)
    await engine.forget(before=now - timedelta(days=NOTES_DAYS))
