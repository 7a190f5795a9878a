"""What must be said before anything else: it is heard to its end, whatever the caller does, and then he is greeted."""

from __future__ import annotations

import pytest

from agentlocator.call import cues
from agentlocator.call.commands import ClearPlayout, EndStream, RecordTurn, RequestResponse
from agentlocator.call.events import (
    AssistantAudioFinished,
    CallerTurnCommitted,
    DigitPressed,
    ModelConnected,
    ModelDisconnected,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    StreamStarted,
)
from call.playbook import GREETING, INTERRUPTION, VOICE, Like, Line, caller_frames, configured, speech, spoken

NOTICE = "השיחה מוקלטת לצורך בקרת איכות"


def noticed(ms: int = 4_000) -> Line:
    """The caller is in the first second of the notice; the greeting has not been generated."""
    line = configured(notice=NOTICE).at(300).hears(StreamStarted("MZ1"), ResponseStarted("n1"))
    line.hears(*spoken("n1", "notice", NOTICE, speech(ms, 1)), AssistantAudioFinished("notice")).after(500)
    return line.meanwhile()


def cues_of(line: Line) -> list[str | None]:
    return [request.cue for request in line.all(RequestResponse)]


def heard(line: Line, item_id: str) -> list[RecordTurn]:
    return [turn for turn in line.all(RecordTurn) if turn.item_id == item_id]


def test_the_notice_comes_first_and_the_greeting_follows() -> None:
    line = noticed()
    assert cues_of(line) == [cues.notify(NOTICE)]
    line.hears(ResponseFinished("n1", "completed")).does(Like(RequestResponse, cue=cues.greet(GREETING)))
    line.answers(GREETING, 1_000).after(6_000)
    assert [turn.text for turn in line.all(RecordTurn)] == [NOTICE, GREETING]


def test_without_a_notice_there_is_none() -> None:
    assert cues_of(configured()) == [cues.greet(GREETING)]


def test_speech_does_not_interrupt_it() -> None:
    line = noticed().hears(ResponseFinished("n1", "completed")).caller_says(INTERRUPTION, 2_500)
    assert line.verdicts == []
    assert line.all(ClearPlayout) == []
    line.after(2_500)
    assert [(turn.heard_ms, turn.interrupted) for turn in heard(line, "notice")] == [(4_000, False)]


def test_nor_do_keys_and_they_are_answered_after_the_greeting() -> None:
    line = noticed().hears(DigitPressed("1"), DigitPressed("#"), ResponseFinished("n1", "completed"))
    assert line.all(ClearPlayout) == []
    line.answers(GREETING, 800).after(5_000)
    assert [(turn.heard_ms, turn.interrupted) for turn in heard(line, "notice")] == [(4_000, False)]
    assert cues_of(line) == [cues.notify(NOTICE), cues.greet(GREETING), None]


def test_not_a_millisecond_of_it_is_missing_however_the_caller_shouts() -> None:
    line = noticed().hears(ResponseFinished("n1", "completed"))
    line.caller_says(INTERRUPTION, 1_500).hears(DigitPressed("2")).caller_says(INTERRUPTION, 2_500)
    assert line.played[: 4_000 * 8] == speech(4_000, 1)


@pytest.mark.requirement("R14")
def test_the_greeting_after_it_can_be_interrupted_and_the_caller_is_heard_from_his_first_syllable() -> None:
    line = noticed(1_000).hears(ResponseFinished("n1", "completed")).answers(GREETING, 6_000, item="greeting")
    line.after(2_000)
    forwarded = len(line.forwarded)
    line.caller_interrupts(INTERRUPTION)
    assert b"".join(caller_frames(INTERRUPTION)[:12]) in line.forwarded[forwarded:]
    assert [turn.interrupted for turn in heard(line, "greeting")] == [True]
    assert not line.call.over
    line.hears(CallerTurnCommitted("u1")).after(100)
    assert cues_of(line)[-1] is None


@pytest.mark.requirement("R14")
def test_a_caller_who_speaks_from_the_notice_into_the_greeting_takes_the_floor_there() -> None:
    line = noticed(1_000).hears(ResponseFinished("n1", "completed")).answers(GREETING, 6_000, item="greeting")
    line.caller_interrupts(INTERRUPTION * 2, within_ms=4_000)
    assert [turn.heard_ms for turn in heard(line, "notice")] == [1_000]
    assert [turn.interrupted for turn in heard(line, "greeting")] == [True]


def test_a_notice_that_fails_is_asked_for_again_and_as_protected_as_before() -> None:
    line = configured(notice=NOTICE).at(300).hears(StreamStarted("MZ1"), ResponseStarted("n1"))
    line.hears(ResponseFinished("n1", "failed", code="server_error")).after(1_500)
    asked = cues_of(line)
    assert asked.count(cues.notify(NOTICE)) == 2
    assert cues.greet(GREETING) not in asked, "it comes before the greeting"
    line.hears(ResponseStarted("n2"), *spoken("n2", "notice", NOTICE, speech(3_000)), AssistantAudioFinished("notice"))
    line.hears(ResponseFinished("n2", "completed")).after(500).caller_says(INTERRUPTION, 1_500).after(2_000)
    assert [(turn.heard_ms, turn.interrupted) for turn in heard(line, "notice")] == [(3_000, False)]


def test_a_notice_cut_by_the_length_limit_is_finished_before_the_greeting_and_not_interrupted() -> None:
    line = noticed(1_500).hears(ResponseFinished("n1", "incomplete", "max_output_tokens"))
    assert cues_of(line) == [cues.notify(NOTICE), cues.CONTINUE]
    line.hears(ResponseStarted("n2"), *spoken("n2", "rest", "איכות", speech(3_000, 2)), AssistantAudioFinished("rest"))
    line.hears(ResponseFinished("n2", "completed")).after(1_500).caller_says(INTERRUPTION, 1_000).after(2_000)
    assert [(turn.heard_ms, turn.interrupted) for turn in heard(line, "rest")] == [(3_000, False)]


def test_a_notice_lost_with_the_link_is_said_again_by_the_next_session() -> None:
    line = configured(notice=NOTICE).at(300).hears(StreamStarted("MZ1"), ResponseStarted("n1"))
    line.hears(*spoken("n1", "notice", NOTICE[:5], speech(400, 1))).after(200).hears(ModelDisconnected("reset"))
    line.after(100).hears(ModelConnected(), SessionConfirmed(VOICE)).after(500)
    assert cues_of(line)[1:] == [cues.notify(NOTICE)]


def test_a_link_lost_after_the_notice_leaves_the_greeting_to_the_next_session() -> None:
    line = noticed(2_000).hears(ResponseFinished("n1", "completed"), ModelDisconnected("reset")).after(100)
    line.hears(ModelConnected(), SessionConfirmed(VOICE)).after(500)
    assert cues_of(line)[-1] == cues.greet(GREETING)
    assert line.all(EndStream) == []
