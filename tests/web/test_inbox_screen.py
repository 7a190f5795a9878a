"""The inbox in a real browser: three panes on a desk, one at a time on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from databases import ON_ONE_DATABASE
from web.chromium import go_to, log_in, picture
from web.office import Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_somebody_who_waits_is_answered_by_a_person(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "staff")
    await go_to(page, "תיבה")
    await expect(page.locator(".entry")).to_contain_text("ביקש לדבר עם אדם")
    await picture(page, f"inbox-{width}")
    await page.locator(".entry").click()
    await expect(page.locator("#talk")).to_contain_text("אפשר לדבר עם נציג?")
    await page.get_by_label("התשובה שלכם").fill("כאן נועה. מתי נוח שאתקשר?")
    await page.get_by_role("button", name="שליחה").click()
    await expect(page.locator("#talk")).to_contain_text("כאן נועה. מתי נוח שאתקשר?")
    await picture(page, f"inbox-thread-{width}")
    await page.get_by_role("button", name="החזרה לעוזרת").click()
    await expect(page.get_by_text("העוזרת עונה כאן.")).to_be_visible()
    assert await page.locator(".threads").is_visible() == (width == "wide")


async def test_what_was_read_is_not_unread_any_more(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "staff")
    await go_to(page, "תיבה")
    async with page.expect_response(lambda response: response.url.endswith("/seen")) as noted:
        await page.locator(".entry").click()
    assert (await noted.value).status == 204
    await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/inbox?show=unread")
    await expect(page.locator(".threads")).to_contain_text("עדיין לא כתבו.")
