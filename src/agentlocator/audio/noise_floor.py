"""How loud a line is when nobody speaks, followed frame by frame.

The floor is the quietest 60 ms of the last 1.2 s, so that it falls at once, rises within a second under a new
steady noise, and is not lifted by speech, which always has gaps. Never judges what the sound is.
"""

from typing import Final

START_DBFS: Final = -60.0
"""Believed until the line has been heard: a decent line, quieter than any speech."""

_BIAS_DB: Final = 3.0
"""The quietest moment of a noise lies about this far below its mean."""

_UNHEARD_DBFS: Final = 60.0

_BUCKET_FRAMES: Final = 10
_BUCKETS: Final = 6


class NoiseFloor:
    """Minimum statistics over six buckets of 200 ms."""

    __slots__ = ("_before", "_bucket", "_buckets", "_earlier", "_frames", "dbfs")

    def __init__(self) -> None:
        self.dbfs = START_DBFS
        self._buckets = [0.0] * _BUCKETS
        self._bucket = 0.0
        self._frames = 0
        # Until three frames have been heard nothing is the quietest of them.
        self._before = self._earlier = _UNHEARD_DBFS

    def hear(self, level_dbfs: float) -> float:
        """Takes the level of one 20 ms frame; returns the floor, in dBFS."""
        smoothed = (level_dbfs + self._before + self._earlier) / 3
        self._earlier, self._before = self._before, level_dbfs
        if smoothed < self._bucket:
            self._bucket = smoothed
            if smoothed + _BIAS_DB < self.dbfs:
                self.dbfs = smoothed + _BIAS_DB
        self._frames += 1
        if self._frames == _BUCKET_FRAMES:
            self._turn_over()
        return self.dbfs

    def _turn_over(self) -> None:
        self._buckets.pop(0)
        self._buckets.append(self._bucket)
        self.dbfs = min(min(self._buckets) + _BIAS_DB, -1.0)
        self._bucket = 0.0
        self._frames = 0
