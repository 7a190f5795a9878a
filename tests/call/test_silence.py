"""A caller who says nothing is asked, asked again, and then taken leave of."""

from __future__ import annotations

from agentlocator.call import cues
from agentlocator.call.commands import EndStream, FinishCall, RecordTurn, RequestResponse
from agentlocator.call.events import (
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTurnCommitted,
    DigitPressed,
    StreamStarted,
)
from call.playbook import GREETING, Line, configured, greeted


def cue_after(line: Line) -> str | None:
    return line.until(RequestResponse).last(RequestResponse).cue


def farewell(line: Line) -> Line:
    """The last question went unanswered: the goodbye is being spoken."""
    for question in ("אתם איתי?", "הלו?"):
        assert cue_after(line) == cues.STILL_THERE
        line.answers(question, 500)
    assert cue_after(line) == cues.FAREWELL_SILENCE
    return line.answers("להתראות ויום טוב", 3_000).after(1_000)


def test_the_silence_is_counted_from_the_last_word_heard() -> None:
    line = configured().hears(StreamStarted("MZ1")).answers(GREETING, 2_000)
    heard_ms = line.until(RecordTurn).times(RecordTurn)[0]
    assert cue_after(line) == cues.STILL_THERE
    assert line.times(RequestResponse)[-1] == heard_ms + line.call.policy.silence_prompt_ms


def test_two_questions_a_goodbye_and_the_end() -> None:
    line = farewell(greeted()).until(EndStream)
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == "caller_silent"
    assert line.last(RecordTurn).text == "להתראות ויום טוב"
    assert not line.last(RecordTurn).interrupted


def test_a_caller_who_answers_is_asked_anew_from_the_beginning() -> None:
    line = greeted()
    assert cue_after(line) == cues.STILL_THERE
    line.answers("אתם איתי?", 500).after(700).caller_turn("כן, רגע", 600).answers("בבקשה", 400)
    for _ in range(2):
        assert cue_after(line) == cues.STILL_THERE
        line.answers("אתם איתי?", 500)
    assert cue_after(line) == cues.FAREWELL_SILENCE


def test_a_caller_who_is_talking_is_not_asked_whether_he_is_there() -> None:
    line = greeted().hears(CallerSpeechStarted("u1"))
    line.caller_says("סיפור ארוך", 12_000)
    line.does()
    line.hears(CallerSpeechStopped("u1"), CallerTurnCommitted("u1")).does(RequestResponse)


def test_keys_are_a_sign_of_life() -> None:
    line = greeted(keypad_gap_ms=3_000)
    line.after(line.call.policy.silence_prompt_ms - 1_000).hears(DigitPressed("1")).after(2_900)
    assert cues.STILL_THERE not in [request.cue for request in line.all(RequestResponse)]


def test_a_caller_who_interrupts_the_goodbye_is_not_hung_up_on() -> None:
    line = farewell(greeted()).caller_interrupts().hears(CallerSpeechStarted("u9"))
    line.caller_says("לא, אל תנתקו, אני כאן", 2_000)
    assert line.all(EndStream) == []
    line.hears(CallerSpeechStopped("u9"), CallerTurnCommitted("u9")).answers("בבקשה", 500).after(3_000)
    assert line.all(EndStream) == [], "he is a caller again"


def test_a_caller_who_speaks_right_after_the_goodbye_is_not_hung_up_on() -> None:
    line = farewell(greeted()).until(RecordTurn).after(300).hears(CallerSpeechStarted("u9"))
    line.caller_says("רגע, אני כאן", 1_500)
    assert line.all(EndStream) == []
