"""Appointments: what is booked is there once, and nothing else ever takes its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from agentlocator.db import Scope
from agentlocator.db.schema import Appointment, Lead, Outbox, Stage
from agentlocator.domain import (
    absences,
    appointments,
    audit,
    businesses,
    calendars,
    leads,
    outbox,
    schedules,
    services,
    stages,
)
from agentlocator.domain.appointments import Booking
from agentlocator.domain.availability import Refusal
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import BadSetting, Override, Settings
from town import DANA, NOW, Town, ring

SUNDAY_TEN = "2026-11-22T10:00"
SUNDAY_HALF_PAST_TEN = "2026-11-22T10:30"


@pytest.fixture
async def clinic(town: Town) -> AsyncIterator[Scope]:
    async with town.db.scope(town.clinic) as scope:
        yield scope


async def booked(scope: Scope, start: str = SUNDAY_TEN, **more: object) -> Receipt:
    receipt = await appointments.book(scope, msgspec.convert({"start": start, **more}, Booking), now=NOW)
    assert isinstance(receipt, Receipt), receipt
    return receipt


async def refused(scope: Scope, start: str = SUNDAY_TEN, **more: object) -> Refusal:
    refusal = await appointments.book(scope, msgspec.convert({"start": start, **more}, Booking), now=NOW)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def code(answer: Receipt | Refusal) -> str:
    return answer.code if isinstance(answer, Refusal) else answer.status


@pytest.mark.requirement("R23")
async def test_a_slot_is_booked_once_and_the_next_caller_hears_the_nearest(clinic: Scope) -> None:
    receipt = await booked(clinic)
    assert receipt.starts_at == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert receipt.wall == datetime(2026, 11, 22, 10, 0)
    refusal = await refused(clinic)
    assert refusal.code == "slot_unavailable"
    assert [f"{slot.wall:%H:%M}" for slot in refusal.nearest] == ["09:00", "09:30", "10:30"]


async def test_the_same_key_answers_with_the_same_appointment(clinic: Scope) -> None:
    first = await booked(clinic, key="CA1:tool-1")
    again = await booked(clinic, key="CA1:tool-1", start=SUNDAY_HALF_PAST_TEN)
    assert again == first


async def test_a_service_brings_its_length_and_its_buffers(clinic: Scope) -> None:
    filling = await services.find_service(clinic, "סתימה")
    assert filling is not None
    receipt = await booked(clinic, service_id=filling.id)
    assert receipt.ends_at - receipt.starts_at == timedelta(minutes=60)
    assert code(await refused(clinic, SUNDAY_HALF_PAST_TEN)) == "slot_unavailable"
    assert code(await refused(clinic, "2026-11-22T12:00", service_id=10**6)) == "unknown_service"


@pytest.mark.parametrize("notes", ["x" * 10_000, "ק" * 2001])
async def test_notes_without_end_are_refused_with_alternatives(clinic: Scope, notes: str) -> None:
    refusal = await refused(clinic, notes=notes)
    assert refusal.code == "invalid_notes"
    assert len(refusal.nearest) == 3


async def test_hostile_notes_are_kept_as_harmless_text(clinic: Scope) -> None:
    receipt = await booked(clinic, notes="'; DROP TABLE appointment; --\u202e\x00")
    row = await clinic.get(Appointment, receipt.appointment_id)
    assert row is not None
    assert row.notes == "'; DROP TABLE appointment; --"


@pytest.mark.requirement("R23")
async def test_booking_moves_the_lead_forward_and_cancelling_never_back(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        receipt = await booked(scope, lead_id=caller.lead_id, call_sid="CA1")
        await appointments.cancel(scope, receipt.appointment_id, now=NOW, reason="לא מרגישים טוב")
        lead = await leads.show(scope, caller.lead_id)
        assert lead is not None
        key = await scope.first(select(Stage.key).where(Stage.id == lead.stage_id))
    assert key == "booked"


async def test_a_customer_stays_a_customer_when_booking(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        won = next(stage for stage in await stages.listed(scope) if stage.key == "won")
        await stages.move(scope, caller.lead_id, won.stage_id, actor="person:dana", now=NOW)
        await booked(scope, lead_id=caller.lead_id)
        assert await scope.first(select(Lead.stage_id)) == won.stage_id


async def test_a_hold_keeps_a_slot_until_it_runs_out(clinic: Scope) -> None:
    held = await appointments.hold(clinic, Booking(SUNDAY_TEN), now=NOW, hold_s=300)
    assert isinstance(held, Receipt)
    assert code(await refused(clinic)) == "slot_unavailable"

    later = NOW + timedelta(seconds=300)
    taken = await appointments.book(clinic, Booking(SUNDAY_TEN), now=later)
    assert code(taken) == "booked"
    assert code(await appointments.confirm(clinic, held.appointment_id, now=later)) == "hold_expired"


async def test_a_hold_becomes_an_appointment_and_then_a_confirmed_one(clinic: Scope) -> None:
    held = await appointments.hold(clinic, Booking(SUNDAY_TEN), now=NOW)
    assert isinstance(held, Receipt)
    assert code(await appointments.confirm(clinic, held.appointment_id, now=NOW)) == "booked"
    assert code(await appointments.confirm(clinic, held.appointment_id, now=NOW)) == "confirmed"


async def test_what_is_over_cannot_be_confirmed(clinic: Scope) -> None:
    receipt = await booked(clinic)
    over = receipt.ends_at
    assert code(await appointments.confirm(clinic, receipt.appointment_id, now=over)) == "not_bookable"


async def test_a_hold_that_ran_out_cannot_be_confirmed(clinic: Scope) -> None:
    held = await appointments.hold(clinic, Booking(SUNDAY_TEN), now=NOW, hold_s=60)
    assert isinstance(held, Receipt)
    late = NOW + timedelta(seconds=61)
    assert code(await appointments.confirm(clinic, held.appointment_id, now=late)) == "hold_expired"


async def test_moving_an_appointment_is_not_in_its_own_way(clinic: Scope) -> None:
    await schedules.change_settings(clinic, Settings(buffer_after_min=30, daily_limit=1), actor="owner", now=NOW)
    receipt = await booked(clinic)
    moved = await appointments.reschedule(clinic, receipt.appointment_id, start=SUNDAY_HALF_PAST_TEN, now=NOW)
    assert isinstance(moved, Receipt)
    assert (moved.kind, moved.uid, moved.sequence) == ("rescheduled", receipt.uid, 1)
    assert (
        code(await appointments.reschedule(clinic, receipt.appointment_id, start="2026-11-28T10:00", now=NOW))
        == "closed"
    )
    again = await appointments.reschedule(clinic, receipt.appointment_id, start=SUNDAY_HALF_PAST_TEN, now=NOW)
    assert isinstance(again, Receipt)
    assert again.sequence == 1, "moving to where it is already moves nothing"


async def test_moving_frees_the_old_time_and_never_takes_anothers(clinic: Scope) -> None:
    first, second = await booked(clinic), await booked(clinic, SUNDAY_HALF_PAST_TEN)
    assert (
        code(await appointments.reschedule(clinic, second.appointment_id, start=SUNDAY_TEN, now=NOW))
        == "slot_unavailable"
    )
    await appointments.reschedule(clinic, first.appointment_id, start="2026-11-22T12:00", now=NOW)
    assert code(await appointments.reschedule(clinic, second.appointment_id, start=SUNDAY_TEN, now=NOW)) == "booked"


async def test_cancelling_frees_the_slot_and_twice_is_once(clinic: Scope) -> None:
    receipt = await booked(clinic)
    cancelled = await appointments.cancel(clinic, receipt.appointment_id, now=NOW, by="caller")
    assert isinstance(cancelled, Receipt)
    assert (cancelled.kind, cancelled.status, cancelled.sequence) == ("cancelled", "cancelled", 1)
    assert await appointments.cancel(clinic, receipt.appointment_id, now=NOW) == cancelled
    await booked(clinic)
    history = await audit.history(clinic, "appointment", receipt.appointment_id)
    assert [(line.field, line.old, line.new, line.actor) for line in history] == [
        ("status", None, "booked", "assistant"),
        ("status", "booked", "cancelled", "caller"),
    ]


async def test_what_is_over_can_no_longer_be_moved_or_cancelled(clinic: Scope) -> None:
    receipt = await booked(clinic)
    after = receipt.ends_at + timedelta(minutes=1)
    assert code(await appointments.cancel(clinic, receipt.appointment_id, now=after)) == "not_bookable"
    assert (
        code(await appointments.reschedule(clinic, receipt.appointment_id, start="2026-11-23T10:00", now=after))
        == "not_bookable"
    )
    assert not await appointments.no_show(clinic, receipt.appointment_id, now=NOW, by="owner"), "it is still to come"
    assert await appointments.no_show(clinic, receipt.appointment_id, now=after, by="owner")
    assert not await appointments.complete(clinic, receipt.appointment_id, now=after, by="owner")


async def test_an_unknown_appointment_is_a_code(clinic: Scope) -> None:
    assert code(await appointments.cancel(clinic, 10**9, now=NOW)) == "unknown_appointment"
    assert code(await appointments.confirm(clinic, 10**9, now=NOW)) == "unknown_appointment"
    assert code(await appointments.reschedule(clinic, 10**9, start=SUNDAY_TEN, now=NOW)) == "unknown_appointment"


async def test_the_owner_may_leave_the_grid_and_the_hours_but_never_overlap(clinic: Scope) -> None:
    chair = (await services.resources(clinic))[0].id
    saturday = datetime(2026, 11, 28, 9, 7, tzinfo=UTC)
    placed = await appointments.place(clinic, Booking("", by="owner"), starts_at=saturday, resource_id=chair, now=NOW)
    assert code(placed) == "booked"
    overlapping = saturday + timedelta(minutes=29)
    again = await appointments.place(clinic, Booking("", by="owner"), starts_at=overlapping, resource_id=chair, now=NOW)
    assert code(again) == "slot_unavailable"
    stranger = await appointments.place(clinic, Booking(""), starts_at=saturday, resource_id=10**6, now=NOW)
    assert code(stranger) == "slot_unavailable"


async def test_blocked_time_is_not_offered(clinic: Scope) -> None:
    chair = (await services.resources(clinic))[0].id
    ten = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    until = ten + timedelta(minutes=30)
    away = await absences.add(clinic, chair, starts_at=ten, ends_at=until, actor="owner", now=NOW)
    assert code(await refused(clinic)) == "slot_unavailable"
    assert away is not None
    assert await absences.take_back(clinic, away, actor="owner", now=NOW)
    assert not await absences.take_back(clinic, away, actor="owner", now=NOW)
    await booked(clinic)
    written = [(line.actor, line.field, bool(line.old)) for line in await audit.history(clinic, "resource", chair)]
    assert written == [("owner", "absence", False), ("owner", "absence", True)]
    with pytest.raises(BadSetting):
        await absences.add(clinic, chair, starts_at=until, ends_at=ten, actor="owner", now=NOW)


async def test_two_lifts_take_two_cars_and_not_three(town: Town) -> None:
    async with town.db.scope(town.garage) as scope:
        first, second = await booked(scope, "2026-11-22T07:30"), await booked(scope, "2026-11-22T07:30")
        assert {first.resource, second.resource} == {"ליפט 1", "ליפט 2"}
        assert code(await refused(scope, "2026-11-22T07:30")) == "slot_unavailable"


async def test_a_daily_limit_counts_what_is_booked(clinic: Scope) -> None:
    await schedules.change_settings(clinic, Settings(daily_limit=2), actor="owner", now=NOW)
    await booked(clinic)
    second = await booked(clinic, SUNDAY_HALF_PAST_TEN)
    assert code(await refused(clinic, "2026-11-22T12:00")) == "day_full"
    await appointments.cancel(clinic, second.appointment_id, now=NOW)
    await booked(clinic, "2026-11-22T12:00")


async def test_neither_the_zone_nor_the_hours_move_a_booked_appointment(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        receipt = await booked(scope)
        await businesses.change(scope, actor="owner", now=NOW, timezone="Europe/London")
        await schedules.set_week(scope, {}, actor="owner", now=NOW)
        closed = Override(receipt.wall.date(), (), "owner", "סגור")
        await schedules.override_date(scope, closed, actor="owner", now=NOW)
    async with town.db.reading(town.clinic) as scope:
        assert await appointments.receipt_of(scope, receipt.appointment_id) == receipt


async def test_every_change_is_told_once_and_withdraws_what_was_planned_before_it(clinic: Scope) -> None:
    receipt = await booked(clinic, "2026-11-24T10:00")
    planned = f"reminder.{receipt.appointment_id}.0"
    await outbox.put(clinic, kind="appointment.reminder", key=planned, payload={}, now=NOW)
    await appointments.reschedule(clinic, receipt.appointment_id, start="2026-11-25T10:00", now=NOW)
    await appointments.cancel(clinic, receipt.appointment_id, now=NOW)
    rows = await clinic.all(select(Outbox).order_by(Outbox.id))
    await clinic.session.refresh(rows[1])
    assert [(row.kind, row.last_error) for row in rows] == [
        ("appointment.booked", None),
        ("appointment.reminder", "withdrawn"),
        ("appointment.rescheduled", None),
        ("appointment.cancelled", None),
    ]


async def test_what_the_lead_has_coming(town: Town) -> None:
    caller = await ring(town, town.clinic, DANA)
    async with town.db.scope(town.clinic) as scope:
        later = await booked(scope, "2026-11-23T10:00", lead_id=caller.lead_id)
        sooner = await booked(scope, lead_id=caller.lead_id)
        await booked(scope, SUNDAY_HALF_PAST_TEN)
        coming = await appointments.upcoming_of(scope, caller.lead_id, now=NOW)
        diary = await calendars.read(scope, now=NOW)
    assert [one.appointment_id for one in coming] == [sooner.appointment_id, later.appointment_id]
    assert diary.calendar.booked_on[sooner.wall.date()] == 2
