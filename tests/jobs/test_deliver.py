"""Delivery: everything due is told, once, in turn; what cannot be told is set aside with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from agentlocator.db.schema import Outbox
from agentlocator.db.scope import Scope
from agentlocator.domain import outbox
from agentlocator.jobs import deliver
from agentlocator.jobs.deliver import Delivery
from agentlocator.jobs.engine import BrokenOff, Engine
from agentlocator.jobs.relay import PLACES_EACH, Relay
from agentlocator.jobs.telling import Handler, NotNow, OutboxItem, Undeliverable
from town import NOW, Town


class Straight(Engine):
    """An engine without a memory: it runs the steps there and then, or breaks off when told to."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__("sqlite:///nowhere", {deliver.JOB: delivery.steps()})
        self.asked: list[str] = []
        self.broken = False

    async def run(self, job: str, work_id: str, argument: str, *, take_over: bool = False) -> None:
        self.asked.append(work_id)
        if self.broken:
            raise BrokenOff("the engine was out of order")
        answer = ""
        for step in self._jobs[job]:
            answer = await step(argument, answer)


class Post:
    """The post office of a town: a clock, a relay, and somebody who takes what is told."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.now = NOW
        self.told: list[OutboxItem] = []
        self.faults: dict[int, Exception] = {}
        self.hanging: set[int] = set()
        self.hang = asyncio.Event()
        self.handlers: dict[str, Handler] = {"test": self.take}
        self.engine = Straight(Delivery(town.db, self.handlers, clock=lambda: self.now))
        self.relay = Relay(town.db, self.engine, clock=lambda: self.now)

    async def take(self, item: OutboxItem) -> None:
        if item.business_id in self.hanging:
            await self.hang.wait()
        if fault := self.faults.get(item.business_id):
            raise fault
        self.told.append(item)

    async def put(self, business_id: int, *keys: str, kind: str = "test") -> None:
        async with self.town.db.scope(business_id) as scope:
            for key in keys:
                await outbox.put(scope, kind=kind, key=key, payload={"of": key}, now=self.now)

    async def sweep(self) -> int:
        """One look at the outbox, and everything it started."""
        async with asyncio.TaskGroup() as deliveries:
            return await self.relay.sweep(deliveries)

    async def row(self, business_id: int) -> Outbox:
        async with self.town.db.reading(business_id) as scope:
            row: Outbox = await scope.first(select(Outbox))
            return row


@pytest.fixture
async def post(town: Town) -> Post:
    return Post(town)


async def test_what_was_put_is_told_once_with_a_key_that_is_nobody_elses(post: Post) -> None:
    await post.put(post.town.clinic, "a")
    await post.put(post.town.garage, "a")
    assert await post.sweep() == 2
    assert await post.sweep() == 0
    keys = {item.idempotency_key for item in post.told}
    assert keys == {f"{post.town.clinic}.a", f"{post.town.garage}.a"}
    assert (await post.row(post.town.clinic)).done_at == NOW


async def test_a_failure_is_tried_again_later_under_another_id_and_set_aside_in_the_end(post: Post) -> None:
    post.faults[post.town.clinic] = ConnectionError("no route")
    await post.put(post.town.clinic, "a")
    while (row := await post.row(post.town.clinic)).failed_at is None:
        post.now = max(post.now, row.due_at)
        assert await post.sweep() == 1
    assert row.attempts == outbox.MAX_ATTEMPTS == len(set(post.engine.asked))
    assert row.last_error == "ConnectionError: no route"
    post.now += timedelta(days=1)
    assert await post.sweep() == 0


async def test_what_can_never_be_told_is_set_aside_at_once(post: Post) -> None:
    post.faults[post.town.clinic] = Undeliverable("the visit has begun")
    await post.put(post.town.clinic, "a")
    await post.sweep()
    row = await post.row(post.town.clinic)
    assert (row.failed_at, row.last_error, row.attempts) == (NOW, "the visit has begun", 1)


async def test_what_nobody_takes_waits_and_is_told_when_somebody_does(post: Post) -> None:
    await post.put(post.town.clinic, "a", kind="unknown")
    await post.sweep()
    row = await post.row(post.town.clinic)
    assert (row.last_error, row.failed_at) == ("nobody takes unknown", None)
    post.handlers["unknown"] = post.take
    post.now = row.due_at
    await post.sweep()
    assert [item.key for item in post.told] == ["a"]


async def test_not_now_is_no_attempt(post: Post) -> None:
    later = NOW + timedelta(hours=9)
    post.faults[post.town.clinic] = NotNow(later)
    await post.put(post.town.clinic, "a")
    await post.sweep()
    row = await post.row(post.town.clinic)
    assert (row.due_at, row.attempts, row.failed_at) == (later, 0, None)


async def test_work_the_engine_broke_off_is_tried_again_under_another_id(post: Post) -> None:
    await post.put(post.town.clinic, "a")
    post.engine.broken = True
    await post.sweep()
    post.engine.broken = False
    row = await post.row(post.town.clinic)
    assert row.last_error == "broken off: the engine was out of order"
    post.now = row.due_at
    await post.sweep()
    assert [item.key for item in post.told] == ["a"]
    assert len(set(post.engine.asked)) == 2


async def test_a_row_that_was_settled_meanwhile_is_not_told(post: Post) -> None:
    await post.put(post.town.clinic, "a")

    async def withdrawn_first(job: str, work_id: str, argument: str, *, take_over: bool = False) -> None:
        async with post.town.db.scope(post.town.clinic) as scope:
            await outbox.withdraw(scope, "a", now=post.now)
        await Straight.run(post.engine, job, work_id, argument)

    post.engine.run = withdrawn_first  # type: ignore[method-assign]  # somebody is quicker, just there
    await post.sweep()
    assert post.told == []


async def test_a_business_whose_receiver_hangs_keeps_its_own_places_and_nobody_elses(post: Post) -> None:
    post.hanging.add(post.town.clinic)
    await post.put(post.town.clinic, *(f"stuck-{number}" for number in range(50)))
    await post.put(post.town.garage, *(f"fine-{number}" for number in range(10)))
    async with asyncio.TaskGroup() as deliveries:
        for _ in range(20):
            await post.relay.sweep(deliveries)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while len(post.told) < 10:
                await post.relay.sweep(deliveries)
                await asyncio.sleep(0)
        assert {item.business_id for item in post.told} == {post.town.garage}
        assert len(post.engine.asked) == 10 + PLACES_EACH
        post.hang.set()


async def test_a_business_whose_outbox_cannot_be_read_keeps_nobody_else_waiting(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def claim(scope: Scope, *, now: datetime, limit: int) -> Sequence[Outbox]:
        if scope.business_id == post.town.clinic:
            raise ValueError("a row that cannot be read")
        return await readable(scope, now=now, limit=limit)

    readable = outbox.claim
    monkeypatch.setattr(outbox, "claim", claim)
    await post.put(post.town.clinic, "a")
    await post.put(post.town.garage, "a")
    assert await post.sweep() == 1
    assert [item.business_id for item in post.told] == [post.town.garage]


async def test_a_receiver_that_never_answers_is_given_up(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "SEND_S", 0.01)
    post.hanging.add(post.town.clinic)
    await post.put(post.town.clinic, "a")
    await post.sweep()
    assert (await post.row(post.town.clinic)).last_error == "no answer within 0.01 s"


async def test_the_clock_going_back_tells_nothing_twice(post: Post) -> None:
    await post.put(post.town.clinic, "a")
    await post.sweep()
    post.now = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    assert await post.sweep() == 0
    assert len(post.told) == 1
