"""A journal becomes a picture: what it shows is what the call did, with the numbers that led to it."""

from __future__ import annotations

import msgspec
import pytest

from agentlocator.call.commands import FinishCall, RecordTurn, ReportBargeIn
from agentlocator.call.events import (
    CallerHungUp,
    DigitPressed,
    ModelConnected,
    ModelDisconnected,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    ToolFinished,
    ToolRequested,
)
from agentlocator.call.journal import JournalError
from agentlocator.microscope import read_picture
from agentlocator.microscope.picture import CallPicture
from call.playbook import GREETING, VOICE, Line, answering, caller_frames, greeted


def seen(line: Line) -> CallPicture:
    return read_picture(line.lines)


def interrupted() -> Line:
    return answering(5_000).caller_interrupts().after(500).hears(CallerHungUp("stop"))


def test_the_summary_says_what_the_call_said_of_itself() -> None:
    line = interrupted()
    finish, summary = line.last(FinishCall), seen(line).summary

    assert (summary.outcome, summary.tx, summary.rx) == (finish.outcome, finish.tx, finish.rx)
    assert (summary.produced_ms, summary.heard_ms) == (finish.produced_ms, finish.heard_ms)
    assert summary.discarded_ms == finish.discarded_ms > 3_000
    assert summary.duration_ms == line.now_ms
    assert summary.interruptions == 1


@pytest.mark.requirement("R13")
def test_each_decision_stands_at_its_time_with_its_evidence() -> None:
    line = interrupted()
    pause, commit = seen(line).verdicts

    assert [pause.at_ms, commit.at_ms] == line.times(ReportBargeIn)
    assert (pause.verdict, commit.verdict) == ("pause", "commit")
    assert pause.evidence
    assert pause.evidence.speech_ms >= 32
    assert commit.evidence
    assert commit.evidence.active_ms >= 320
    assert commit.reason == "continuous speech"


@pytest.mark.requirement("R10")
def test_what_was_made_and_never_heard_is_kept_apart() -> None:
    line = interrupted()
    picture = seen(line)
    booked = line.last(RecordTurn)
    cut = next(said for said in picture.said if said.interrupted)
    (lost,) = picture.unheard

    assert f"{cut.text} {cut.unheard_text}" == booked.generated_text
    assert lost.item_id == booked.item_id
    assert lost.length_ms == pytest.approx(booked.generated_ms - booked.heard_ms, abs=20)
    # It would have gone on where he took the floor; the sound had stopped earlier, at the pause.
    assert lost.envelope.start_ms == picture.verdicts[-1].at_ms > cut.end_ms


def test_the_assistants_outline_lies_where_it_was_heard() -> None:
    picture = seen(greeted(1_000))
    (greeting,) = picture.said
    sounding = [index * 40 for index, high in enumerate(picture.assistant.high) if high > 0]

    assert greeting.text == GREETING
    assert sounding[0] == pytest.approx(greeting.start_ms, abs=40)
    assert sounding[-1] == pytest.approx(greeting.start_ms + 1_000, abs=60)


@pytest.mark.requirement("R14")
def test_an_interruption_reaches_the_model_from_before_its_first_syllable() -> None:
    line = interrupted()
    picture = seen(line)
    commit = picture.verdicts[-1]
    late = next(p for p in picture.passages if p.way == "late" and p.start_ms < commit.at_ms <= p.end_ms + 40)
    before = picture.passages[picture.passages.index(late) - 1]

    assert late.start_ms <= commit.at_ms - commit.speech_ms
    assert before.way == "held"


@pytest.mark.requirement("R15")
def test_a_quiet_caller_is_silence_to_the_model() -> None:
    assert [passage.way for passage in seen(greeted().after(2_000)).passages] == ["held", "silence"]


@pytest.mark.requirement("R8")
def test_a_wait_lies_between_the_callers_last_word_and_the_answer() -> None:
    picture = seen(answering(1_000).after(2_000))
    opening, wait = [said.latency for said in picture.said if said.latency]

    assert opening.opening
    assert not wait.opening
    answer = picture.said[-1]
    assert wait.end_ms == answer.start_ms
    assert picture.summary.latency_p50_ms == picture.summary.latency_p95_ms == wait.length_ms


def test_a_noise_that_is_no_speech_is_a_false_pause() -> None:
    line = answering(5_000)
    frames = iter(caller_frames("רגע סליחה")[:10])
    quiet = line.caller_sound
    assert quiet
    line.caller_sound = lambda: next(frames, quiet())
    line.after(2_500)
    assert line.verdicts == ["pause", "resume"]

    assert seen(line).summary.false_pauses == 1
    assert seen(line).unheard == ()


def test_tools_show_how_long_they_took_and_whether_they_were_granted() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2"))
    line.hears(ToolRequested("r2", "t1", "calendar_find_slots", "{}"), ToolRequested("r2", "t2", "leads_upsert", "{}"))
    line.hears(ResponseFinished("r2", "completed")).after(300)
    line.hears(ToolFinished("t1", '{"ok":true}')).after(200).hears(ToolFinished("t2", '{"ok":false}', ok=False))
    slots, lead = seen(line).tools

    assert (slots.name, slots.ok) == ("calendar_find_slots", True)
    assert slots.finished_ms == slots.requested_ms + 300
    assert (lead.ok, lead.finished_ms) == (False, lead.requested_ms + 500)


def test_a_tool_that_never_answers_fails_at_its_deadline() -> None:
    line = greeted(tool_timeout_ms=2_000, dead_air_ms=60_000).caller_turn().hears(ResponseStarted("r2"))
    line.hears(ToolRequested("r2", "t1", "calendar_find_slots", "{}"), ResponseFinished("r2", "completed")).after(2_500)
    (run,) = seen(line).tools

    assert (run.ok, run.finished_ms) == (False, run.requested_ms + 2_000)
    assert [alarm.code for alarm in seen(line).alarms] == ["tool_timed_out"]


def test_a_lost_model_shows_where_it_was_lost_and_what_went_with_it() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r9")).hears(ModelDisconnected("closed with 1011"))
    lost_ms = line.now_ms
    line.after(400).hears(ModelConnected(), SessionConfirmed(VOICE))
    picture = seen(line)
    first, second = picture.connections

    assert (first.lost, first.ended_ms, first.reason) == (True, lost_ms, "closed with 1011")
    assert (second.confirmed_ms, second.ended_ms) == (line.now_ms, None)
    assert next(r for r in picture.responses if r.response_id == "r9").status == "lost"
    assert any(passage.way == "nobody" for passage in picture.passages)


@pytest.mark.requirement("R5")
def test_keys_are_shown_as_they_were_pressed_and_as_they_were_read() -> None:
    line = greeted().hears(DigitPressed("4"), DigitPressed("2")).after(2_000)
    picture = seen(line)

    assert [key for _, key in picture.keys] == ["4", "2"]
    assert [said.text for said in picture.said if said.speaker == "keypad"] == ["42"]


def test_a_journal_that_ends_before_its_call_is_still_a_picture() -> None:
    line = answering(3_000)
    picture = read_picture([*line.lines, b'{"t":99999,"e":{"ev'])

    assert picture.summary.outcome == ""
    assert picture.summary.duration_ms <= line.now_ms
    assert picture.responses[-1].status == "completed"


def test_it_counts_where_todays_core_acts_otherwise() -> None:
    line = interrupted()
    assert seen(line).divergences == 0
    forged = [row.replace(b'"verdict":"commit"', b'"verdict":"resume"') for row in line.lines]

    assert read_picture(forged).divergences == 1


def test_what_is_no_journal_is_refused_with_the_line() -> None:
    with pytest.raises(JournalError, match="line 1"):
        read_picture([b"hello\n"])
    with pytest.raises(JournalError, match="line 2"):
        read_picture([greeted().lines[0], b'{"t":1,"e":{"event":"Unheard"}}\n'])


def test_a_picture_is_a_value_that_survives_json() -> None:
    picture = seen(interrupted())
    assert msgspec.json.decode(msgspec.json.encode(picture), type=CallPicture) == picture
    assert seen(interrupted()) == picture
