"""What a fit is judged by: stretches of a passage, each of which should stay below zero or rise above it.

A pause is decided by the highest frame of a stretch. A noise's whole stretch should stay below zero, and a caller's
first 100, 160, 190, 400 and 800 ms should each rise above it: 190 because more than 200 is late, 800 so that none is
missed.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.bargein.passages import Passage


class Stretch(NamedTuple):
    """Rows `begin` to `end` of a passage; `sign` is +1 where they should rise, and `share` what that is worth."""

    begin: int
    end: int
    sign: int
    share: float


def stretches(passage: Passage) -> Iterator[Stretch]:
    """Those that have a row at all."""
    rows = len(passage.at_ms)
    if passage.kind != "interruption":
        if rows:
            yield Stretch(0, rows, -1, _UNWANTED.get(passage.kind, 0.0))
        return
    onset = int(passage.at_ms.searchsorted(passage.onset_ms))
    if onset:
        yield Stretch(0, onset, -1, _EARLY)
    for within_ms, share in _BURIED if passage.snr_db <= 5 else _CLEAR:
        end = int(passage.at_ms.searchsorted(passage.onset_ms + within_ms, side="right"))
        if end > onset:
            yield Stretch(onset, end, 1, share)


def peaks(
    frames: npt.NDArray[Any], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Each stretch's highest frame, softly, so that it has a slope; and what part each frame has in it."""
    highest = np.maximum.reduceat(frames, starts)
    raised = np.exp(_SHARPNESS * (frames - np.repeat(highest, lengths)))
    total = np.add.reduceat(raised, starts)
    return highest + np.log(total) / _SHARPNESS, raised / np.repeat(total, lengths)


_SHARPNESS: Final = 3.0
_UNWANTED: Final = {"non-speech": 6.0, "echo": 3.0, "whisper": 2.0, "far talker": 2.0}
_EARLY: Final = 3.0
_CLEAR: Final = ((100, 0.3), (160, 1.0), (190, 2.0), (400, 1.0), (800, 2.0))
_BURIED: Final = ((250, 0.5), (500, 1.0))
