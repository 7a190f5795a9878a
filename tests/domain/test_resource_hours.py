"""Staff with a week of their own, services an owner changes, and an appointment that a person moves by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from agentlocator.domain import appointments, audit, availability, calendars, leads, schedules, services
from agentlocator.domain.appointments import Booking
from agentlocator.domain.availability import Refusal
from agentlocator.domain.leads import By
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.services import Terms
from town import NOW, Town

SUNDAY = date(2026, 11, 22)
OWNER = "owner@example.com"


async def times_on(town: Town, day: date) -> list[str]:
    async with town.db.reading(town.clinic) as scope:
        diary = await calendars.read(scope, now=NOW)
        visit = calendars.visit(await schedules.current(scope), None)
        found = availability.find_slots(diary.rules, visit, diary.calendar, first=day, last=day, now=NOW)
    return [f"{slot.wall:%H:%M}" for slot in found]


async def only_resource(town: Town) -> int:
    async with town.db.reading(town.clinic) as scope:
        return (await services.resources(scope))[0].id


@pytest.mark.requirement("R22")
async def test_callers_are_offered_only_hours_in_which_somebody_is_there(town: Town) -> None:
    doctor = await only_resource(town)
    async with town.db.scope(town.clinic) as scope:
        await services.write_resource(
            scope, doctor, "ד״ר נועה לוי", hours={0: [(16 * 60, 20 * 60)]}, actor=OWNER, now=NOW
        )
    # The clinic closes at 18:00: her evening does not keep it open.
    assert await times_on(town, SUNDAY) == ["16:00", "16:30", "17:00", "17:30"]
    assert await times_on(town, SUNDAY + timedelta(days=1)) == []
    async with town.db.scope(town.clinic) as scope:
        assert isinstance(await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW), Refusal)
        await services.write_resource(scope, None, "שיננית", actor=OWNER, now=NOW)
        taken = await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW)
    assert isinstance(taken, Receipt)
    assert taken.resource == "שיננית"


async def test_an_owner_s_change_of_a_service_is_written_down_and_counts_for_the_next_caller(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        service = (await services.all_services(scope))[0]
        await services.write_service(
            scope, service.id, Terms(service.name, 90, 400, buffer_after_min=10), actor=OWNER, now=NOW
        )
        visit = calendars.visit(await schedules.current(scope), await services.find_service(scope, service.name))
        lines = [(line.actor, line.field, line.new) for line in await audit.history(scope, "service", service.id)]
    assert (visit.duration_min, visit.buffer_after_min) == (90, 10)
    assert (OWNER, "duration_min", "90") in lines
    assert (OWNER, "buffer_after_min", "10") in lines


@pytest.mark.parametrize(
    ("terms", "field", "code"),
    [
        (Terms("", 30), "name", "empty"),
        (Terms("סתימה", 30), "name", "taken"),
        (Terms("חדש", 4), "duration_min", "out_of_range"),
        (Terms("חדש", 30, -1), "price_ils", "out_of_range"),
        (Terms("חדש", 30, 1, 2000), "buffer_before_min", "out_of_range"),
    ],
)
async def test_a_service_nobody_could_book_is_refused(town: Town, terms: Terms, field: str, code: str) -> None:
    async with town.db.scope(town.clinic) as scope:
        with pytest.raises(BadSetting) as fault:
            await services.write_service(scope, None, terms, actor=OWNER, now=NOW)
    assert (fault.value.field, fault.value.code) == (field, code)


async def test_charlie_changes_no_service_and_no_staff_of_the_clinic(town: Town) -> None:
    doctor = await only_resource(town)
    async with town.db.scope(town.charlie) as scope:
        assert await services.write_service(scope, 1, Terms("נגנב", 30), actor=OWNER, now=NOW) is None
        assert await services.write_resource(scope, doctor, "נגנב", actor=OWNER, now=NOW) is None
    async with town.db.reading(town.clinic) as scope:
        offered = {one.name for one in await services.all_services(scope)}
        staff = {one.name for one in await services.resources(scope)}
    assert "נגנב" not in offered | staff


async def test_a_person_moves_an_appointment_out_of_hours_but_never_over_another(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        dana = await leads.find_or_create_for_call(scope, from_raw="+972541234567", call_sid="CA1", now=NOW)
        await leads.upsert(scope, dana.id, leads.Patch(name="דנה"), by=By("person", OWNER), now=NOW)
        first = await appointments.book(scope, Booking("2026-11-22T10:00", lead_id=dana.id), now=NOW)
        second = await appointments.book(scope, Booking("2026-11-22T11:00"), now=NOW)
        assert isinstance(first, Receipt)
        assert isinstance(second, Receipt)
        over = await appointments.move(
            scope, first.appointment_id, starts_at=second.starts_at + timedelta(minutes=15), now=NOW, by=OWNER
        )
        evening = datetime(2026, 11, 22, 18, 10, tzinfo=UTC)
        moved = await appointments.move(scope, first.appointment_id, starts_at=evening, now=NOW, by=OWNER)
        past = await appointments.move(
            scope, first.appointment_id, starts_at=NOW - timedelta(hours=1), now=NOW, by=OWNER
        )
        nobody = await appointments.move(
            scope, first.appointment_id, starts_at=evening, resource_id=10**6, now=NOW, by=OWNER
        )
        history = [(line.actor, line.field) for line in await audit.history(scope, "appointment", first.appointment_id)]
    assert isinstance(over, Refusal)
    assert over.code == "slot_unavailable"
    assert over.nearest
    assert isinstance(moved, Receipt)
    assert (moved.starts_at, moved.ends_at) == (evening, evening + timedelta(minutes=30))
    assert isinstance(past, Refusal)
    assert past.code == "date_in_past"
    assert isinstance(nobody, Refusal)
    assert (OWNER, "starts_at") in history
