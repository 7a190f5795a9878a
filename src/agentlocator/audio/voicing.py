"""Whether a stretch of sound was made by vocal cords: regular, at a pitch a person can have.

A whisper, a cough and a rustle are not; a hum and a bell are regular too, which is why this is one witness among
several and never decides alone.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

WINDOW_SAMPLES: Final = 480
"""60 ms: two or more periods of the deepest voice."""

Samples = npt.NDArray[np.float32]


def voicing(sound: Samples) -> float:
    """The strongest self-similarity at pitches of 70 to 400 Hz, of the band 90 to 1200 Hz: 0 noise, 1 a pure tone.

    Takes the last 60 ms at 8 kHz, in any unit. About 20 µs.
    """
    assert len(sound) == WINDOW_SAMPLES, f"voicing is measured over {WINDOW_SAMPLES} samples, not {len(sound)}"
    halved = sound[0::2] + sound[1::2]
    spectrum = np.fft.rfft(halved, _TRANSFORM)
    power = (spectrum.real**2 + spectrum.imag**2) * _BAND
    # Twice as many points come out as went in: the similarity is interpolated back to 8 kHz.
    similarity = np.fft.irfft(power, 2 * _TRANSFORM)
    whole = float(similarity[0])
    if whole <= 0.0:
        return 0.0
    return min(1.0, float((similarity[_SHORTEST:_LONGEST] * _OVERLAP).max()) / whole)


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
_SHORTEST: Final = 20
_LONGEST: Final = 115
_OVERLAP: Final = (1.0 / (1.0 - np.arange(_SHORTEST, _LONGEST) / WINDOW_SAMPLES)).astype(np.float32)
"""A longer lag leaves less sound to compare."""


def _band() -> Samples:
    hz = np.fft.rfftfreq(_TRANSFORM, 1 / 4000)
    # Sound 20 dB below the speech (or a constant voltage) must not decide: the band's edges are steep.
    return ((hz >= 90) & (hz <= 1200)).astype(np.float32)


_BAND: Final = _band()
