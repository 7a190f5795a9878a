"""The ear's evidence as tracks over time. Keeps the strongest of each column; an average would hide what decided."""

from __future__ import annotations

from agentlocator.audio.detector import Evidence
from agentlocator.microscope.picture import COLUMN_MS, Track, Tracks


class Measuring:
    """Fed the ear's evidence whenever it changes."""

    def __init__(self) -> None:
        self._columns: list[_Column | None] = []

    def note(self, evidence: Evidence, now_ms: int) -> None:
        index = now_ms // COLUMN_MS
        if index >= len(self._columns):
            self._columns.extend([None] * (index + 1 - len(self._columns)))
        column = self._columns[index]
        if column is None:
            column = self._columns[index] = _Column()
        column.note(evidence)

    def tracks(self) -> Tracks:
        return Tracks(
            level_dbfs=self._track("level_dbfs"),
            floor_dbfs=self._track("floor_dbfs"),
            speech_ms=self._track("speech_ms"),
            probability=self._track("probability"),
            voicing=self._track("voicing"),
            echo_db=self._track("echo_db"),
        )

    def _track(self, name: str) -> Track:
        return tuple(None if column is None else getattr(column, name) for column in self._columns)


class _Column:
    __slots__ = ("echo_db", "floor_dbfs", "level_dbfs", "probability", "speech_ms", "voicing")

    def __init__(self) -> None:
        self.level_dbfs = -96.0
        self.floor_dbfs = -96.0
        self.speech_ms = 0.0
        self.probability: float | None = None
        self.voicing: float | None = None
        self.echo_db: float | None = None

    def note(self, evidence: Evidence) -> None:
        self.floor_dbfs = round(evidence.floor_dbfs, 1)
        self.level_dbfs = max(self.level_dbfs, round(evidence.level_dbfs, 1))
        self.speech_ms = max(self.speech_ms, round(evidence.speech_ms, 1))
        # Zero means that the ear had no reason to look.
        if evidence.voicing > 0:
            self.voicing = max(self.voicing or 0.0, round(evidence.voicing, 2))
        if evidence.echo_db > 0:
            self.echo_db = max(self.echo_db or 0.0, round(evidence.echo_db, 1))
        if evidence.probability >= 0:
            self.probability = max(self.probability or 0.0, round(evidence.probability, 2))
