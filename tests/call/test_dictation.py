"""A number is dictated with pauses: nobody answers the first half of it, and nobody waits for a short answer."""

from __future__ import annotations

from typing import Any

import pytest

from agentlocator.call.commands import CancelResponse, PlayFrame, RecordTurn, RequestResponse
from agentlocator.call.dictation import is_unfinished
from agentlocator.call.events import (
    CallerSpeechStarted,
    CallerTranscribed,
    CallerTurnCommitted,
    ResponseFinished,
    ResponseStarted,
    ToolRequested,
)
from call.playbook import Line, greeted

ASKS_PHONE = "מה מספר הטלפון שלך?"
ASKS_ID = "מה תעודת הזהות שלך?"
ASKS_DAY = "מתאים לך ביום ראשון בעשר?"
FIRST, SECOND, THIRD = "אפס חמש ארבע", "אחת שתיים שלוש", "ארבע חמש שש שבע"


# What the words say.


@pytest.mark.parametrize(
    ("caller", "assistant"),
    [
        ("אפס חמש ארבע", ""),
        ("הטלפון שלי הוא אפס חמש ארבע", ASKS_DAY),
        ("אפס חמש ארבע אחת שתיים שלוש", ""),
        ("054", ""),
        ("054-123", ""),
        ("054 12", ASKS_PHONE),
        ("0 5 4", ""),
        ("אפס, חמש, ארבע,", ""),
        ("אפס חמש וארבע", ""),
        ("זה 05", ASKS_PHONE),
        ("אפס", ASKS_PHONE),
        ("שלוש שתיים", ASKS_ID),
        ("31234", ASKS_ID),
        ("12345678", ""),
        ("חמישה שבעה תשעה", ""),
        ("תעודת זהות שלוש אפס אחת", ""),
    ],
)
def test_the_beginning_of_a_number_is_not_the_end_of_a_turn(caller: str, assistant: str) -> None:
    assert is_unfinished(caller, assistant)


@pytest.mark.parametrize(
    ("caller", "assistant"),
    [
        ("", ASKS_PHONE),
        ("כן", ASKS_DAY),
        ("לא", ASKS_DAY),
        ("אחת", ASKS_DAY),
        ("בשתיים", ASKS_DAY),
        ("עשר", ASKS_DAY),
        ("עשרים ואחת", ASKS_DAY),
        ("כן", ASKS_PHONE),
        ("לא, אין לי", ASKS_PHONE),
        ("0541234567", ASKS_PHONE),
        ("054-1234567", ASKS_PHONE),
        ("+972541234567", ASKS_PHONE),
        ("אפס חמש ארבע אחת שתיים שלוש ארבע חמש שש שבע", ASKS_PHONE),
        ("אפס שלוש חמש חמש חמש אפס אחת אפס אחת", ASKS_PHONE),
        ("312345678", ASKS_ID),
        ("אפס חמש ארבע זה המספר של אשתי", ASKS_PHONE),
        ("אני רוצה תור ביום שלישי", ASKS_DAY),
        ("שלוש ארבע פעמים בשבוע", ""),
        ("12", ""),
        ("שתיים שלוש", ASKS_DAY),
        ("10:30", ASKS_DAY),
        ("אפשר ב-16:00", ASKS_DAY),
        ("ב-15/12", ASKS_DAY),
        ("אחת", "יש מספר שעות פנויות. מתאים לך באחת או בשתיים?"),
        ("שתיים", "לבוא קודם, באחת, או בשתיים?"),
    ],
)
def test_what_is_whole_or_no_number_is_answered(caller: str, assistant: str) -> None:
    assert not is_unfinished(caller, assistant)


# What the call does.


def asking(question: str = ASKS_PHONE, **policy: Any) -> Line:
    """The assistant has asked, and the caller has heard the question."""
    return greeted(**policy).caller_turn("אני רוצה תור").answers(question, 800).after(1_100).meanwhile()


def says(line: Line, words: str, item: str, pause_ms: int = 0) -> Line:
    """A part of the number; the model's server takes the pause after it for the end, and begins to think."""
    return line.after(pause_ms).caller_turn(words, 900, item)


def refuses(line: Line, response: str) -> Line:
    """The model's server does as it is told with an answer that is not wanted."""
    return line.hears(ResponseStarted(response), ResponseFinished(response, "cancelled"))


@pytest.mark.requirement("R10")
def test_a_number_dictated_in_three_parts_is_answered_once_when_it_is_whole() -> None:
    line = refuses(says(asking(), FIRST, "u2"), "a1")
    refuses(says(line, SECOND, "u3", 800), "a2")
    frames, cancelled = len(line.all(PlayFrame)), len(line.all(CancelResponse))
    assert cancelled == 2
    says(line, THIRD, "u4", 800)
    asked_ms = line.now_ms
    line.answers("רשמתי", 500)
    assert line.times(PlayFrame)[frames] == asked_ms, "a whole number is answered without waiting"
    assert len(line.all(CancelResponse)) == cancelled
    assert [turn.text for turn in line.all(RecordTurn) if turn.speaker == "caller"][1:] == [FIRST, SECOND, THIRD]


def test_an_answer_that_was_only_being_thought_of_is_taken_back_unheard() -> None:
    line = asking().caller_turn(FIRST, 900, "u2").meanwhile()
    line.hears(ResponseStarted("a1")).does(CancelResponse("a1"))
    frames = len(line.all(PlayFrame))
    line.hears(ResponseFinished("a1", "cancelled")).after(1_500).does_nothing()
    assert len(line.all(PlayFrame)) == frames


def test_who_stops_in_the_middle_is_answered_when_the_hold_has_passed() -> None:
    line = asking(dictation_hold_ms=1_800).caller_turn(FIRST, 900, "u2")
    held_ms = line.now_ms
    refuses(line, "a1").meanwhile().after(1_799).does_nothing()
    line.after(1).does(RequestResponse)
    assert line.times(RequestResponse)[-1] == held_ms + 1_800


def test_the_hold_begins_again_with_every_part() -> None:
    line = refuses(asking(dictation_hold_ms=1_800).caller_turn(FIRST, 900, "u2"), "a1")
    refuses(says(line, SECOND, "u3", 1_000), "a2")
    held_ms = line.now_ms
    line.until(RequestResponse)
    assert line.now_ms - held_ms >= 1_800 - 20


def test_a_caller_who_goes_on_after_the_hold_has_begun_is_not_spoken_to_while_he_talks() -> None:
    line = refuses(asking().caller_turn(FIRST, 900, "u2"), "a1").after(1_500).meanwhile()
    line.hears(CallerSpeechStarted("u3")).caller_says(SECOND, 2_000).does_nothing()


@pytest.mark.parametrize("answer", ["כן", "לא", "אחת", "בשתיים", "עשר וחצי"])
def test_a_short_answer_to_a_question_is_answered_at_once(answer: str) -> None:
    line = asking(ASKS_DAY).caller_turn(answer, 300, "u2").does(RequestResponse, RecordTurn)
    asked_ms = line.now_ms
    line.after(250).answers("מצוין", 500)
    assert line.all(CancelResponse) == []
    assert min(at_ms for at_ms in line.times(PlayFrame) if at_ms >= asked_ms) == asked_ms + 250


def test_a_whole_number_in_one_breath_is_answered_at_once() -> None:
    line = asking().caller_turn("0541234567", 3_000, "u2").does(RequestResponse, RecordTurn)
    line.hears(ResponseStarted("a1")).does_nothing()


def test_the_last_part_ends_the_hold_of_the_part_before() -> None:
    line = refuses(says(asking(), FIRST, "u2"), "a1")
    says(line, "אחת שתיים שלוש ארבע חמש שש שבע", "u3").meanwhile()
    line.hears(ResponseStarted("a2")).does_nothing()


def test_words_that_come_late_for_half_a_number_stop_the_answer_nobody_has_heard_yet() -> None:
    line = asking().caller_says(FIRST, 900).hears(CallerTurnCommitted("u2"), ResponseStarted("a1")).meanwhile()
    line.after(350).hears(CallerTranscribed("u2", FIRST))
    assert line.last(CancelResponse) == CancelResponse("a1")


def test_an_answer_that_is_already_heard_is_not_cut_by_late_words() -> None:
    line = asking().caller_says(FIRST, 900).hears(CallerTurnCommitted("u2")).answers("רק רגע", 2_000).after(400)
    line.meanwhile().hears(CallerTranscribed("u2", FIRST)).does(RecordTurn)


def test_a_tool_that_was_called_meanwhile_is_not_undone() -> None:
    line = asking().caller_says(FIRST, 900).hears(CallerTurnCommitted("u2"), ResponseStarted("a1"))
    line.hears(ToolRequested("a1", "t1", "leads_search", "{}"), CallerTranscribed("u2", FIRST))
    assert line.all(CancelResponse) == []


def test_digits_of_an_earlier_answer_do_not_count_for_this_one() -> None:
    line = asking().caller_turn("0541234567", 2_000, "u2").answers(ASKS_ID, 800).after(1_100)
    line.caller_turn("שלוש אפס אחת", 900, "u3").meanwhile()
    line.hears(ResponseStarted("a2")).does(CancelResponse("a2"))


def test_a_hold_is_silence_the_caller_makes_and_nobody_is_lost_over_it() -> None:
    line = refuses(asking(dictation_hold_ms=3_900).caller_turn(FIRST, 900, "u2"), "a1").after(6_000)
    assert not line.call.over
