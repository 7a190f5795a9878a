"""The booking settings in a real browser: the effect of a change is seen before it is saved."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from agentlocator.domain import schedules
from agentlocator.domain.schedules import Override
from databases import ON_ONE_DATABASE
from town import NOW
from web.chromium import go_to, log_in, picture
from web.office import HOSTILE, Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_an_owner_sees_what_callers_will_be_offered_before_he_saves(
    page: Page, served: Office, width: str
) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "הגדרות תורים")
    await expect(page.locator("#next b").first).to_have_text("08:30")
    await picture(page, f"booking-{width}")
    await page.get_by_label("יום ראשון: פתיחה").first.fill("11:00")
    await page.get_by_label("יום ראשון: פתיחה").first.blur()
    await expect(page.locator("#next b").first).to_have_text("11:00")
    await page.get_by_label("יום ראשון: סגירה").first.fill("10:00")
    await page.get_by_label("יום ראשון: סגירה").first.blur()
    await expect(page.locator("#next")).to_contain_text("תקנו את מה שמסומן")
    await page.get_by_role("button", name="שמירה").click()
    await expect(page.locator(".windows .fault")).to_contain_text("שעת הסגירה לפני שעת הפתיחה")
    await picture(page, f"booking-fault-{width}")
    await page.get_by_label("יום ראשון: סגירה").first.fill("15:00")
    await page.get_by_role("button", name="שמירה").click()
    await expect(page.get_by_role("status")).to_contain_text("נשמר")
    await expect(page.locator("#next b").first).to_have_text("11:00")


async def test_services_staff_and_holidays_are_set_by_an_owner(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "הגדרות תורים")
    await page.get_by_role("link", name="שירותים").click()
    await page.get_by_text("הלבנה").click()
    await picture(page, f"booking-services-{width}")
    await page.locator("details[open]").get_by_label("מחיר").fill("990")
    await page.locator("details[open]").get_by_role("button", name="שמירה").click()
    await expect(page.locator("main")).to_contain_text("₪990")
    await page.get_by_role("link", name="צוות היומן").click()
    new = page.locator("form", has=page.get_by_role("button", name="הוספה"))
    await new.get_by_label("שם האדם").fill("שיננית")
    await new.get_by_label("עובד בשעות משלו").check()
    await new.get_by_label("יום שני: פתיחה").first.fill("10:00")
    await new.get_by_label("יום שני: סגירה").first.fill("14:00")
    await picture(page, f"booking-staff-{width}")
    await new.get_by_role("button", name="הוספה").click()
    await expect(page.locator("main")).to_contain_text("שעות משלו")
    await page.get_by_role("link", name="תאריכים מיוחדים").click()
    await picture(page, f"booking-dates-{width}")
    await page.get_by_role("button", name="לסגור בכולם").click()
    await expect(page.locator("main")).to_contain_text("כל החגים הקרובים כבר הוחלטו.")


async def test_the_desk_notes_that_somebody_is_away_and_sees_it_in_the_calendar(
    page: Page, served: Office, width: str
) -> None:
    await log_in(page, served, "staff")
    await go_to(page, "הגדרות תורים")
    await page.get_by_role("link", name="היעדרויות").click()
    await page.get_by_label("היום הראשון").fill("2026-11-22")
    await page.get_by_label("מאיזו שעה").fill("09:00")
    await page.get_by_label("עד איזו שעה").fill("15:00")
    await page.get_by_label("לרגל מה").fill("מילואים")
    await page.get_by_role("button", name="שמירת ההיעדרות").click()
    await expect(page.get_by_role("status")).to_contain_text("נשמר")
    await expect(page.locator("main")).to_contain_text("עדיין קבועים אז (1)")
    await picture(page, f"booking-away-{width}")
    await go_to(page, "יומן")
    await page.get_by_role("button", name="הבא").click()
    await expect(page.locator("#calendar .away")).to_contain_text("מילואים")
    await picture(page, f"calendar-away-{width}")
    await page.locator("#calendar .away").click()
    await page.get_by_role("button", name="ביטול ההיעדרות").click()
    await expect(page.locator("main")).to_contain_text("אין היעדרויות.")


async def test_in_the_dark_and_with_hostile_names(page: Page, served: Office, width: str) -> None:
    async with served.town.db.scope(served.town.clinic) as scope:
        closed = Override(NOW.date().replace(day=24), (), "owner", HOSTILE * 5)
        await schedules.override_date(scope, closed, actor="test", now=NOW)
    await page.emulate_media(color_scheme="dark")
    await log_in(page, served, "owner")
    for path in ("booking", "booking/services", "booking/staff", "booking/away", "booking/dates"):
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/{path}")
        await picture(page, f"dark-{path.replace('/', '-')}-{width}")
