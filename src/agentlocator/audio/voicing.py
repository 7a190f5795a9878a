"""Whether a stretch of sound was made by vocal cords: regular, at a pitch a person can have.

A whisper, a cough and a rustle are not; a hum and a bell are regular too, which is why this is one witness among
several and never decides alone.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

WINDOW_SAMPLES: Final = 480
"""60 ms: two or more periods of the deepest voice."""

Samples = npt.NDArray[np.float32]


class Voice(NamedTuple):
    """Two witnesses of vocal cords, both 0 for noise.

    `voicing`: the strongest self-similarity at pitches of 70 to 400 Hz, 1 for a pure tone. One resonance of a
    whispered vowel reaches it too. `harmony`: the same of the spectrum's eighth root, in which every harmonic counts
    alike and no resonance decides: averaged over a few syllables 0.06 and more for a voice, less for a whisper.
    """

    voicing: float
    harmony: float


def voice(sound: Samples) -> Voice:
    """How much of a voice is in the last 60 ms at 8 kHz, in any unit, from 90 to 1200 Hz; its harmony up to 1400 Hz."""
    assert len(sound) == WINDOW_SAMPLES, f"voicing is measured over {WINDOW_SAMPLES} samples, not {len(sound)}"
    spectrum = np.fft.rfft(sound[0::2] + sound[1::2], _TRANSFORM)[_BAND]
    powers = np.empty((2, len(spectrum)), np.float32)
    powers[0] = spectrum.real**2 + spectrum.imag**2
    powers[1] = np.sqrt(np.sqrt(np.sqrt(powers[0])))
    powers[0, _VOICING_BINS:] = 0.0
    whole, flattened = powers.sum(axis=1).tolist()
    if whole <= 0.0:
        return _SILENT
    repeated, harmonic = (powers @ _COMBS).max(axis=1).tolist()
    return Voice(min(1.0, repeated / whole), harmonic / flattened)


def is_tone(sound: Samples) -> bool:
    """Whether the last 60 ms repeat what was 40 to 60 ms earlier: a bell, a buzz, an instrument, never a voice.

    Takes the last 120 ms at 8 kHz. A voice glides; what a machine makes stays. About 15 µs.
    """
    assert len(sound) == TONE_SAMPLES, f"a tone is looked for in {TONE_SAMPLES} samples, not {len(sound)}"
    halved = sound[0::2] + sound[1::2]
    halved -= halved.mean()
    now, before = halved[240:], halved[:320]
    likeness = np.correlate(before, now, "valid")
    running = np.cumsum(np.square(before, dtype=np.float64))
    loudness = running[239:] - np.concatenate((_NOTHING, running[:80]))
    return bool((likeness / np.sqrt(loudness * now.dot(now) + 1.0)).max() > _TONE_LIKENESS)


TONE_SAMPLES: Final = 960
_TONE_LIKENESS: Final = 0.92
_NOTHING: Final = np.zeros(1)
_TRANSFORM: Final = 512
_SILENT: Final = Voice(0.0, 0.0)

_HZ: Final = np.fft.rfftfreq(_TRANSFORM, 1 / 4000)
_BAND: Final = slice(int(np.searchsorted(_HZ, 90)), int(np.searchsorted(_HZ, 1400)))
_VOICING_BINS: Final = int(np.searchsorted(_HZ[_BAND], 1200))
"""Sound 20 dB below the speech (or a constant voltage) must not decide: the band's edges are steep."""


def _combs() -> Samples:
    """One column for each period of 20 to 114 samples at 8 kHz: the cosine that turns power into self-similarity.

    A longer lag leaves less sound to compare, which the column makes up for.
    """
    periods = np.arange(20, 115)
    combs = np.cos(2 * np.pi * np.outer(_HZ[_BAND], periods / 8000))
    return (combs / (1.0 - periods / WINDOW_SAMPLES)).astype(np.float32)


_COMBS: Final = _combs()
