"""Whether what the caller's line brings is our own voice coming back.

We know what we played. If a short filter at some delay turns it into what we hear, nobody spoke. Nothing is
cancelled: the caller's sound stays as it is, only its explanation is judged.
"""

from collections import deque
from math import log10
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import DECODE_TABLE

Samples = npt.NDArray[np.float32]

LONGEST_MS: Final = 540
"""Echo that comes later than this is not looked for: 440 ms of network and 100 ms queued at the carrier."""

FRAMES_KEPT: Final = 32


class Echo:
    """What was played lately, and how much of the caller's sound it explains."""

    __slots__ = ("_played", "_silent_frames", "_start")

    def __init__(self) -> None:
        self._played: deque[bytes] = deque([SILENCE_FRAME] * FRAMES_KEPT, maxlen=FRAMES_KEPT)
        self._silent_frames = FRAMES_KEPT
        self._start: int | None = None

    def play(self, frame: bytes | None) -> None:
        """One frame of 160 bytes left for the caller, or none did."""
        if frame is None or frame == SILENCE_FRAME:
            self._silent_frames += 1
            self._played.append(SILENCE_FRAME)
        else:
            self._silent_frames = 0
            self._played.append(frame)

    @property
    def possible(self) -> bool:
        """Whether anything was played that could still come back."""
        return self._silent_frames < LONGEST_MS // FRAME_MS

    def explained_db(self, heard: Samples) -> float:
        """How many dB of the last frames heard our own voice explains; 0 when nothing was played.

        `heard` is the newest sound at 8 kHz in 16-bit units, a whole number of frames, at most 100 ms. Unrelated
        speech is explained by 1 to 4 dB, by chance; an echo by 6 and more. About 60 µs where the delay is known
        from before, 130 µs where it is to be found.
        """
        if not self.possible:
            return 0.0
        played = _sharpened(_LINEAR[np.frombuffer(b"".join(self._played), np.uint8)])
        heard = _sharpened(heard)
        energy = float(heard.dot(heard))
        if energy <= 0.0:
            return 0.0
        explained = 0.0
        if self._start is not None:
            explained = _fit_db(played, heard, energy, self._start)
        if explained < _GOOD_DB:
            start = _search(played, heard, energy)
            explained = max(explained, _fit_db(played, heard, energy, start))
            if explained >= _GOOD_DB:
                self._start = start
        return explained


def _search(played: Samples, heard: Samples, energy: float) -> int:
    """Where in what was played the filter should begin: about the delay at which it is most like what was heard."""
    spectrum = np.fft.rfft(heard, _TRANSFORM)
    product = np.fft.rfft(played, _TRANSFORM) * spectrum.conj()
    # likeness[k]: what was played from sample k on, against what was heard.
    likeness = np.fft.irfft(product, _TRANSFORM)[: len(played) - len(heard) + 1]
    running = np.cumsum(np.square(played, dtype=np.float64))
    loudness = running[len(heard) - 1 :] - running[: len(running) - len(heard) + 1]
    likeness *= likeness
    likeness /= loudness + (energy * 1e-3 + 1.0)
    start = int(likeness.argmax()) - _TAPS + _TAPS_AHEAD
    return min(max(start, 0), len(played) - len(heard) - _TAPS + 1)


def _fit_db(played: Samples, heard: Samples, energy: float, start: int) -> float:
    """Least squares: the share of `heard` that a filter of `_TAPS` taps makes out of what was played, in dB."""
    (stride,) = played.strides
    shifted = np.lib.stride_tricks.as_strided(
        played[start:], shape=(_TAPS, len(heard)), strides=(stride, stride), writeable=False
    )
    gram = shifted @ shifted.T
    match = shifted @ heard
    diagonal = gram.reshape(-1)[:: _TAPS + 1]
    diagonal += float(diagonal.sum()) / _TAPS * 1e-3 + 1.0
    explained = float(match @ np.linalg.solve(gram, match))
    return -10.0 * log10(min(max(1.0 - explained / energy, 1e-4), 1.0))


def _sharpened(sound: Samples) -> Samples:
    """At 4 kHz and with the low end held back, so that one vowel is not taken for another."""
    halved = sound[0::2] + sound[1::2]
    halved[1:] -= np.float32(0.9) * halved[:-1]
    return halved


_TAPS: Final = 28
"""8 ms at 4 kHz: a handset's echo, and the loud beginning of a room's."""
_TAPS_AHEAD: Final = 6
_GOOD_DB: Final = 6.0
_TRANSFORM: Final = FRAMES_KEPT * FRAME_BYTES // 2
_LINEAR: Final = DECODE_TABLE.astype(np.float32)
