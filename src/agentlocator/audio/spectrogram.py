"""The last half second of a line as loudness by frequency, drawn only for whoever looks.

Most frames are never looked at, so a frame costs nothing until the first sound that may be somebody speaking; then
what came before it is drawn at once, and from there on one frame at a time.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.audio.g711 import DECODE_TABLE

FRAMES: Final = 24
BANDS: Final = 20

Bands = npt.NDArray[np.float32]


class Spectrogram:
    """One line's. `note` every frame in order, then `draw` when it matters."""

    __slots__ = ("_audio", "_bands", "_undrawn")

    def __init__(self) -> None:
        # One frame more than is drawn: a window reaches back into the frame before.
        self._audio: deque[bytes] = deque([SILENCE_FRAME] * (FRAMES + 1), maxlen=FRAMES + 1)
        self._bands = np.empty((FRAMES, BANDS), np.float32)
        self._undrawn = FRAMES

    def note(self, frame: bytes) -> None:
        """20 ms of µ-law."""
        self._audio.append(frame)
        self._undrawn += 1

    def draw(self) -> Bands:
        """(FRAMES, BANDS), the newest last, in dB below full scale for each band; whoever changes it, spoils it."""
        new = min(self._undrawn, FRAMES)
        if new:
            self._undrawn = 0
            heard = b"".join(self._audio)[-(new * FRAME_BYTES + _LEAD) :]
            sound = _LINEAR[np.frombuffer(heard, np.uint8)]
            windows = np.lib.stride_tricks.as_strided(
                sound, (new, _WINDOW), (FRAME_BYTES * sound.itemsize, sound.itemsize), writeable=False
            )
            spectrum = np.fft.rfft(windows * _HANN)
            powers = spectrum.real**2 + spectrum.imag**2
            self._bands[: FRAMES - new] = self._bands[new:].copy()
            self._bands[FRAMES - new :] = 10.0 * np.log10(powers @ _FILTERS + _LEAST_POWER)
        return self._bands


def _filters() -> Bands:
    """(bins, BANDS): triangles equally wide in mel, from 120 to 3800 Hz, each averaging the power it lets through."""
    hz = np.fft.rfftfreq(_WINDOW, 1 / 8000)[:, None]
    mels = np.linspace(np.log1p(120 / 700), np.log1p(3800 / 700), BANDS + 2)
    edges = 700 * np.expm1(mels)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)))
    filters: Bands = (triangles / triangles.sum(axis=0)).astype(np.float32)
    return filters


_WINDOW: Final = 256
_LEAD: Final = _WINDOW - FRAME_BYTES
_LEAST_POWER: Final = np.float32(1e-7)
_HANN: Final = np.hanning(_WINDOW).astype(np.float32)
_FILTERS: Final = _filters()
_LINEAR: Final = (DECODE_TABLE / np.float32(32768)).astype(np.float32)
