"""What the model hears of the caller: his speech whole, with what came before and after it, and nothing of the line."""

from __future__ import annotations

import random
from itertools import cycle
from typing import Any

import pytest

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call.commands import AppendAudio, RequestResponse
from agentlocator.call.events import (
    CallerAudio,
    CallerTurnCommitted,
    CallOffered,
    Event,
    ModelConnected,
    SessionConfirmed,
    SpeechScored,
    StreamStarted,
)
from agentlocator.simulator import sounds
from call.playbook import GREETING, INTERRUPTION, VOICE, Line, answering, caller_frames

HUM = [
    sounds.line_noise(4_000, -42.0, random.Random(7))[at : at + FRAME_BYTES]
    for at in range(0, 4_000 * BYTES_PER_MS, FRAME_BYTES)
]
SENTENCE = "שלום, אני רוצה לקבוע תור לבדיקה, אם אפשר ביום ראשון"
PRE_ROLL_MS = 300
HANGOVER_MS = 600


class NoisyLine(Line):
    """A line that hums, and whose neural detector is never fooled: it knows when the caller really speaks."""

    def __init__(self, **policy: Any) -> None:
        super().__init__(GREETING, **policy)
        hum = cycle(HUM)
        self.caller_sound = lambda: next(hum)
        self.talking = False

    def greet(self) -> NoisyLine:
        self.hears(CallOffered()).at(100).hears(ModelConnected()).at(150).hears(SessionConfirmed(VOICE))
        self.at(300).hears(StreamStarted("MZ1")).answers(GREETING, 1_000).after(1_200).meanwhile()
        return self

    def speaks(self, text: str = SENTENCE) -> list[bytes]:
        """He says it; returns the frames of it."""
        self.talking = True
        self.caller_says(text)
        self.talking = False
        return caller_frames(text)

    def _happen(self, event: Event) -> None:
        super()._happen(SpeechScored(0.97 if self.talking else 0.02) if isinstance(event, SpeechScored) else event)


def new(line: Line, before: int) -> list[bytes]:
    """The frames forwarded since then."""
    audio = line.forwarded[before:]
    assert len(audio) % FRAME_BYTES == 0
    return [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]


@pytest.mark.requirement("R15")
def test_the_hum_of_an_idle_line_is_silence_to_the_model() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet()
    before = len(line.forwarded)
    line.after(20_000)
    assert set(new(line, before)) == {SILENCE_FRAME}
    assert len(line.all(RequestResponse)) == 1, "nobody answers a noise"


@pytest.mark.requirement("R15")
def test_the_stream_to_the_model_keeps_the_time_of_the_call() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet()
    before = len(line.forwarded)
    line.after(6_000).speaks()
    line.after(6_000)
    lasted_ms = 12_000 + len(caller_frames(SENTENCE)) * FRAME_MS
    assert abs(len(new(line, before)) * FRAME_MS - lasted_ms) <= 5 * FRAME_MS, "its silences are how it hears turns end"


@pytest.mark.requirement("R15")
@pytest.mark.requirement("R14")
def test_speech_passes_whole_with_the_line_before_and_after_it() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet().after(3_000)
    before = len(line.forwarded)
    said = line.speaks()
    line.after(3_000)
    frames = new(line, before)
    start = next(at for at in range(len(frames)) if frames[at : at + len(said)] == said)
    after = frames[start + len(said) :]
    opening = [frame for frame in frames[:start] if frame != SILENCE_FRAME]
    hangover = after.index(SILENCE_FRAME)
    assert len(opening) * FRAME_MS >= PRE_ROLL_MS, "no first syllable is clipped"
    assert hangover * FRAME_MS >= HANGOVER_MS, "nor a last one"
    assert hangover * FRAME_MS <= 2_000
    assert set(after[hangover:]) == {SILENCE_FRAME}


@pytest.mark.requirement("R15")
def test_a_breath_inside_a_sentence_does_not_close_the_line() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet().after(2_000)
    before = len(line.forwarded)
    first = line.speaks("אני רוצה לקבוע תור")
    line.after(300)
    second = line.speaks("ליום ראשון בבוקר")
    forwarded = line.forwarded[before:]
    start = forwarded.index(b"".join(first))
    assert SILENCE_FRAME not in new(line, before)[start // FRAME_BYTES :]
    assert forwarded.endswith(b"".join(second))


@pytest.mark.requirement("R15")
def test_while_the_assistant_speaks_neither_noise_nor_silence_reaches_the_model() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet().after(1_000)
    line.hears(CallerTurnCommitted("u1")).answers("תשובה ארוכה", 4_000).after(100)
    heard = len(line.all(AppendAudio))
    line.after(3_500)
    assert len(line.all(AppendAudio)) == heard


@pytest.mark.requirement("R15")
def test_after_the_assistant_has_spoken_the_hum_is_silence_again() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet().after(1_000)
    line.hears(CallerTurnCommitted("u1")).answers("תשובה", 2_000).after(2_100)
    before = len(line.forwarded)
    line.after(4_000)
    assert set(new(line, before)) == {SILENCE_FRAME}


@pytest.mark.requirement("R14")
def test_a_caller_who_begins_right_after_the_assistants_last_word_is_heard_whole() -> None:
    line = answering(1_100)
    before = len(line.forwarded)
    line.after(120)
    said = caller_frames(INTERRUPTION)[:40]
    line.caller_says(INTERRUPTION, 800)
    assert b"".join(said) in line.forwarded[before:]


@pytest.mark.requirement("R14")
@pytest.mark.parametrize("overlap_ms", [20, 60, 100, 140])
def test_so_is_one_who_begins_on_it(overlap_ms: int) -> None:
    line = answering(1_000 + overlap_ms)
    before = len(line.forwarded)
    said = caller_frames(INTERRUPTION)[:40]
    line.caller_says(INTERRUPTION, 800)
    # Whether the very frame in which both spoke is among them is not what he would notice.
    assert b"".join(said[1:]) in line.forwarded[before:]


@pytest.mark.requirement("R15")
def test_a_business_without_the_gate_gives_the_model_every_frame_of_his_turn() -> None:
    line = NoisyLine(noise_gate=False, silence_prompt_ms=60_000).greet()
    before, heard = len(line.forwarded), len(line.history)
    sent: list[bytes] = []
    line.caller_sound = None
    for frame in HUM[:100]:
        line.after(FRAME_MS).hears(CallerAudio(frame))
        sent.append(frame)
    assert new(line, before) == sent
    later = [command for _, command in line.history[heard:] if isinstance(command, AppendAudio)]
    assert [command.audio for command in later] == sent, "each at once, none in a batch"


def test_silence_waits_for_nobody_and_speech_is_not_held_up_by_it() -> None:
    line = NoisyLine(silence_prompt_ms=60_000).greet().after(2_000)
    line.talking = True
    frames = caller_frames(SENTENCE)
    late: list[int] = []
    line.caller_sound = None
    for frame in frames[:50]:
        before = len(line.forwarded)
        line.after(FRAME_MS).hears(CallerAudio(frame))
        late.append(0 if line.forwarded[before:].endswith(frame) else 1)
    assert sum(late) * FRAME_MS <= 200, "speech reaches the model within moments of its beginning"
    assert late[10:] == [0] * len(late[10:]), "and then frame by frame"
