"""Keys reach the model as text, gathered into what was typed (R5)."""

from __future__ import annotations

import pytest

from agentlocator.call.commands import (
    AddMessage,
    ClearPlayout,
    InvokeTool,
    RecordTurn,
    ReportBargeIn,
    RequestResponse,
    TruncateItem,
)
from agentlocator.call.events import (
    CallOffered,
    DigitPressed,
    ModelConnected,
    ModelDisconnected,
    SessionConfirmed,
    StreamStarted,
)
from agentlocator.call.keypad import Keypad
from agentlocator.call.policy import CallPolicy
from call.playbook import GREETING, VOICE, Like, Line, answering, greeted


def typed(line: Line, digits: str, gap_ms: int = 200) -> Line:
    for digit in digits:
        line.hears(DigitPressed(digit)).after(gap_ms)
    return line


@pytest.mark.requirement("R5")
def test_a_number_reaches_the_model_as_one_line_of_text_and_is_answered() -> None:
    line = typed(greeted(), "0541234567").does_nothing()
    line.after(1_300).does(
        Like(RecordTurn, speaker="keypad", text="0541234567"),
        AddMessage("user", "[keypad] 0541234567"),
        RequestResponse,
    )
    assert line.all(InvokeTool) == [], "keys go to the model and nowhere else"


@pytest.mark.requirement("R5")
def test_a_hash_ends_the_number_at_once_and_is_not_part_of_it() -> None:
    line = typed(greeted(), "1234", 100).hears(DigitPressed("#"))
    line.does(RecordTurn, AddMessage("user", "[keypad] 1234"), RequestResponse)


@pytest.mark.requirement("R5")
def test_a_key_while_the_assistant_speaks_takes_the_floor_at_once() -> None:
    line = answering().hears(DigitPressed("1"))
    assert line.last(TruncateItem).audio_end_ms <= 1_000
    line.does(ClearPlayout(), Like(ReportBargeIn, verdict="commit", reason="keypad"), TruncateItem, RecordTurn)
    line.after(1_500).does(RecordTurn, AddMessage("user", "[keypad] 1"), RequestResponse)


@pytest.mark.requirement("R5")
def test_keys_pressed_while_the_model_is_away_are_told_to_the_next_session() -> None:
    line = greeted().hears(ModelDisconnected("reset")).hears(DigitPressed("7"), DigitPressed("#")).after(500)
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    assert line.all(AddMessage)[-1] == AddMessage("user", "[keypad] 7")
    assert line.after(50).times(RequestResponse)[-1] >= line.times(AddMessage)[-1]


@pytest.mark.requirement("R5")
def test_keys_pressed_before_the_model_is_there_are_not_lost() -> None:
    line = Line()
    line.hears(CallOffered(), StreamStarted("MZ1")).at(100).hears(DigitPressed("1"), DigitPressed("#"))
    line.at(900).hears(ModelConnected(), SessionConfirmed(VOICE)).answers(GREETING, 500).after(1_000)
    assert AddMessage("user", "[keypad] 1") in line.all(AddMessage)


def test_a_hash_alone_is_an_entry() -> None:
    assert Keypad(CallPolicy()).press("#", 0) == "#"


def test_too_many_keys_are_handed_on_as_they_are() -> None:
    keypad = Keypad(CallPolicy(keypad_max_digits=4))
    assert [keypad.press(digit, 0) for digit in "12345"] == [None, None, None, "1234", None]


def test_each_key_gives_the_next_one_its_time() -> None:
    keypad = Keypad(CallPolicy(keypad_gap_ms=1_500))
    keypad.press("1", 0)
    keypad.press("2", 1_400)
    assert keypad.expired(2_899) is None
    assert keypad.expired(2_900) == "12"
    assert keypad.expired(9_000) is None
