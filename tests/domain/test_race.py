"""Many callers want one slot in the same moment: one gets it, the others hear so at once, nobody meets an error."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from agentlocator.db.schema import Appointment
from agentlocator.domain import appointments, schedules
from agentlocator.domain.appointments import Booking
from agentlocator.domain.availability import Refusal
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import Settings
from town import NOW, Town

CALLERS = 24
SLOTS = [f"2026-11-{day}T{hour:02}:00" for day in (22, 23) for hour in (9, 11, 13, 15)]


async def race(town: Town, starts: list[str], key: str | None = None) -> list[Receipt | Refusal]:
    """Everybody books at once; how long they wait is `bench.race`'s to say."""

    async def caller(start: str) -> Receipt | Refusal:
        booking = Booking(start, key=key)
        return await town.db.write(town.clinic, lambda scope: appointments.book(scope, booking, now=NOW))

    return list(await asyncio.gather(*(caller(start) for start in starts)))


@pytest.mark.requirement("R23")
async def test_one_of_24_callers_wins_each_slot(town: Town) -> None:
    for start in SLOTS:
        answers = await race(town, [start] * CALLERS)
        won = [answer for answer in answers if isinstance(answer, Receipt)]
        assert len(won) == 1
        assert all(isinstance(lost, Receipt) or lost.code == "slot_unavailable" for lost in answers)
        assert all(isinstance(lost, Receipt) or len(lost.nearest) == 3 for lost in answers)
    assert await _count(town) == len(SLOTS)


async def test_slots_that_do_not_meet_are_all_won(town: Town) -> None:
    answers = await race(town, SLOTS)
    assert all(isinstance(answer, Receipt) for answer in answers)


async def test_a_daily_limit_holds_in_a_race(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await schedules.change_settings(scope, Settings(daily_limit=2), actor="owner", now=NOW)
    answers = await race(town, [start for start in SLOTS if "-22T" in start])
    assert sorted(getattr(answer, "code", "booked") for answer in answers) == ["booked"] * 2 + ["day_full"] * 2


async def test_one_key_sent_eight_times_books_once(town: Town) -> None:
    answers = await race(town, [SLOTS[0]] * 8, key="CA1:tool-1")
    assert len({answer.appointment_id for answer in answers if isinstance(answer, Receipt)}) == 1
    assert await _count(town) == 1


async def test_a_hold_that_ran_out_is_taken_by_one(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await appointments.hold(scope, Booking(SLOTS[0]), now=NOW, hold_s=0)
    answers = await race(town, [SLOTS[0]] * 8)
    assert sum(isinstance(answer, Receipt) for answer in answers) == 1


async def _count(town: Town) -> int:
    async with town.db.reading(town.clinic) as scope:
        return int(await scope.first(select(func.count(Appointment.id))))
