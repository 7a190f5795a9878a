"""What is kept of each turn: who spoke, what was heard of it, and how long the caller waited."""

from __future__ import annotations

import pytest

from agentlocator.call.commands import AddMessage, AddToolCall, Command, RecordTurn, SendMark
from agentlocator.call.events import (
    AssistantAudioProduced,
    AssistantTextProduced,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CallerTurnCommitted,
    DigitPressed,
    MarkEchoed,
    ResponseFinished,
    StreamStarted,
)
from agentlocator.call.policy import Remembered
from agentlocator.call.transcript import Transcript
from call.playbook import GREETING, Line, answering, configured, greeted, speech


def of(line: Line, speaker: str) -> list[RecordTurn]:
    return [turn for turn in line.all(RecordTurn) if turn.speaker == speaker]


@pytest.mark.requirement("R8")
def test_the_wait_is_measured_from_the_end_of_the_callers_speech_to_the_first_frame() -> None:
    line = greeted().hears(CallerSpeechStarted("u1")).caller_says(ms=1_000)
    ended_ms = line.now_ms
    line.after(500).hears(CallerSpeechStopped("u1"), CallerTurnCommitted("u1")).after(300)
    line.answers("בשעה עשר", 600)
    answered_ms = line.now_ms
    line.after(1_000)
    latency_ms = of(line, "assistant")[-1].latency_ms
    assert latency_ms is not None
    # The end of speech is heard in frames, and a syllable that fades may end a few frames sooner.
    assert abs(latency_ms - (answered_ms - ended_ms)) <= 100


@pytest.mark.requirement("R8")
def test_the_greetings_wait_counts_from_the_streams_start() -> None:
    line = configured().at(300).hears(StreamStarted("MZ1")).at(450).answers(GREETING, 500).after(700)
    assert of(line, "assistant")[0].latency_ms == 150


@pytest.mark.requirement("R8")
def test_each_turn_has_its_own_wait_and_speech_that_answers_nobody_has_none() -> None:
    line = greeted().caller_turn().after(200).answers("כן", 400, response="r2", item="i2", status=None)
    line.hears(AssistantTextProduced("r2", "i3", "ועוד"), AssistantAudioProduced("r2", "i3", speech(300)))
    line.hears(ResponseFinished("r2", "completed")).after(1_500)
    first, second = of(line, "assistant")[-2:]
    assert first.latency_ms is not None
    assert second.latency_ms is None


@pytest.mark.requirement("R8")
def test_a_number_typed_is_answered_from_its_last_key() -> None:
    line = greeted().hears(DigitPressed("1"), DigitPressed("#")).after(250).answers("קיבלתי", 400).after(600)
    assert of(line, "assistant")[-1].latency_ms == 250


def test_the_transcript_keeps_what_was_heard_and_not_what_was_generated() -> None:
    line = answering(6_000, "יש לי תור פנוי ביום ראשון בעשר בבוקר או בשתיים").caller_interrupts()
    turn = of(line, "assistant")[-1]
    assert turn.interrupted
    assert 1_000 <= turn.heard_ms < turn.generated_ms == 6_000
    assert turn.generated_text.startswith(turn.text)
    assert 0 < len(turn.text) < len(turn.generated_text) / 2


def test_what_nobody_heard_is_not_part_of_the_conversation() -> None:
    line = greeted().caller_turn().answers("אחת", 3_000, response="r2", status=None)
    line.hears(AssistantTextProduced("r2", "i9", "שתיים"), AssistantAudioProduced("r2", "i9", speech(1_000)))
    line.after(1_000).caller_interrupts().after(100)
    assert "i9" not in [turn.item_id for turn in line.all(RecordTurn)]


def test_the_callers_words_are_booked_when_he_began_however_late_they_come() -> None:
    line = greeted().hears(CallerSpeechStarted("u1"))
    began_ms = line.now_ms
    line.after(900).hears(CallerSpeechStopped("u1"), CallerTurnCommitted("u1")).answers("כן", 400)
    line.after(700).hears(CallerTranscribed("u1", " אפשר תור? "))
    (turn,) = of(line, "caller")
    assert (turn.text, turn.started_ms, turn.item_id) == ("אפשר תור?", began_ms, "u1")


def test_a_turn_without_words_is_no_turn() -> None:
    line = greeted().hears(CallerSpeechStarted("u1"), CallerTurnCommitted("u1"), CallerTranscribed("u1", "  "))
    assert of(line, "caller") == []


def test_the_memory_is_in_the_order_of_speech() -> None:
    transcript = Transcript((Remembered("assistant", "התקשרתם אתמול"),))
    transcript.caller_began("u1", 1_000)
    transcript.keys_pressed("123", 3_000)
    transcript.caller_said("u1", "שלום", 5_000)
    done: list[tuple[int, Command]] = [(2_000, AddToolCall("t1", "leads_search", "{}"))]
    assert transcript.retell(done, ["רק רגע"]) == [
        AddMessage("assistant", "התקשרתם אתמול"),
        AddMessage("user", "שלום"),
        AddToolCall("t1", "leads_search", "{}"),
        AddMessage("user", "[keypad] 123"),
        AddMessage("assistant", "רק רגע"),
    ]


@pytest.mark.requirement("R8")
def test_a_carrier_that_is_far_away_shows_in_its_marks_and_in_the_wait() -> None:
    line = greeted().caller_turn().answers("אחת", 200)
    played_ms = line.now_ms + 200
    line.until(SendMark).at(played_ms + 60).hears(MarkEchoed(line.last(SendMark).name))
    assert line.call.playout.round_trip_ms == 60

    line.after(1_000).hears(DigitPressed("#")).after(100).answers("שתיים", 400).after(800)
    assert of(line, "assistant")[-1].latency_ms == 100 + 30, "the sound still has to travel"
