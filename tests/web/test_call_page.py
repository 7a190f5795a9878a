"""A call under its owner's eyes and ears: the recording, what was heard of what was made, each verdict, each cost."""

from __future__ import annotations

import html
import io
import re
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest
from playwright.async_api import Page, expect
from sqlalchemy import update

from agentlocator.call.events import CallerHungUp
from agentlocator.call.journal import part
from agentlocator.db.schema import Call
from agentlocator.realtime.usage import Tokens, cost_micro_usd, costs_micro_usd
from agentlocator.web.recordings import Recordings
from call.playbook import Line, answering
from databases import ON_ONE_DATABASE
from web.chromium import log_in, picture
from web.office import HOSTILE, Office

pytestmark = pytest.mark.requirement("R51")

SPENT = Tokens(text_in=1_000, text_cached=4_000, text_out=100, audio_in=900, audio_out=2_000)


def interrupted() -> Line:
    return answering(5_000).caller_interrupts().after(500).hears(CallerHungUp("stop"))


async def keep(office: Office, line: Line, **facts: object) -> Path:
    journal = office.house.journal_of(office.town.clinic, "CA-dana")
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_bytes(b"".join(line.lines))
    async with office.town.db.scope(office.town.clinic) as scope:
        usage = msgspec.to_builtins(SPENT)
        await scope.changed(update(Call).where(Call.call_sid == "CA-dana").values(usage=usage, facts=facts))
    return journal


async def page_of(office: Office, who: str = "owner") -> str:
    async with await office.browser_of(who) as browser:
        return html.unescape((await browser.get(f"/b/{office.town.clinic}/calls/CA-dana")).text)


async def test_the_recording_has_the_caller_left_and_the_assistant_right(office: Office) -> None:
    await keep(office, interrupted())
    async with await office.browser_of("staff") as staff:
        answer = await staff.get(f"/b/{office.town.clinic}/calls/CA-dana/sound.wav")
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as wav:
        assert (wav.getnchannels(), wav.getframerate()) == (2, 8000)
        sides = np.frombuffer(wav.readframes(wav.getnframes()), np.int16).reshape(-1, 2)
    assert all(np.abs(sides[:, side]).max() > 1000 for side in (0, 1))


async def test_a_player_may_jump_ahead(office: Office) -> None:
    await keep(office, interrupted())
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/calls/CA-dana/sound.wav"
        whole = (await owner.get(there)).content
        size = len(whole)

        async def part(asked: str) -> tuple[int, bytes, str | None]:
            answer = await owner.get(there, headers={"Range": asked})
            return answer.status_code, answer.content, answer.headers.get("content-range")

        assert await part("bytes=100-199") == (206, whole[100:200], f"bytes 100-199/{size}")
        assert await part("bytes=100-") == (206, whole[100:], f"bytes 100-{size - 1}/{size}")
        assert await part("bytes=-50") == (206, whole[-50:], f"bytes {size - 50}-{size - 1}/{size}")
        assert await part(f"bytes=0-{size * 9}") == (206, whole, f"bytes 0-{size - 1}/{size}")
        for beyond in (f"bytes={size}-", "bytes=9-3", "bytes=-0"):
            assert (await part(beyond))[::2] == (416, f"bytes */{size}")
        for nonsense in ("bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=" + "9" * 40 + "-"):
            assert (await part(nonsense))[0] == 200


async def test_a_viewer_reads_and_does_not_listen(office: Office) -> None:
    await keep(office, interrupted(), prompt="סוד")
    async with await office.browser_of("viewer") as viewer:
        assert (await viewer.get(f"/b/{office.town.clinic}/calls/CA-dana/sound.wav")).status_code == 403
    page = await page_of(office, "viewer")
    assert 'class="lanes"' in page
    assert "sound.wav" not in page
    assert "סוד" not in page


async def test_what_retention_deleted_cannot_be_heard_any_more(office: Office) -> None:
    journal = await keep(office, interrupted())
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/calls/CA-dana/sound.wav"
        assert (await owner.get(there)).status_code == 200
        journal.unlink()
        assert (await owner.get(there)).status_code == 404
    assert "כואבת לי השן" in await page_of(office), "what is in the database is still there"


async def test_the_page_tells_played_from_generated_and_why_it_stopped(office: Office) -> None:
    await keep(office, interrupted(), model="gpt-realtime-2.1", prompt="את העוזרת")
    page = await page_of(office)
    assert "נקטעה" in page
    assert "המתקשר באמת דיבר" in page
    assert re.search(r"<del [^>]*>[^<]+</del>", page)
    assert "את העוזרת" in page


async def test_the_cost_is_told_by_kind_and_adds_up(office: Office) -> None:
    await keep(office, interrupted(), model="gpt-realtime-2.1")
    parts = costs_micro_usd("gpt-realtime-2.1", SPENT)
    assert abs(sum(parts.values()) - (cost_micro_usd("gpt-realtime-2.1", SPENT) or 0)) <= len(parts)
    assert f"${parts['audio_out'] / 1_000_000:.4f}" in await page_of(office)
    assert costs_micro_usd("another", SPENT) == {}


async def test_only_so_many_calls_are_kept_at_hand(tmp_path: Path) -> None:
    written = b"".join(interrupted().lines)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(written)
    kept = Recordings(most_bytes=1)
    first = await kept.of(tmp_path / "a")
    assert first is not None
    assert await kept.of(tmp_path / "a") is first
    await kept.of(tmp_path / "b")
    assert await kept.of(tmp_path / "a") is not first
    (tmp_path / "c").write_bytes(b"not a journal\n")
    assert await kept.of(tmp_path / "c") is None


@ON_ONE_DATABASE
class TestScreen:
    """In a real browser."""

    async def test_a_sentence_is_clicked_and_heard(self, page: Page, served: Office, width: str) -> None:
        await keep(served, interrupted(), model="gpt-realtime-2.1", prompt="את העוזרת הקולית של המרפאה.")
        await log_in(page, served, "owner")
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/calls/CA-dana")
        last = page.locator(".in-step li.caller").last
        await last.locator(".seek").click()
        from_s = int(await last.get_attribute("data-from") or 0) / 1000
        await page.wait_for_function(
            "at => { const one = document.querySelector('#sound'); return one.currentTime >= at && one.duration > 1 }",
            arg=from_s,
        )
        await expect(last).to_have_class(re.compile("heard-now"))
        assert float(await page.locator("#playhead").get_attribute("x1") or 0) > 0
        await page.evaluate("document.querySelector('#sound').pause()")
        await picture(page, f"call-played-{width}")

    async def test_what_is_hostile_is_shown_and_never_run(self, page: Page, served: Office, width: str) -> None:
        line = answering(3_000, HOSTILE * 20).caller_turn(HOSTILE * 20).hears(CallerHungUp("stop"))
        await keep(served, line, prompt=HOSTILE * 90, alarms=[HOSTILE])
        await log_in(page, served, "owner")
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/calls/CA-dana")
        assert await page.locator("main img[src='x'], main script").count() == 0
        await picture(page, f"call-hostile-{width}")


async def test_a_call_that_came_back_from_a_person_is_heard_in_both_its_parts(office: Office) -> None:
    first = await keep(office, interrupted())
    assert "?part=2" not in await page_of(office)
    part(first, 2).write_bytes(b"".join(answering(1_000).after(200).hears(CallerHungUp("stop")).lines))
    there = f"/b/{office.town.clinic}/calls/CA-dana"
    async with await office.browser_of("owner") as owner:
        second = (await owner.get(f"{there}?part=2")).text
        sounds = [len((await owner.get(f"{there}/sound.wav{which}")).content) for which in ("", "?part=2")]
        assert "אחרי שחזרה" in second
        assert f"{there}/sound.wav?part=2" in second
        assert f"{there}/microscope?part=2" in second
        assert sounds[0] > sounds[1]
        for path in ("sound.wav", "microscope", "journal"):
            assert (await owner.get(f"{there}/{path}?part=2")).status_code == 200
            assert (await owner.get(f"{there}/{path}?part=3")).status_code == 404
