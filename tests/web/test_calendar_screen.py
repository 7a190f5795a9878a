"""The calendar in a real browser: a week on a desk, a day on a phone, and a drag that the server may refuse."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from agentlocator.db.schema import Appointment, Lead
from agentlocator.domain import appointments, schedules, services
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import Override
from databases import ON_ONE_DATABASE
from town import NOW
from web.chromium import go_to, log_in, picture
from web.office import HOSTILE, Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def fill_the_week(served: Office) -> None:
    async with served.town.db.scope(served.town.clinic) as scope:
        await services.write_resource(scope, None, "שיננית", actor="test", now=NOW)
        offered = {one.name: one.service_id for one in await services.offered(scope)}
        for start, service, by in (
            ("2026-11-22T11:00", "סתימה", "assistant"),
            ("2026-11-22T11:00", "הלבנה", "owner@example.com"),
            ("2026-11-24T09:00", "בדיקת רופא", "owner@example.com"),
            ("2026-11-25T16:00", "בדיקה ושיננית", "assistant"),
        ):
            booking = Booking(start, lead_id=served.lead_id, service_id=offered[service], by=by)
            assert isinstance(await appointments.book(scope, booking, now=NOW), Receipt)
        closed = Override(NOW.date().replace(day=26), (), "owner", "השתלמות צוות")
        await schedules.override_date(scope, closed, actor="test", now=NOW)


async def open_sunday(page: Page, width: str) -> None:
    """The clock stands on Saturday: the week that matters is the next one, on a phone the next day."""
    await page.get_by_role("button", name="הבא").click()
    await expect(page.locator("#calendar [class*='lane-']").first).to_be_visible()


async def test_the_week_is_seen_and_one_is_opened_and_moved_without_dragging(
    page: Page, served: Office, width: str
) -> None:
    await fill_the_week(served)
    await log_in(page, served, "staff")
    await go_to(page, "יומן")
    await open_sunday(page, width)
    await picture(page, f"calendar-{width}")
    await page.get_by_label("שיננית").uncheck()
    await expect(page.locator("#calendar .lane-1")).to_have_count(0)
    await page.locator(f"#calendar a[href$='/calendar/{served.appointment_id}']").click()
    await picture(page, f"appointment-{width}")
    await page.get_by_label("שעה").fill("11:15")
    await page.get_by_role("button", name="העברה").click()
    await expect(page.get_by_role("alert")).to_contain_text("יש תור אחר בזמן הזה")
    await picture(page, f"appointment-refused-{width}")
    await page.get_by_label("שעה").fill("19:30")
    await page.get_by_role("button", name="העברה").click()
    await expect(page.locator(".facts")).to_contain_text("19:30–20:00")
    await page.get_by_role("button", name="ביטול התור").click()
    await expect(page.locator(".head")).to_contain_text("בוטל")


async def test_a_week_that_is_over_can_still_be_read(page: Page, served: Office, width: str) -> None:
    await fill_the_week(served)
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(update(Appointment).values(status="completed"))
        await scope.changed(update(Appointment).where(Appointment.id == served.appointment_id).values(status="no_show"))
    await log_in(page, served, "staff")
    await go_to(page, "יומן")
    await open_sunday(page, width)
    await picture(page, f"calendar-over-{width}")


async def test_a_drag_is_kept_or_comes_back(page: Page, served: Office, width: str) -> None:
    if width == "phone":
        pytest.skip("on a phone one is moved from its own page")
    await fill_the_week(served)
    await log_in(page, served, "staff")
    await go_to(page, "יומן")
    await open_sunday(page, width)
    mine = page.locator(f"#calendar a[href$='/calendar/{served.appointment_id}']")

    async def drag_by(rows: float) -> None:
        box = await mine.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x, y + 8, steps=3)
        await page.mouse.move(x, y + rows * box["height"], steps=12)
        await page.mouse.up()

    async with page.expect_response(lambda answer: answer.url.endswith("/move")) as first:
        await drag_by(-1)
    assert (await first.value).status == 200
    await expect(page.locator("#told")).to_have_text("התור הועבר.")
    async with served.town.db.reading(served.town.clinic) as scope:
        row = await appointments.receipt_of(scope, served.appointment_id)
    assert row is not None
    assert f"{row.wall:%H:%M}" == "09:30"

    kept = await mine.bounding_box()
    async with page.expect_response(lambda answer: answer.url.endswith("/move")) as second:
        await drag_by(3)
    assert (await second.value).status == 409
    await expect(page.locator("#told.fault")).to_be_visible()
    assert await mine.bounding_box() == kept, "what is taken at eleven sends it back to where it was"
    async with served.town.db.reading(served.town.clinic) as scope:
        still = await appointments.receipt_of(scope, served.appointment_id)
    assert still == row


async def test_somebody_at_the_desk_gets_an_appointment(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "staff")
    await go_to(page, "יומן")
    await page.get_by_role("link", name="תור חדש").click()
    await page.get_by_label("טלפון").fill("050-765-4321")
    await page.get_by_label("שם").fill("רות אלון")
    await page.get_by_label("תאריך").fill("2026-11-24")
    await page.get_by_label("שעה").fill("12:00")
    await picture(page, f"appointment-new-{width}")
    await page.get_by_role("button", name="קביעת התור").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("רות אלון")
    await expect(page.locator(".facts")).to_contain_text("נקבע ידנית")


async def test_in_the_dark_and_with_hostile_names(page: Page, served: Office, width: str) -> None:
    await fill_the_week(served)
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(update(Lead).values(name=HOSTILE * 100))
    await page.emulate_media(color_scheme="dark")
    await log_in(page, served, "owner")
    await go_to(page, "יומן")
    await open_sunday(page, width)
    await picture(page, f"dark-calendar-{width}")
    await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/calendar/{served.appointment_id}")
    await picture(page, f"dark-appointment-{width}")
    assert await page.locator("main img[src='x'], main script").count() == 0
