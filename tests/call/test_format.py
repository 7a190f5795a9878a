"""What the caller gets is what the model made: 160 bytes at a time, not a bit changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.call.commands import AppendAudio, PlayFrame, SendMark
from agentlocator.call.events import (
    AssistantAudioFinished,
    ResponseFinished,
    ResponseStarted,
    StreamStarted,
)
from call.playbook import INTERRUPTION, caller_frames, configured, greeted, speech, spoken


@pytest.mark.requirement("R2")
@given(st.integers(1, 12_000), st.integers(1, 5_000))
@settings(max_examples=60, deadline=None)
def test_the_models_bytes_are_the_callers_bytes_whatever_their_pieces(size: int, chunk_bytes: int) -> None:
    audio = speech(1_500)[:size]
    line = configured().hears(StreamStarted("MZ1"), ResponseStarted("r1"))
    line.hears(*spoken("r1", "i1", "שלום", audio, chunk_bytes))
    line.hears(AssistantAudioFinished("i1"), ResponseFinished("r1", "completed")).after(2_000)

    frames = [frame.audio for frame in line.all(PlayFrame)]
    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    assert line.played[:size] == audio
    padding = line.played[size:]
    assert len(padding) < FRAME_BYTES
    assert SILENCE_FRAME.startswith(padding), "only the last frame is filled up, with silence"


@pytest.mark.requirement("R2")
def test_no_frame_is_filled_up_while_more_may_come() -> None:
    line = configured().hears(StreamStarted("MZ1"), ResponseStarted("r1"))
    audio = speech(50)
    line.hears(*spoken("r1", "i1", "", audio[:300], 300)).after(200)
    assert line.played == audio[:160]
    line.hears(*spoken("r1", "i1", "", audio[300:], 300)).after(100)
    assert line.played == audio[:320]
    line.hears(AssistantAudioFinished("i1")).after(100)
    assert line.played == audio + SILENCE_FRAME[: 480 - len(audio)]


@pytest.mark.requirement("R2")
def test_what_the_model_hears_of_the_caller_is_what_he_said() -> None:
    line = greeted()
    start = len(line.forwarded)
    line.caller_says(INTERRUPTION).after(600)
    assert b"".join(caller_frames(INTERRUPTION)) in line.forwarded[start:]
    assert all(len(command.audio) % FRAME_BYTES == 0 for command in line.all(AppendAudio))


def test_frames_leave_a_little_ahead_of_real_time_and_then_one_by_one() -> None:
    line = configured().at(300).hears(StreamStarted("MZ1")).answers(ms=400)
    line.after(1_000)
    assert line.times(PlayFrame) == [300] * 3 + list(range(320, 320 + 17 * 20, 20))


def test_marks_tell_how_far_the_caller_has_heard() -> None:
    line = configured().at(300).hears(StreamStarted("MZ1")).answers(ms=500).after(1_000)
    assert [mark.name for mark in line.all(SendMark)] == ["g0:10", "g0:20", "g0:25"]
