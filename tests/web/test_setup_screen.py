"""The operator's setting-up page in a real browser, in Hebrew, wide and on a phone, with axe looking on."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from agentlocator.domain.seed import CLINIC_NUMBER
from databases import ON_ONE_DATABASE
from provision.peers import MODEL_KEY
from web.chromium import log_in, picture
from web.office import Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_an_operator_sees_the_change_before_he_makes_it(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "operator")
    await page.goto(f"{served.house.public_url}/operator")
    await page.get_by_role("link", name="הקמה").click()
    await page.get_by_role("heading", name="המספרים שבחשבון Twilio").wait_for()
    await picture(page, f"setup-{width}")
    await page.get_by_label("כתובת של TwiML Bin").fill("https://handler.twilio.com/twiml/EH0123")
    await page.get_by_role("button", name="להראות מה ישתנה").click()
    await page.get_by_role("heading", name="זה ישתנה").wait_for()
    await picture(page, f"setup-change-{width}")
    assert served.peers.twilio.changes == []
    await page.get_by_role("button", name="לשנות", exact=True).click()
    await page.get_by_text("מצלצל כאן").wait_for()
    assert [e164 for e164, _ in served.peers.twilio.changes] == [CLINIC_NUMBER]
    await page.get_by_label("מפתח API").fill(MODEL_KEY)
    await page.get_by_role("button", name="לבדוק ולשמור").first.click()
    await page.get_by_role("status").wait_for()
    assert MODEL_KEY not in await page.content()
