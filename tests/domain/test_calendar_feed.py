"""The appointments as other calendar programs see them."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Component

from agentlocator.domain import appointments, calendar_feed, leads, services
from agentlocator.domain.appointments import Booking
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.receipts import Receipt
from town import NOW, Town, ring


async def events(town: Town, business_id: int) -> list[Component]:
    async with town.db.reading(business_id) as scope:
        return list(Calendar.from_ical(await calendar_feed.feed(scope, now=NOW)).walk("VEVENT"))


async def test_an_appointment_keeps_its_uid_and_counts_its_changes(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        await leads.upsert(scope, caller.lead_id, Patch(name="דנה, כהן"), by=By("person", "x"), now=NOW)
        filling = await services.find_service(scope, "סתימה")
        assert filling is not None
        booking = Booking("2026-11-22T10:00", lead_id=caller.lead_id, service_id=filling.id)
        booked = await appointments.book(scope, booking, now=NOW)
        await appointments.hold(scope, Booking("2026-11-22T12:00"), now=NOW)
        assert isinstance(booked, Receipt)
    (first,) = await events(town, town.clinic)
    assert (first["SUMMARY"], first["STATUS"], first["SEQUENCE"]) == ("דנה, כהן · סתימה", "CONFIRMED", 0)
    assert first.decoded("DTSTART") == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    async with town.db.scope(town.clinic) as scope:
        await appointments.reschedule(scope, booked.appointment_id, start="2026-11-23T10:00", now=NOW)
        await appointments.cancel(scope, booked.appointment_id, now=NOW)
    (last,) = await events(town, town.clinic)
    assert last["UID"] == first["UID"]
    assert (last["STATUS"], last["SEQUENCE"], last["TRANSP"]) == ("CANCELLED", 2, "TRANSPARENT")


async def test_times_are_in_utc_and_nothing_private_is_told(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        booking = Booking("2026-11-22T10:00", lead_id=caller.lead_id, notes="סוד רפואי")
        await appointments.book(scope, booking, now=NOW)
    async with town.db.reading(town.clinic) as scope:
        text = (await calendar_feed.feed(scope, now=NOW)).decode()
    assert "DTSTART:20261122T080000Z" in text
    assert "TZID" not in text
    assert "סוד" not in text
    assert "541234567" not in text
    assert await events(town, town.charlie) == []
