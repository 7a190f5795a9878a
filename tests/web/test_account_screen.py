"""One's own account and the operator's entry, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from databases import ON_ONE_DATABASE
from web.chromium import log_in, picture
from web.office import PASSWORD, Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_an_owner_changes_his_password(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await page.locator(".me summary").click()
    await page.get_by_role("link", name="החשבון שלי").click()
    await picture(page, f"account-{width}")
    await page.get_by_label("סיסמה נוכחית").fill(PASSWORD)
    await page.get_by_label("סיסמה חדשה").fill("an even longer password")
    await page.get_by_role("button", name="החלפת הסיסמה").click()
    await page.get_by_text("סיסמה חדשה").last.wait_for()
    await page.get_by_role("button", name="יציאה מכל הדפדפנים").click()
    await page.get_by_role("button", name="כניסה למערכת").wait_for()


async def test_an_operator_says_why_he_comes_in(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "operator")
    await page.get_by_role("link", name="מרפאת שיניים").click()
    await picture(page, f"operator-entry-{width}")
    await page.get_by_label("מה סיבת הכניסה?").fill("פנייה 4711 של בעלת המרפאה")
    await page.get_by_role("button", name="כניסה לשעה").click()
    await page.get_by_role("heading", name="היום", exact=True).wait_for()
