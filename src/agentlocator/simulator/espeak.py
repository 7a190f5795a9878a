"""Hebrew read aloud by the program espeak-ng, brought down to the telephone's 8 kHz.

Never decides levels, pauses or words: it reads one clause and trims the silence around it. Blocks for some 10 ms.
"""

import functools
import math
import shutil
import subprocess
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Wave = npt.NDArray[np.float64]
Speaker = Literal["caller", "assistant"]

PROGRAM: Final = "espeak-ng"


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


def read_aloud(clause: str, speaker: Speaker) -> Wave:
    """The clause at 8 kHz, in 16-bit units, trimmed; empty where espeak has nothing to pronounce.

    Raises FileNotFoundError without the program and CalledProcessError where it lacks Hebrew.
    """
    command = [PROGRAM, *_VOICES[speaker], "--stdin", "--stdout"]
    # The clause goes through stdin, so that no text can pass for an option.
    reading = subprocess.run(command, input=clause.encode(), capture_output=True, check=True)  # noqa: S603
    samples, rate = _read_wav(reading.stdout)
    return _trimmed(_at_8_khz(samples, rate))


_VOICES: Final[dict[Speaker, list[str]]] = {
    "caller": ["-v", "he", "-s", "150", "-p", "40"],
    "assistant": ["-v", "he+f3", "-s", "165", "-p", "60"],
}
_TAPS: Final = 64
_CUTOFF_HZ: Final = 3500
_QUIET: Final = 0.01


def _read_wav(wav: bytes) -> tuple[Wave, int]:
    """Samples and Hz. A streaming writer cannot know its length, so the header's is not believed."""
    data = wav.find(b"data")
    if data < 0:
        return np.zeros(0), 8000
    body = wav[data + 8 :]
    return np.frombuffer(body[: len(body) & ~1], "<i2").astype(np.float64), int.from_bytes(wav[24:28], "little")


def _at_8_khz(samples: Wave, rate: int) -> Wave:
    """Each new sample is a windowed-sinc average around its own moment, so nothing above 4 kHz folds back."""
    if len(samples) == 0:
        return samples
    kernels = _kernels(rate)
    moments = np.arange((len(samples) - 1) * 8000 // rate + 1) * rate
    around = sliding_window_view(np.pad(samples, _TAPS), 2 * _TAPS)[moments // 8000 + 1]
    phases = moments % 8000 // (8000 // len(kernels))
    resampled: Wave = np.einsum("ij,ij->i", around, kernels[phases])
    return resampled


@functools.cache
def _kernels(rate: int) -> Wave:
    """A row of weights for each place that a new sample can have between two old ones."""
    phases = 8000 // math.gcd(8000, rate)
    distance = np.arange(1 - _TAPS, _TAPS + 1) - np.arange(phases)[:, None] / phases
    width = 2 * _CUTOFF_HZ / rate
    kernels: Wave = width * np.sinc(width * distance) * np.cos(np.pi * distance / (2 * _TAPS + 2)) ** 2
    return kernels


def _trimmed(samples: Wave) -> Wave:
    loud = np.flatnonzero(np.abs(samples) > _QUIET * np.abs(samples).max(initial=0.0))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]
