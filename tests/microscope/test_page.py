"""The page of a call: complete in itself, readable in Hebrew, and deaf to what a caller's words would like to do."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.call.events import (
    CallerHungUp,
    CallerSpeechStarted,
    CallerTranscribed,
    DigitPressed,
    ModelErrored,
    ToolFinished,
    ToolRequested,
)
from agentlocator.microscope import read_picture, render
from agentlocator.microscope.picture import CallPicture
from agentlocator.microscope.scale import WIDEST_PX
from call.playbook import Line, answering, greeted

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">&amp;\u202eאבג\u2066'
VOID = {"meta", "br", "img", "input", "link"}


class Page(HTMLParser):
    """What a browser would find: every tag with its attributes, the words, and whether the tags balance."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def picture_of(line: Line) -> CallPicture:
    return read_picture(line.lines)


def interrupted() -> Line:
    return answering(5_000).caller_interrupts().after(500).hears(CallerHungUp("stop"))


def test_the_page_needs_nothing_but_itself() -> None:
    page = Page(render(picture_of(interrupted())))
    addresses = [value for _, given in page.tags for name, value in given.items() if name in ("src", "href")]

    assert page.count("script") == 1
    assert all(address and address.startswith("#") for address in addresses)
    assert "url(http" not in render(picture_of(interrupted()))


def test_only_our_own_script_may_run() -> None:
    html = render(picture_of(interrupted()))
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    (digest,) = re.findall(r"'sha256-([^']+)'", html)

    assert [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts] == [digest]
    assert "default-src 'none'" in html


def test_it_shows_the_decisions_their_numbers_and_what_was_not_heard() -> None:
    picture = picture_of(interrupted())
    html = render(picture)
    page = Page(html)

    assert "השהיה" in page.words
    assert "קטיעה" in page.words
    assert "דיבור רציף" in page.words
    assert "המתקשר ניתק" in page.words
    assert "נוצר ולא נשמע" in page.words
    lost = next(said.unheard_text for said in picture.said if said.unheard_text)
    assert f"<s>{lost}</s>" in html
    targets = {given.get("id") for _, given in page.tags}
    assert {"verdict-0", "verdict-1"} <= targets


@pytest.mark.requirement("R8")
def test_a_wait_is_coloured_by_what_a_caller_bears() -> None:
    def waited(after_ms: int) -> str:
        line = greeted().caller_turn().after(after_ms).answers("כן", 600).after(1_000)
        return render(picture_of(line))

    assert 'class="wait fine"' in waited(100)
    assert 'class="wait slow"' in waited(1_800)


def test_a_phone_number_keeps_its_direction() -> None:
    line = greeted().caller_turn("המספר שלי 052-123-4567 בבקשה").answers("רשמתי +972521234567", 900).after(1_200)
    html = render(picture_of(line))

    assert '<bdi dir="ltr">052-123-4567</bdi>' in html
    assert '<bdi dir="ltr">+972521234567</bdi>' in html


def test_hostile_words_stay_words_wherever_they_come_from() -> None:
    line = greeted().caller_turn(HOSTILE).answers(HOSTILE, 5_000, status=None).after(300)
    line.hears(ModelErrored(HOSTILE, HOSTILE), ToolRequested("r2", "t1", HOSTILE, HOSTILE))
    line.hears(ToolFinished("t1", HOSTILE), DigitPressed("1")).after(2_000).hears(CallerHungUp(HOSTILE))
    html = render(picture_of(line))
    page = Page(html)

    assert page.count("script") == 1
    assert page.count("img") == 0
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f") & set(html)
    assert "‹202E›" in page.words


def test_ten_thousand_letters_are_cut_and_counted() -> None:
    long = "א" * 10_000
    line = greeted().hears(CallerSpeechStarted("u1")).after(900).hears(CallerTranscribed("u1", long))
    html = render(picture_of(line))

    assert "(10,000 תווים)" in html
    assert html.count("א" * 5_000) == 0


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_becomes_markup(words: str) -> None:
    page = Page(render(_said(words)))
    assert page.count("script") == 1
    assert page.tags.count(("b", {})) == 1, "the pointer's clock is the only bold thing without a class"


def test_a_half_hour_still_fits_a_page() -> None:
    minute_ms = 60_000
    # What grows with time are outlines and tracks: a call of one minute, drawn as if it had lasted thirty.
    picture = picture_of(greeted().after(minute_ms))
    columns = 30 * minute_ms // 40
    caller = type(picture.caller)(0, (-0.3, -0.1) * (columns // 2), (0.1, 0.4) * (columns // 2))
    summary = msgspec.structs.replace(picture.summary, duration_ms=30 * minute_ms)
    html = render(msgspec.structs.replace(picture, caller=caller, summary=summary))
    (width,) = re.findall(r'<svg width="(\d+)" height="\d+" role="img"', html)

    assert int(width) <= WIDEST_PX + 300
    assert len(html) < 3_000_000


def test_the_axis_is_as_wide_as_asked() -> None:
    picture = picture_of(greeted())
    narrow, wide = (int(re.findall(r'<svg width="(\d+)" h', render(picture, px))[0]) for px in (50, 500))
    assert wide - narrow == pytest.approx(450 * picture.summary.duration_ms / 1000, abs=2)


def test_a_call_in_which_nothing_happened_is_a_page_too() -> None:
    page = Page(render(read_picture(Line().lines)))
    assert "לא הייתה אף השהיה" in page.words


def test_a_replay_that_differs_says_so_on_its_page() -> None:
    forged = [row.replace(b'"verdict":"commit"', b'"verdict":"resume"') for row in interrupted().lines]
    assert "פועלת אחרת" in render(read_picture(forged))
    assert "פועלת אחרת" not in render(read_picture(interrupted().lines))


_QUIET = read_picture(greeted().caller_turn("מילים").lines)


def _said(words: str) -> CallPicture:
    said = tuple(msgspec.structs.replace(turn, text=words, unheard_text=words) for turn in _QUIET.said)
    return msgspec.structs.replace(_QUIET, said=said)
