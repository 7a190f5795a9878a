"""Speech without words, for machines without a synthesizer: syllables with a pitch, vowels and consonants.

It sounds like speech to a voice detector and to a person in the next room. Pure, and the same for the same text.
"""

import zlib
from typing import Final

import numpy as np

from agentlocator.simulator.espeak import Speaker, Wave


def babble(clause: str, speaker: Speaker) -> Wave:
    """About four syllables a second at 8 kHz, one for every two letters; peaks near 1."""
    rng = np.random.default_rng([zlib.crc32(clause.encode()), zlib.crc32(speaker.encode())])
    count = max(1, round(letters_spoken(clause) / _LETTERS_PER_SYLLABLE))
    return np.concatenate([_syllable(rng, _PITCH_HZ[speaker], at / count) for at in range(count)])


def letters_spoken(text: str) -> int:
    """How long a text takes to say, counted in letters: a digit takes two."""
    return sum(_LETTERS_PER_DIGIT if letter.isdigit() else letter.isalnum() for letter in text)


_LETTERS_PER_SYLLABLE: Final = 2
_LETTERS_PER_DIGIT: Final = 2
_PITCH_HZ: Final[dict[Speaker, float]] = {"caller": 115.0, "assistant": 195.0}
_HIGHEST_HZ: Final = 3400
_VOWELS: Final = (
    (700, 1200, 2500),
    (500, 1800, 2500),
    (300, 2200, 2900),
    (480, 900, 2400),
    (320, 800, 2300),
)
_BANDWIDTHS_HZ: Final = (90, 110, 160)
_LOUDNESSES: Final = (1.0, 0.6, 0.3)


def _syllable(rng: np.random.Generator, pitch_hz: float, progress: float) -> Wave:
    """A consonant's hiss running into a vowel; the pitch sinks over the clause as it does in a statement."""
    consonant = 0.15 * rng.standard_normal(int(rng.uniform(240, 440))) * rng.uniform(0.3, 1.0)
    samples = int(rng.uniform(1360, 1760))
    glide = np.linspace(1.04, 0.96, samples) * (1.1 - 0.2 * progress) * rng.uniform(0.95, 1.05)
    phase = 2 * np.pi * np.cumsum(pitch_hz * glide) / 8000
    vowel = _voiced(phase, pitch_hz, _VOWELS[rng.integers(len(_VOWELS))])
    swell = np.sin(np.pi * np.linspace(0.04, 1, samples)) ** 0.6
    return np.concatenate([consonant, vowel * swell])


def _voiced(phase: Wave, pitch_hz: float, formants_hz: tuple[int, ...]) -> Wave:
    """The harmonics of the pitch, as loud as the mouth's resonances let them through."""
    harmonics = np.arange(1, int(_HIGHEST_HZ / (1.2 * pitch_hz)))
    away = (harmonics[:, None] * pitch_hz - np.array(formants_hz)) / _BANDWIDTHS_HZ
    resonance = (np.array(_LOUDNESSES) / (1 + away**2)).sum(axis=1)
    sound = resonance @ np.sin(harmonics[:, None] * phase)
    loudest: Wave = sound / np.abs(sound).max()
    return loudest
