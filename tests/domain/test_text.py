"""What is taken out of text before it is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlocator.domain.text import clean


def test_direction_overrides_and_control_characters_go() -> None:
    assert clean("דנה\u202eכהן\u2066\x00\x1b") == "דנהכהן"


def test_one_line_unless_lines_are_wanted() -> None:
    assert clean(" שורה\n  שנייה ") == "שורה שנייה"
    assert clean(" שורה\nשנייה ", lines=True) == "שורה\nשנייה"


def test_what_can_be_seen_stays() -> None:
    assert clean("ד״ר לוי, צ'ק 100% <b>") == "ד״ר לוי, צ'ק 100% <b>"


@given(st.text())
def test_what_is_left_can_be_stored_and_is_clean(text: str) -> None:
    cleaned = clean(text, lines=True)
    assert "\x00" not in cleaned
    cleaned.encode()
    assert clean(cleaned, lines=True) == cleaned
