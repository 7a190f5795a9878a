"""The sounds on a caller's line that are not speech: a cough, the line itself, a key, nothing.

Each is µ-law in whole frames and carries no words. Pure: what varies comes from the caller's `rng`.
"""

import random
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlocator.audio import g711
from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, SILENCE_FRAME

COUGH_PEAK_DBFS: Final = -6.0
KEY_DBFS: Final = -16.0


def cough(rng: random.Random) -> bytes:
    """One or two bursts of breath, 150 to 450 ms: louder than speech, unvoiced, gone at once."""
    noise = _noise(rng)
    bursts = [_burst(noise, rng) for _ in range(rng.choice([1, 2]))]
    sound = np.concatenate(bursts)
    return _as_frames(sound * (_amplitude(COUGH_PEAK_DBFS) / np.abs(sound).max()))


def line_noise(ms: int, dbfs: float, rng: random.Random) -> bytes:
    """A bad line at an RMS level: hiss, some rumble, and the hum of the mains."""
    samples = len(silence(ms))
    if not samples:
        return b""
    noise = _noise(rng)
    hiss = noise.standard_normal(samples)
    rumble = np.convolve(noise.standard_normal(samples), np.ones(16) / 4, "same")
    hum = np.sin(2 * np.pi * (50 * np.arange(samples) / 8000 + rng.random()))
    sound = hiss + 0.7 * rumble + 0.5 * hum
    return _as_frames(sound * (_amplitude(dbfs) / np.sqrt(np.mean(sound**2))))


def keypad_tone(key: str, ms: int = 120) -> bytes:
    """The two tones of a key (0-9, *, #), as a telephone that signals in band sends them (ITU-T Q.23)."""
    row = next(row for row, keys in enumerate(_KEYS) if key in keys)
    low_hz, high_hz = _ROWS_HZ[row], _COLUMNS_HZ[_KEYS[row].index(key)]
    at = np.arange(ms * BYTES_PER_MS) / 8000
    sound = np.sin(2 * np.pi * low_hz * at) + np.sin(2 * np.pi * high_hz * at)
    return _as_frames(sound * _amplitude(KEY_DBFS))


def silence(ms: int) -> bytes:
    """A line on which nobody speaks and nothing hums."""
    return SILENCE_FRAME * -(-ms * BYTES_PER_MS // FRAME_BYTES)


_KEYS: Final = ("123", "456", "789", "*0#")
_ROWS_HZ: Final = (697, 770, 852, 941)
_COLUMNS_HZ: Final = (1209, 1336, 1477)


def _noise(rng: random.Random) -> np.random.Generator:
    return np.random.default_rng(rng.getrandbits(64))


def _amplitude(dbfs: float) -> float:
    return float(32768 * 10 ** (dbfs / 20))


def _burst(noise: np.random.Generator, rng: random.Random) -> npt.NDArray[np.float64]:
    """A glottal blow: full within 8 ms, then fading; darker than hiss, as a throat makes it."""
    samples = round(rng.uniform(150, 220)) * BYTES_PER_MS
    breath = np.convolve(noise.standard_normal(samples), np.hanning(6), "same")
    attack = np.minimum(1.0, np.arange(samples) / 64)
    decay = np.exp(-np.arange(samples) / rng.uniform(300, 500))
    return breath * attack * decay


def _as_frames(sound: npt.NDArray[np.float64]) -> bytes:
    audio = g711.encode(np.clip(sound, -g711.LOUDEST, g711.LOUDEST).astype(np.int16))
    return audio + SILENCE_FRAME[: -len(audio) % FRAME_BYTES]
