"""The live page in a real browser: a call is read along, listened to, ended, and taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from agentlocator.db.schema import Lead
from agentlocator.simulator.brain import ScriptedBrain, Speak, When
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from web.chromium import WIDTHS, go_to, log_in, picture, window
from web.office import HOSTILE
from web.studio import ASKS, Studio, opened

pytestmark = pytest.mark.requirement("R51")

DESK = "דלפק הקבלה"


def poet() -> ScriptedBrain:
    """Says what no page should run."""
    return ScriptedBrain((When("תור", Speak("<script>alert(1)</script> \u202e הפוך 😀 <img src=x onerror=alert(2)>")),))


@pytest.fixture
async def studio(
    tmp_path: Path, voice: Voice, sqlite_template: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Studio]:
    brain = getattr(request.function, "brain", None)
    scenario = Scenario("screen", "The test is the carrier", (), **({"brain": brain} if brain else {}))
    async with opened(tmp_path, voice, sqlite_template, scenario) as made:
        yield made


@pytest.fixture(params=WIDTHS)
async def page(request: pytest.FixtureRequest, studio: Studio, browser: str) -> AsyncIterator[Page]:
    async with window(request.param, at=browser) as shown:
        yield shown


async def test_a_call_is_read_along(page: Page, studio: Studio, width: str) -> None:
    await log_in(page, studio.office, "owner")
    await go_to(page, "חי")
    await expect(page.locator("#nobody")).to_be_visible()
    await picture(page, f"live-nobody-{width}")
    async with studio.call("CA1", says=ASKS):
        card = page.locator(".stage")
        await expect(card.locator(".talk .caller")).to_contain_text(ASKS)
        await expect(card.locator(".talk .assistant").first).to_contain_text("שלום.")
        await expect(card.locator(".receipt code")).to_have_text("calendar_find_slots")
        await expect(card.locator(".phone")).to_have_text("050-1234567")
        await picture(page, f"live-{width}")
    await expect(card.locator(".floor")).to_have_text("המתקשר סיים")
    await card.get_by_role("link", name="השיחה המלאה").click()
    await expect(page.locator(".talk")).to_contain_text(ASKS)


async def test_a_call_is_listened_to(page: Page, studio: Studio, width: str) -> None:
    await log_in(page, studio.office, "staff")
    await go_to(page, "חי")
    # The level is taken where the loudspeaker is.
    await page.evaluate(
        """() => { const connect = AnalyserNode.prototype.connect;
        AnalyserNode.prototype.connect = function (...to) { window.meter = this; return connect.apply(this, to); }; }"""
    )
    async with studio.call("CA1", says=ASKS):
        button = page.get_by_role("button", name="האזנה", exact=True)
        await button.click()
        await page.wait_for_function(
            """() => { if (!window.meter) return false; const wave = new Float32Array(window.meter.fftSize);
            window.meter.getFloatTimeDomainData(wave); return Math.max(...wave) > 0.02; }"""
        )
        await page.get_by_role("button", name="הפסקת ההאזנה").click()
        await expect(page.get_by_role("button", name="האזנה", exact=True)).to_have_attribute("aria-pressed", "false")


async def test_a_person_steps_in(page: Page, studio: Studio, width: str) -> None:
    await log_in(page, studio.office, "staff")
    await go_to(page, "חי")
    async with studio.call("CA1"):
        await page.get_by_text("לקיחת השיחה", exact=True).click()
        await page.get_by_role("button", name=DESK).click()
        await expect(page.locator(".stage .floor")).to_have_text("הועברה לאדם")
    async with studio.call("CA2"):
        card = page.locator(".stage[data-call=CA2]")
        await card.get_by_text("ניתוק", exact=True).click()
        await picture(page, f"live-hang-up-{width}")
        await card.get_by_role("button", name="כן, לנתק את השיחה עכשיו").click()
        await expect(card.locator(".floor")).to_have_text("אדם מהעסק סיים")


async def test_hostile_words_are_shown_and_never_run(page: Page, studio: Studio, width: str) -> None:
    await page.emulate_media(color_scheme="dark")
    await log_in(page, studio.office, "owner")
    async with studio.call("CA1", says=ASKS):
        async with studio.house.deployment.db.scope(studio.office.town.clinic) as scope:
            await scope.changed(update(Lead).values(name=HOSTILE * 100))
        await page.goto(f"{studio.clinic}/live")
        await expect(page.locator(".talk .assistant").last).to_contain_text("<script>alert(1)</script>")
        await expect(page.locator(".stage .name")).to_contain_text("<script>")
        assert await page.locator("main img, main script").count() == 0
        await picture(page, f"hostile-live-{width}")


test_hostile_words_are_shown_and_never_run.brain = poet  # type: ignore[attr-defined]
