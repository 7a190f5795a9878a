"""One candidate's speech, frame by frame: how long it has gone on, how loud, how sure and how voiced it is.

It takes what the ear decided about each frame and adds it up; it listens to no sound itself.
"""

from collections import deque
from math import log10
from typing import Final

import msgspec

from agentlocator.audio.ear_policy import EarPolicy
from agentlocator.audio.frames import FRAME_MS
from agentlocator.audio.level import SILENCE_DBFS


class Summary(msgspec.Struct, frozen=True):
    """The last frames of speech together, as `Evidence` has them."""

    frames: int = 0
    voiced_frames: int = 0
    mean_dbfs: float = SILENCE_DBFS
    range_db: float = 0.0
    certainty: float = 0.0
    voicing: float = 0.0
    harmony: float = 0.0


class Utterance:
    """Fed with `level` for every frame of the candidate, then with `speech` or `gap`."""

    __slots__ = ("_gap_ms", "_loudest_dbfs", "_policy", "_run_ms", "_spoken", "_summary", "active_ms", "loud_dbfs")

    def __init__(self, policy: EarPolicy) -> None:
        self._policy = policy
        self._spoken: deque[tuple[float, float, float, float, float]] = deque(maxlen=_SPOKEN_FRAMES)
        self.forget()

    def forget(self) -> None:
        # Continuous speech, short gaps bridged, long ones taken off again.
        self.active_ms = 0
        self._gap_ms = self._run_ms = 0
        self._spoken.clear()
        self._summary: Summary | None = _NOTHING
        self.forget_levels()

    def forget_levels(self) -> None:
        """It was not the candidate that was so loud. `loud_dbfs` is the second loudest frame."""
        self._loudest_dbfs = self.loud_dbfs = SILENCE_DBFS

    def level(self, dbfs: float) -> None:
        if dbfs > self._loudest_dbfs:
            self._loudest_dbfs, self.loud_dbfs = dbfs, self._loudest_dbfs
        elif dbfs > self.loud_dbfs:
            self.loud_dbfs = dbfs

    def note_audible(self, audible: bool) -> None:
        """Whether the frame stands out of the line: speech is led in by what does, before it is believed."""
        self._run_ms = self._run_ms + FRAME_MS if audible else 0

    @property
    def tail_dbfs(self) -> float:
        """What is quieter than this is the reverberation of the candidate's own loudest frame."""
        return self._loudest_dbfs - self._policy.tail_db

    def speech(self, dbfs: float, voicing: float, harmony: float, probability: float) -> None:
        policy = self._policy
        if not self.active_ms:
            # The detector is slow to believe: what led up to this without a gap was the same utterance.
            self.active_ms = min(self._run_ms - FRAME_MS, policy.lead_ms)
            self._gap_ms = 0
        self.active_ms += FRAME_MS
        if self.active_ms > FRAME_MS and self._gap_ms <= policy.longest_bridge_ms:
            self.active_ms += min(self._gap_ms, policy.bridge_ms)
        self._gap_ms = 0
        self._spoken.append((dbfs, voicing, harmony, probability, 10 ** (dbfs / 10)))
        self._summary = None

    def gap(self) -> None:
        self._gap_ms += FRAME_MS
        if self._gap_ms > self._policy.longest_bridge_ms and self.active_ms:
            self.active_ms = max(0, self.active_ms - FRAME_MS // 2)
            if not self.active_ms:
                self.forget()

    def echoed(self) -> None:
        """The frame was our own voice: what it looked like counts against the candidate."""
        self.active_ms = max(0, self.active_ms - FRAME_MS)

    @property
    def summary(self) -> Summary:
        if self._summary is None:
            levels, voices, harmonies, probabilities, powers = zip(*self._spoken, strict=True)
            self._summary = Summary(
                frames=len(levels),
                voiced_frames=sum(map(self._policy.voiced.__le__, voices)),
                mean_dbfs=10 * log10(sum(powers) / len(powers)),
                range_db=max(levels) - min(levels),
                certainty=sum(probabilities) / len(probabilities),
                voicing=max(voices[-_VOICES:]),
                harmony=sum(harmonies) / len(harmonies),
            )
        return self._summary


_SPOKEN_FRAMES: Final = 20
_VOICES: Final = 4
_NOTHING: Final = Summary()
