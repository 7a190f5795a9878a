"""The assistant's pages in a real browser: an owner rewrites the greeting, reads the difference, and publishes it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from agentlocator.domain import prompts
from databases import ON_ONE_DATABASE
from town import NOW
from web.chromium import go_to, log_in, picture
from web.office import HOSTILE, Office

pytestmark = [pytest.mark.requirement("R51"), ON_ONE_DATABASE]


async def test_an_owner_rewrites_the_greeting_reads_the_difference_and_publishes(
    page: Page, served: Office, width: str
) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "העוזרת")
    await page.get_by_label("פתיח").fill("שלום, הגעתם למרפאת השיניים של דוקטור נועה לוי. איך אפשר לעזור?")
    await page.get_by_role("button", name="שמירה כטיוטה").click()
    await expect(page.locator(".difference ins").first).to_contain_text("נועה")
    await picture(page, f"assistant-draft-{width}")
    await page.get_by_role("button", name="פרסום: מהשיחה הבאה").click()
    await expect(page.locator(".version").first).to_contain_text("בתוקף")
    await picture(page, f"assistant-{width}")
    await page.get_by_role("button", name="חזרה לגרסה הזאת").click()
    await expect(page.get_by_label("פתיח")).to_have_value("שלום, הגעתם למרפאת השיניים של דוקטור לוי. במה אפשר לעזור?")


async def test_an_owner_sets_how_the_assistant_behaves(page: Page, served: Office, width: str) -> None:
    await log_in(page, served, "owner")
    await go_to(page, "העוזרת")
    await page.get_by_role("link", name="איך היא מתנהגת").click()
    dead_air = page.get_by_label("שקט מרבי עד שמזעיקים עזרה (שניות)")
    await dead_air.fill("60")
    await page.locator("form", has=dead_air).get_by_role("button", name="שמירה").click()
    assert await page.locator("input:invalid").get_attribute("name") == "dead_air", "the browser keeps it back"
    await dead_air.fill("6")
    await page.locator("form", has=dead_air).get_by_role("button", name="שמירה").click()
    await expect(page.get_by_role("status")).to_contain_text("נשמר")
    await expect(dead_air).to_have_value("6")
    await picture(page, f"assistant-conduct-{width}")


async def test_the_prompt_is_read_as_the_model_gets_it(page: Page, served: Office, width: str) -> None:
    async with served.town.db.scope(served.town.clinic) as scope:
        await prompts.draft(scope, greeting=HOSTILE, custom_prompt=HOSTILE * 90, actor=HOSTILE, now=NOW)
    await log_in(page, served, "owner")
    for path in ("assistant", "assistant/prompt?of=draft"):
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/{path}")
        assert await page.locator("main img[src='x'], main script").count() == 0
        await picture(page, f"assistant-hostile-{'prompt' if '?' in path else 'words'}-{width}")
    await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/assistant/prompt")
    await expect(page.get_by_label("ההנחיה המלאה")).to_contain_text("העוזרת הקולית של מרפאת שיניים")
    await picture(page, f"assistant-prompt-{width}")
