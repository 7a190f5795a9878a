"""All of it together, as the server runs it: booked, planned, told, pruned, and stopped."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from agentlocator.db.schema import Outbox, Turn
from agentlocator.domain import appointments, businesses, calls
from agentlocator.domain.appointments import Booking
from agentlocator.jobs.runner import Pace, running
from agentlocator.jobs.telling import OutboxItem
from jobs.patience import until
from jobs.receiver import listening
from town import NOW, Town, ring


async def test_a_booking_is_told_a_reminder_planned_and_old_talk_forgotten(town: Town, tmp_path: Path) -> None:
    reminded: list[OutboxItem] = []

    async def remind(item: OutboxItem) -> None:
        reminded.append(item)

    old = NOW - timedelta(days=200)
    await ring(town, town.garage, call_sid="CAold", now=old)
    async with town.db.scope(town.garage) as scope:
        await calls.record_turn(scope, call_sid="CAold", key="1", speaker="caller", text="שלום", at=old)
    dana = await ring(town, town.clinic)
    now = NOW
    async with listening() as receiver:
        async with town.db.scope(town.clinic) as scope:
            policy = {"background": {"webhook_url": receiver.url()}}
            await businesses.change(scope, actor="dana", now=NOW, policy=policy)
            await appointments.book(scope, Booking(start="2026-11-24T10:30", lead_id=dana.lead_id), now=NOW)
        async with (
            running(
                town.db,
                data_dir=tmp_path,
                root_secret="root",
                handlers={"appointment.reminder": remind},
                pace=Pace(0.02, 0.02, 60),
                clock=lambda: now,
                machine="here",
                allow_private_webhooks=True,
            ),
        ):

            async def all_is_done() -> bool:
                return bool(receiver.told) and not await has_turns(town) and await reminders(town) == 2

            async def is_reminded() -> bool:
                return bool(reminded)

            await until(all_is_done)
            now = NOW + timedelta(days=1, hours=18)
            await until(is_reminded)
        assert all(times == 1 for times in receiver.keys.values())
    assert [item.payload["sequence"] for item in reminded] == [0]


async def has_turns(town: Town) -> bool:
    async with town.db.reading(town.garage) as scope:
        return await scope.first(select(Turn.id)) is not None


async def reminders(town: Town) -> int:
    async with town.db.reading(town.clinic) as scope:
        rows = await scope.all(
            select(Outbox.id).where(Outbox.kind == "appointment.reminder", Outbox.failed_at.is_(None))
        )
        return len(rows)
