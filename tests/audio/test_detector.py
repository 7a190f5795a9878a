"""What the ear makes of a line, with the neural detector's answers played by the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio.detector import Ear, Evidence, Heard
from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.audio.g711 import encode

LOUDNESS = 6000
FULL_SCALE_SQUARE = (b"\x80" * 20 + b"\x00" * 20) * 4


def voice(frames: int, amplitude: float = LOUDNESS, pitch_hz: float = 130.0) -> list[bytes]:
    """A gliding buzz with harmonics: voiced as a person is, and never twice the same."""
    times = np.arange(frames * 160) / 8000
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 3 * times))) / 8000
    sound = sum(np.sin(k * phase) / k for k in range(1, 9)) * amplitude / 2
    return split(np.asarray(sound) * (0.55 + 0.45 * np.sin(2 * np.pi * 5 * times)))


def noise(frames: int, amplitude: float, seed: int = 1) -> list[bytes]:
    return split(np.random.default_rng(seed).standard_normal(frames * 160) * amplitude)


def split(sound: np.ndarray) -> list[bytes]:
    coded = encode(np.clip(sound, -32000, 32000).astype(np.int16))
    return [coded[at : at + 160] for at in range(0, len(coded), 160)]


class Line:
    """A caller's line: `probability` is what the neural detector answers, None that it never does."""

    def __init__(self, probability: float | None = 0.95) -> None:
        self.ear = Ear()
        self.probability = probability
        self.now_ms = 0
        self.asked = 0

    def hear(self, frames: list[bytes], playing: bytes | list[bytes] | None = SILENCE_FRAME) -> Evidence:
        for number, frame in enumerate(frames):
            self.now_ms += 20
            played = playing[number] if isinstance(playing, list) else playing
            heard: Heard = self.ear.hear(frame, played, self.now_ms)
            evidence = heard.evidence
            if heard.wants is not None:
                self.asked += 1
                assert len(heard.wants.audio) % 256 == (32 if heard.wants.glance else 0)
                if self.probability is not None:
                    evidence = self.ear.scored(self.probability, self.now_ms)
        return evidence


def test_how_a_word_begins_is_judged_in_every_frame_and_not_only_when_a_window_is_full() -> None:
    interrupting, in_his_turn = Line(), Line()
    interrupting.hear(voice(6))
    in_his_turn.hear(voice(6), None)
    assert interrupting.asked == 6
    assert in_his_turn.asked < 6


def test_a_glance_counts_for_its_frame_and_no_longer() -> None:
    line = Line()
    frames = voice(2)
    line.hear(frames[:1])
    line.probability = 0.0
    doubted = line.hear(frames[1:])
    line.probability = None
    later = line.hear(voice(3)[2:])
    assert doubted.probability == 0.0
    assert later.probability == 0.95


def test_a_quiet_line_is_never_shown_to_the_neural_detector() -> None:
    line = Line()
    evidence = line.hear(noise(100, 15))
    assert line.asked == 0
    assert evidence.began_ms == -1
    assert not evidence.speech


@pytest.mark.requirement("R12")
def test_speech_becomes_evidence_with_the_time_it_began() -> None:
    line = Line()
    line.hear(noise(50, 15))
    evidence = line.hear(voice(16))
    assert evidence.began_ms == 1000
    assert evidence.speech_ms > 100
    assert evidence.active_ms >= 260
    assert evidence.voicing > 0.7
    assert evidence.voiced_frames > evidence.active_frames / 2


@pytest.mark.requirement("R12")
def test_what_the_neural_detector_denies_is_no_speech_however_loud() -> None:
    line = Line(probability=0.05)
    line.hear(noise(50, 15))
    evidence = line.hear(noise(40, 6000))
    assert line.asked > 10
    assert evidence.speech_ms == 0
    assert evidence.active_ms == 0
    assert not evidence.speech


@pytest.mark.requirement("R12")
def test_a_whisper_has_evidence_but_no_voice() -> None:
    line = Line(probability=0.9)
    line.hear(noise(50, 15))
    evidence = line.hear(noise(20, 1500))
    assert evidence.speech_ms > 100
    assert evidence.voiced_frames == 0


@pytest.mark.requirement("R12")
def test_a_whispered_vowel_repeats_itself_as_a_voice_does_but_without_harmonics() -> None:
    whispering, speaking = Line(), Line()
    times = np.arange(800) / 8000
    tract = np.exp(-60 * times) * np.cos(2 * np.pi * 480 * times)
    vowel = np.convolve(np.random.default_rng(1).standard_normal(24 * 160), tract)[: 24 * 160]
    hiss = np.random.default_rng(2).standard_normal(24 * 160)
    whisper = whispering.hear(split(vowel / vowel.std() * 1500 + hiss * 30))
    spoken = speaking.hear(voice(24))
    assert whisper.voicing > 0.7
    assert whisper.harmony < 0.052
    assert spoken.harmony > 0.065


@pytest.mark.requirement("R12")
def test_our_own_voice_coming_back_is_explained_and_builds_up_nothing() -> None:
    line = Line()
    said = voice(80, amplitude=9000)
    delay = 6
    back = [SILENCE_FRAME] * delay + voice(80, amplitude=1500)[: 80 - delay]
    evidence = line.hear(back, playing=said)
    assert evidence.echoing
    assert evidence.active_ms < 100
    assert evidence.speech_ms < 60


@pytest.mark.requirement("R12")
def test_a_caller_over_our_echo_is_not_explained_by_it() -> None:
    line = Line()
    said = voice(80, amplitude=9000)
    back = np.frombuffer(b"".join([SILENCE_FRAME] * 6 + voice(74, amplitude=900)), np.uint8)
    line.hear([bytes(back[at : at + 160]) for at in range(0, 60 * 160, 160)], playing=said[:60])
    evidence = line.hear(voice(20, pitch_hz=210), playing=said[60:])
    assert evidence.echo_db < 5
    assert evidence.active_ms >= 200


def test_without_answers_the_ear_goes_on_by_voicing_and_says_so() -> None:
    line = Line(probability=None)
    line.hear(noise(50, 15))
    evidence = line.hear(voice(40))
    assert evidence.blind
    assert evidence.speech_ms > 100


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    ear = Ear()
    before = ear.hear(SILENCE_FRAME, None, 20).evidence
    assert ear.scored(1.0, 20) == before


def test_an_answer_about_an_earlier_sound_is_not_taken_for_the_present_one() -> None:
    ear = Ear()
    now_ms = 0
    for frame in [*voice(1), *[SILENCE_FRAME] * 10, *voice(1)]:
        now_ms += 20
        ear.hear(frame, SILENCE_FRAME, now_ms)
    assert ear.scored(1.0, now_ms).speech_ms == 0


@pytest.mark.requirement("R15")
def test_a_callers_level_is_learnt_in_his_own_turn() -> None:
    line = Line()
    line.hear(noise(30, 15), playing=None)
    evidence = line.hear(voice(60), playing=None)
    assert evidence.speech
    assert evidence.caller_dbfs is not None
    assert -30 < evidence.caller_dbfs < -10


def test_the_same_frames_and_answers_give_the_same_evidence() -> None:
    frames = noise(30, 15) + voice(30) + noise(30, 400) + voice(20)
    assert Line().hear(frames) == Line().hear(frames)


@pytest.mark.parametrize(
    "hostile",
    [b"\x00" * 160, b"\xff" * 160, b"\x7f" * 160, b"\x80" * 160, FULL_SCALE_SQUARE, b"", b"\x12", b"\x34" * 500],
    ids=["all 0x00", "all 0xFF", "minus zero", "constant", "square", "empty", "one byte", "too long"],
)
def test_after_hostile_audio_the_ear_still_hears_speech(hostile: bytes) -> None:
    line = Line()
    line.hear([hostile] * 100, playing=hostile)
    line.hear(noise(120, 15))
    assert line.hear(voice(20)).active_ms > 250


@given(st.lists(st.one_of(st.binary(max_size=400), st.binary(min_size=160, max_size=160)), max_size=30))
def test_no_bytes_crash_the_ear(payloads: list[bytes]) -> None:
    line = Line()
    for payload in payloads:
        line.hear([payload], playing=payload)
    assert np.isfinite(line.hear(voice(3)).mean_dbfs)
