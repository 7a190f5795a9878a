"""An owner talks to his assistant from a real browser: through its microphone, the whole server, and back to its ear.

The words hidden in simulated speech do not survive a microphone, so the simulated model takes any speech for one
sentence: what is proved is that speech reaches it, when, and what comes back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from agentlocator.call.events import AssistantTextProduced
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from agentlocator.voice.session import CallSession
from web.chromium import CHROMIUM, WIDTHS, go_to, log_in, picture, tile, window
from web.microphones import recorded
from web.office import HOSTILE
from web.studio import ASKS, Studio, eventually, opened

pytestmark = pytest.mark.requirement("R51")

HEARS_EVERYTHING_AS = Scenario("microphone", "The model takes any speech for one sentence", (), unworded=ASKS)
# What is heard is measured where the loudspeaker is.
METER = """const connect = AnalyserNode.prototype.connect;
AnalyserNode.prototype.connect = function (...to) { window.meter = this; return connect.apply(this, to); };"""
IS_LOUD = """() => { if (!window.meter) return false; const wave = new Float32Array(window.meter.fftSize);
window.meter.getFloatTimeDomainData(wave); return Math.max(...wave) > 0.02; }"""


@pytest.fixture
async def studio(tmp_path: Path, voice: Voice, sqlite_template: Path) -> AsyncIterator[Studio]:
    async with opened(tmp_path, voice, sqlite_template, HEARS_EVERYTHING_AS) as made:
        yield made


@pytest.fixture(params=WIDTHS)
async def page(request: pytest.FixtureRequest, studio: Studio, voice: Voice, tmp_path: Path) -> AsyncIterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install -y chromium")
    said = recorded(tmp_path / "said.wav", voice.say(ASKS, "caller").audio, after_s=3.5)
    allowed = [] if "refused" in request.node.name else ["--use-fake-ui-for-media-stream"]
    options = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={said}", *allowed]
    async with window(request.param, *options) as shown:
        await shown.add_init_script(METER)
        yield shown


async def test_an_owner_talks_to_his_assistant(page: Page, studio: Studio, width: str) -> None:
    await log_in(page, studio.office, "owner")
    await go_to(page, "דברו איתה")
    await picture(page, f"talk-{width}")
    await page.get_by_role("button", name="התחלת שיחה").click()
    await page.wait_for_function(IS_LOUD)
    await expect(page.locator("ol.talk .assistant").first).to_contain_text("שלום.")
    await expect(page.locator("ol.talk .caller").first).to_contain_text(ASKS)
    await expect(page.locator(".receipt code")).to_have_text("calendar_find_slots")
    await expect(page.locator(".last")).to_have_text(re.compile(r"\d\.\d s"))
    await picture(page, f"talk-speaking-{width}")
    await page.get_by_role("button", name="ניתוק").click()
    await expect(page.get_by_role("status")).to_contain_text("השיחה הסתיימה")
    await picture(page, f"talk-over-{width}")

    (session,) = studio.house.sessions
    row = await studio.house.written(session.brief.call_sid)
    assert (row.is_test, row.outcome) == (True, "caller_hung_up")
    assert row.tx is not None
    assert row.tx > 20
    assert session.carrier is not None
    assert session.carrier.refused_messages == 0
    assert session.call.playout.tx == row.tx

    await page.get_by_role("link", name="השיחה המלאה").click()
    await expect(page.locator("main")).to_contain_text(ASKS)
    await go_to(page, "שיחות")
    await expect(page.locator(".list .row", has_text="שיחת בדיקה")).to_be_visible()
    await picture(page, f"talk-list-{width}")
    await go_to(page, "היום")
    assert await tile(page, "שיחות שנענו") == "0"


async def test_a_microphone_that_is_refused_costs_no_call(page: Page, studio: Studio, width: str) -> None:
    await log_in(page, studio.office, "owner")
    await go_to(page, "דברו איתה")
    await page.get_by_role("button", name="התחלת שיחה").click()
    await expect(page.get_by_role("status")).to_contain_text("אין גישה למיקרופון")
    await expect(page.get_by_role("button", name="התחלת שיחה")).to_be_visible()
    assert studio.house.sessions == []


async def test_ten_kilobytes_of_hostile_words_are_shown_and_never_run(page: Page, studio: Studio, width: str) -> None:
    await page.emulate_media(color_scheme="dark")
    await log_in(page, studio.office, "owner")
    await go_to(page, "דברו איתה")
    await page.get_by_role("button", name="התחלת שיחה").click()
    (session,) = await _sessions(studio)
    session.take(AssistantTextProduced("r9", "i9", (HOSTILE * 200)[:10_000]))
    await expect(page.locator("ol.talk .assistant").last).to_contain_text("<script>alert(1)</script>")
    assert await page.locator("main img, main script").count() == 0
    await picture(page, f"hostile-talk-{width}")
    await page.get_by_role("button", name="ניתוק").click()
    await expect(page.get_by_role("status")).to_contain_text("השיחה הסתיימה")


async def _sessions(studio: Studio) -> list[CallSession]:
    await eventually(lambda: bool(studio.house.sessions))
    return studio.house.sessions
