"""The secret address of a business's appointments, as a calendar program and a stranger open it."""

from __future__ import annotations

import httpx2
import pytest
from icalendar import Calendar
from starlette.applications import Starlette

from agentlocator.domain import appointments, businesses
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.web.calendar_feed import CalendarFeed
from town import NOW, Town


async def opened(town: Town, secret: str) -> httpx2.Response:
    app = Starlette(routes=[CalendarFeed(town.db).route()])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://clinic.example") as http:
        return await http.get(f"/calendar/{secret}.ics")


async def secret_of(town: Town, business_id: int) -> str:
    async with town.db.reading(business_id) as scope:
        return await businesses.calendar_secret(scope)


async def test_a_subscriber_sees_the_appointments_of_the_business(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        booked = await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW)
    assert isinstance(booked, Receipt)

    answer = await opened(town, await secret_of(town, town.clinic))

    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["uid"]).startswith(booked.uid)


@pytest.mark.requirement("R30")
async def test_charlie_sees_only_his_own_empty_calendar(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW)

    answer = await opened(town, await secret_of(town, town.charlie))

    assert Calendar.from_ical(answer.content).walk("VEVENT") == []


async def test_a_stranger_and_an_old_address_get_the_same_nothing(town: Town) -> None:
    old = await secret_of(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        await businesses.renew_calendar_secret(scope, actor="owner", now=NOW)

    answers = [await opened(town, secret) for secret in (old, "guessed", "%00", "א")]

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
