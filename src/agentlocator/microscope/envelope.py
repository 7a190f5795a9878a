"""The outline of a sound, column by column, as far as an eye can use it. Keeps no audio and judges nothing."""

from __future__ import annotations

from agentlocator.audio.frames import BYTES_PER_MS
from agentlocator.audio.g711 import decode
from agentlocator.microscope.picture import COLUMN_MS, Envelope

_FULL_SCALE = 32768.0
_COLUMN_BYTES = COLUMN_MS * BYTES_PER_MS


class Outline:
    """Grows with every piece of sound; pieces may leave gaps, which are silent."""

    def __init__(self) -> None:
        self._low: list[float] = []
        self._high: list[float] = []

    def draw(self, start_ms: int, audio: bytes) -> None:
        """Adds one frame of µ-law, at the time it began."""
        if not audio:
            return
        column = max(0, start_ms) // COLUMN_MS
        missing = column + 1 - len(self._low)
        if missing > 0:
            self._low.extend([0.0] * missing)
            self._high.extend([0.0] * missing)
        low, high = _extremes(audio)
        self._low[column] = min(self._low[column], low)
        self._high[column] = max(self._high[column], high)

    def envelope(self) -> Envelope:
        return Envelope(0, tuple(self._low), tuple(self._high))


def envelope_of(start_ms: int, audio: bytes) -> Envelope:
    """The envelope of a whole piece of µ-law."""
    pieces = [_extremes(audio[at : at + _COLUMN_BYTES]) for at in range(0, len(audio), _COLUMN_BYTES)]
    return Envelope(start_ms, tuple(low for low, _ in pieces), tuple(high for _, high in pieces))


def _extremes(audio: bytes) -> tuple[float, float]:
    samples = decode(audio)
    return round(int(samples.min()) / _FULL_SCALE, 4), round(int(samples.max()) / _FULL_SCALE, 4)
