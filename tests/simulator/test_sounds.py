"""The sounds that are not speech: whole frames, at their level, without words."""

import random

import numpy as np
import pytest

from agentlocator.audio import g711
from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.audio.level import level_dbfs
from agentlocator.simulator.hidden_words import Listener
from agentlocator.simulator.sounds import cough, keypad_tone, line_noise, silence


def strongest_hz(audio: bytes, count: int) -> list[int]:
    samples = g711.decode(audio)[:800]
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8000))
    found = []
    for _ in range(count):
        peak = int(power.argmax())
        found.append(peak)
        power[max(0, peak - 40) : peak + 40] = 0
    return sorted(found)


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("seed", range(20))
def test_a_cough_is_loud_short_and_wordless(seed: int) -> None:
    sound = cough(random.Random(seed))

    assert 140 <= len(sound) / 8 <= 460
    assert len(sound) % FRAME_BYTES == 0
    assert max(level_dbfs(sound[at : at + 160]) for at in range(0, len(sound), 160)) > -20
    assert Listener().hear(sound) == []


def test_a_cough_is_the_same_for_the_same_seed_only() -> None:
    assert cough(random.Random(1)) == cough(random.Random(1))
    assert cough(random.Random(1)) != cough(random.Random(2))


@pytest.mark.parametrize("dbfs", [-55, -40, -25])
def test_line_noise_has_the_level_asked_for(dbfs: int) -> None:
    noise = line_noise(2000, dbfs, random.Random(5))

    assert len(noise) == 16000
    assert level_dbfs(noise) == pytest.approx(dbfs, abs=0.5)
    assert Listener().hear(noise) == []


@pytest.mark.requirement("R5")
@pytest.mark.parametrize(("key", "hz"), [("1", [697, 1209]), ("0", [941, 1336]), ("#", [941, 1477])])
def test_a_key_is_its_two_tones(key: str, hz: list[int]) -> None:
    assert strongest_hz(keypad_tone(key), 2) == pytest.approx(hz, abs=3)


def test_silence_and_no_noise_are_whole_frames() -> None:
    assert silence(40) == SILENCE_FRAME * 2
    assert silence(41) == SILENCE_FRAME * 3
    assert len(line_noise(1, -40, random.Random(1))) == FRAME_BYTES
    assert silence(0) == line_noise(0, -40, random.Random(1)) == b""
