"""How loud this caller's own speech is, learnt in his own turn, so that a television is not taken for him.

A slow mean. It judges nothing, and says nothing before it has heard enough of him.
"""

from typing import Final


class CallerLevel:
    """`dbfs` is None until he has spoken for 0.4 s; before that his level is a guess."""

    __slots__ = ("_lessons", "_mean_dbfs", "dbfs")

    def __init__(self) -> None:
        self.dbfs: float | None = None
        self._mean_dbfs = 0.0
        self._lessons = 0

    def learn(self, dbfs: float) -> None:
        """A frame that was certainly his speech. What is far quieter than he usually is teaches nothing."""
        if self.dbfs is not None and dbfs <= self.dbfs - _ASIDE_DB:
            return
        self._lessons += 1
        self._mean_dbfs += max(1 / self._lessons, _SLOWEST) * (dbfs - self._mean_dbfs)
        if self._lessons >= _LESSONS:
            self.dbfs = self._mean_dbfs


_ASIDE_DB: Final = 15.0
_SLOWEST: Final = 0.02
_LESSONS: Final = 20
