"""Words hidden in sound: heard wherever the bytes arrive as they left, and nowhere else."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio import g711
from agentlocator.audio.frames import FRAME_BYTES
from agentlocator.simulator.hidden_words import HeardWord, Listener, Word, embed, frames_needed

SENTENCE = [
    Word("שלום,", 40, 400),
    Word("אפשר", 400, 700),
    Word("לקבוע", 760, 1140),
    Word("תור?", 1140, 1500),
]
HEARD = [HeardWord(77, index, 4, word.text) for index, word in enumerate(SENTENCE)]


def sound(ms: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(ms * 8)


def said(seed: int = 1, utterance_id: int = 77) -> bytes:
    return embed(sound(1600, seed), SENTENCE, utterance_id)


def frames(audio: bytes) -> list[bytes]:
    return [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]


def test_what_was_said_is_heard() -> None:
    ear = Listener()

    assert ear.hear(said()) == HEARD
    assert ear.damaged == 0


def test_only_the_least_bits_of_the_words_frames_change() -> None:
    before, after = sound(1600), said()

    changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert all(before[at] ^ after[at] == 1 for at in changed)
    assert all(320 <= at < 5600 or 6080 <= at < 12000 for at in changed)


@given(st.data())
@settings(max_examples=60)
def test_pieces_of_any_size_at_any_offset(data: st.DataObject) -> None:
    line = data.draw(st.binary(max_size=400)) + said()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=30)))
    ear = Listener()

    heard = []
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        heard += ear.hear(line[start:end])

    assert heard == HEARD
    assert ear.damaged == 0


def test_one_byte_at_a_time() -> None:
    ear = Listener()

    assert [word for byte in said() for word in ear.hear(bytes([byte]))] == HEARD


@given(st.sets(st.integers(0, 79)))
@settings(max_examples=60)
def test_lost_frames_take_only_the_words_they_carry(lost: set[int]) -> None:
    ear = Listener()

    heard = [word for at, frame in enumerate(frames(said())) if at not in lost for word in ear.hear(frame)]

    assert ear.damaged == 0
    assert heard == [word for word in HEARD if word in heard], "in order, and each once"
    for word, expected in zip(SENTENCE, HEARD, strict=True):
        own = range(word.start_ms // 20, word.end_ms // 20)
        lost_share = len(lost & set(own)) / len(own)
        if lost_share >= 0.5:
            assert expected not in heard
        if lost_share < 0.25:
            assert expected in heard


@given(st.sets(st.integers(0, 79)), st.integers(2, 4))
@settings(max_examples=40)
def test_a_stutter_of_the_line_is_not_a_word_said_twice(stuttered: set[int], times: int) -> None:
    ear = Listener()

    heard = []
    for at, frame in enumerate(frames(said())):
        heard += ear.hear(frame * (times if at in stuttered else 1))

    assert heard == HEARD
    assert ear.damaged == 0


@pytest.mark.requirement("R10")
def test_speech_stopped_in_mid_word_was_not_heard_in_full() -> None:
    upto_ms = 860  # a quarter of the third word
    ear = Listener()

    assert ear.hear(said()[: upto_ms * 8] + b"\xff" * 8000) == HEARD[:2]
    assert ear.damaged == 0


@pytest.mark.requirement("R13")
def test_speech_paused_in_mid_word_and_resumed_is_heard_once() -> None:
    upto = 860 * 8
    ear = Listener()

    assert ear.hear(said()[:upto] + b"\xff" * 16000 + said()[upto:]) == HEARD


def test_the_same_words_said_again_are_heard_again() -> None:
    yes = embed(sound(400), [Word("כן", 0, 400)], 5)

    assert Listener().hear(yes * 3) == [HeardWord(5, 0, 1, "כן")] * 3
    assert Listener().hear(said() + said()) == HEARD * 2


def test_two_voices_are_not_confused() -> None:
    ear = Listener()

    heard = ear.hear(said(utterance_id=1)) + ear.hear(said(seed=2, utterance_id=2))

    assert [word.utterance_id for word in heard] == [1] * 4 + [2] * 4


@pytest.mark.requirement("R2")
@pytest.mark.parametrize("quiet", [True, False])
def test_every_single_altered_bit_silences_its_frame_and_is_counted(quiet: bool) -> None:
    word = Word("כן", 0, 20)
    whole = embed(b"\xff" * 160 if quiet else sound(20), [word], 9)
    assert Listener().hear(whole) == [HeardWord(9, 0, 1, "כן")]

    for bit in range(len(whole) * 8):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        ear = Listener()
        assert ear.hear(bytes(altered)) == []
        assert ear.damaged == 1, f"bit {bit} went unnoticed"


@given(st.integers(1, 1279), st.data())
@settings(max_examples=100)
def test_any_alteration_of_a_frame_silences_it(count: int, data: st.DataObject) -> None:
    whole = embed(sound(20), [Word("כן", 0, 20)], 9)
    mask = bytearray(160)
    for bit in random.Random(data.draw(st.integers())).sample(range(1280), count):
        mask[bit // 8] |= 1 << bit % 8

    assert Listener().hear(bytes(a ^ b for a, b in zip(whole, mask, strict=True))) == []


@pytest.mark.requirement("R2")
@pytest.mark.parametrize("gain", [0.5, 0.9, 1.1])
def test_louder_or_softer_is_not_the_same_sound(gain: float) -> None:
    speech = embed(_hum(1600), SENTENCE, 77)

    assert Listener().hear(g711.encode((g711.decode(speech) * gain).astype(np.int16))) == []


@pytest.mark.requirement("R2")
def test_resampled_sound_is_not_the_same_sound() -> None:
    samples = g711.decode(embed(_hum(1600), SENTENCE, 77)).astype(np.float64)
    at = np.arange(len(samples))
    up = np.interp(np.arange(0, len(samples), 1 / 3), at, samples)
    smooth = np.convolve(up, np.ones(3) / 3, "same")[::3]

    assert Listener().hear(g711.encode(smooth.astype(np.int16))) == []


def test_reversed_or_inverted_it_says_nothing() -> None:
    audio = said()

    assert Listener().hear(audio[::-1]) == []
    assert Listener().hear(bytes(byte ^ 1 for byte in audio)) == []


@pytest.mark.parametrize("code", [0x00, 0x7F, 0x80, 0xFF])
def test_silence_and_stuck_lines_say_nothing(code: int) -> None:
    ear = Listener()

    assert ear.hear(bytes([code]) * 80_000) == []
    assert ear.damaged == 0


def test_ten_minutes_of_noise_say_nothing_and_damage_nothing() -> None:
    ear = Listener()

    assert ear.hear(sound(600_000, seed=3)) == []
    assert ear.damaged == 0


def test_a_word_too_short_for_its_text_is_a_bug_and_says_so() -> None:
    assert frames_needed("כן") == 1
    assert frames_needed("אינטרנט") == 5
    with pytest.raises(AssertionError, match="אינטרנט"):
        embed(sound(80), [Word("אינטרנט", 0, 80)], 1)


def test_a_word_that_outlasts_its_audio_is_a_bug_and_says_so() -> None:
    with pytest.raises(AssertionError, match="after its audio"):
        embed(sound(80), [Word("כן", 40, 160)], 1)


def _hum(ms: int) -> bytes:
    phase = 2 * np.pi * 180 / 8000 * np.arange(ms * 8)
    return g711.encode((9000 * np.sin(phase) + 3000 * np.sin(5 * phase)).astype(np.int16))
