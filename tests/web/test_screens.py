"""The screens in a real browser, in Hebrew, wide and on a phone: the main task of each, nothing serious for axe."""

from __future__ import annotations

import pytest
from playwright.async_api import Page
from sqlalchemy import update

from agentlocator.db.schema import Call, Lead
from databases import ON_ONE_DATABASE
from web.chromium import go_to, log_in, picture, tile
from web.office import HOSTILE, PASSWORD, Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_an_owner_logs_in_and_sees_the_day(page: Page, served: Office, width: str) -> None:
    await page.goto(served.house.public_url)
    await picture(page, f"login-{width}")
    await page.get_by_label("דוא״ל").fill("owner@example.com")
    await page.get_by_label("סיסמה").fill(PASSWORD)
    await page.get_by_role("button", name="כניסה למערכת").click()
    await page.get_by_role("heading", name="היום", exact=True).wait_for()
    assert await tile(page, "שיחות שנענו") == "3"
    assert await tile(page, "תורים שנקבעו") == "1"
    assert await tile(page, "ממתינים לכם") == "1"
    assert await tile(page, "הוצאה") == "$0.50"
    await picture(page, f"today-{width}")


async def test_the_day_on_the_counter_stays_fresh(page: Page, served: Office, width: str) -> None:
    await page.clock.install()
    await log_in(page, served, "owner")
    assert await tile(page, "הוצאה") == "$0.50"
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(update(Call).where(Call.call_sid == "CA-live").values(cost_micro_usd=1_000_000))
    await page.clock.fast_forward(31_000)
    await page.locator(".tiles", has_text="$1.50").wait_for()


async def test_from_the_list_of_calls_to_what_was_said(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "שיחות")
    await picture(page, f"calls-{width}")
    await page.get_by_label("מי").fill("דנה")
    await page.get_by_role("button", name="הצגה").click()
    await page.get_by_role("link", name="דנה כהן").click()
    await page.get_by_text("ראשון בעשר מצוין.").wait_for()
    assert await page.locator("del").inner_text() == ", ויש גם ביום שני בתשע."
    await picture(page, f"call-{width}")


async def test_a_person_is_given_a_name_and_a_stage(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "staff")
    await go_to(page, "לידים")
    await picture(page, f"leads-{width}")
    await page.get_by_role("link", name="דנה כהן").click()
    await page.get_by_label("עיר").fill("חיפה")
    await page.get_by_role("button", name="שמירה").click()
    await page.get_by_label("שלב").select_option("לקוח")
    await page.get_by_role("button", name="העברה").click()
    await page.wait_for_load_state()
    assert await page.get_by_label("עיר").input_value() == "חיפה"
    await picture(page, f"lead-{width}")


async def test_an_owner_invites_somebody_who_comes_in(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "צוות")
    await page.get_by_role("button", name="יצירת קישור").click()
    link = await page.locator(".link").inner_text()
    await picture(page, f"members-{width}")
    await page.context.clear_cookies()
    await page.goto(link)
    await picture(page, f"invitation-{width}")
    await page.get_by_label("שם").fill("רותי")
    await page.get_by_label("דוא״ל").fill("ruti@example.com")
    await page.get_by_label("סיסמה").fill("a long enough one")
    await page.get_by_role("button", name="כניסה").click()
    await page.get_by_role("heading", name="היום", exact=True).wait_for()
    assert await page.get_by_role("link", name="צוות", exact=True).count() == 0


async def test_the_operator_sees_every_business(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "operator")
    await page.get_by_role("link", name="מוסך הצפון").wait_for()
    await picture(page, f"operator-{width}")


async def test_it_can_be_read_in_the_dark(page: Page, served: Office, width: str) -> None:
    await page.emulate_media(color_scheme="dark")
    await log_in(page, served, "owner")
    for path in ("today", "calls/CA-dana", f"leads/{served.lead_id}"):
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/{path}")
        await picture(page, f"dark-{path.split('/')[0]}-{width}")


async def test_hostile_words_are_shown_and_never_run(page: Page, served: Office, width: str) -> None:
    async with served.town.db.scope(served.town.clinic) as scope:
        await scope.changed(
            update(Call).values(summary=HOSTILE * 100, from_raw=HOSTILE[:60], facts={"alarms": [HOSTILE]})
        )
        await scope.changed(update(Lead).values(name=HOSTILE, need=HOSTILE * 5, notes=HOSTILE * 100, phone_raw=HOSTILE))
    await log_in(page, served, "owner")
    clinic = f"{served.house.public_url}/b/{served.town.clinic}"
    for path in ("today", "calls", "calls/CA-dana", "leads", f"leads/{served.lead_id}"):
        await page.goto(f"{clinic}/{path}")
        assert await page.locator("main img[src='x'], main script").count() == 0
        await picture(page, f"hostile-{path.split('/')[0]}-{'one' if '/' in path else 'all'}-{width}")
