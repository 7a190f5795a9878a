"""Both sides of a call as one picture: the caller above, the assistant below. Pure; no sound is kept in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from agentlocator.microscope.picture import COLUMN_MS

_WIDTH = 1000
_LANE = 70
_COLUMNS = 500


def waveform(caller: Sequence[float], assistant: Sequence[float]) -> str:
    """An SVG of both outlines, from the left; peaks are 0 to 1."""
    columns = max(len(caller), len(assistant), 1)
    each = -(-columns // _COLUMNS)
    seconds = columns * COLUMN_MS / 1000
    lanes = "".join(
        f'<path class="{name}-wave" d="{_path(_coarse(peaks, each), middle, columns // each + 1)}"/>'
        f'<path class="axis" d="M0 {middle}H{_WIDTH}"/>'
        for name, peaks, middle in (("caller", caller, _LANE // 2), ("assistant", assistant, _LANE + _LANE // 2))
    )
    label = f"{seconds:.0f} s: caller above, assistant below"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {2 * _LANE}" role="img" aria-label="{label}" '
        f'xmlns="http://www.w3.org/2000/svg">{lanes}</svg>'
    )


def _coarse(peaks: Sequence[float], each: int) -> list[float]:
    return [max(islice(peaks, start, start + each)) for start in range(0, len(peaks), each)]


def _path(peaks: Sequence[float], middle: int, columns: int) -> str:
    step = _WIDTH / columns
    height = _LANE / 2 - 3
    return "".join(
        f"M{place * step:.1f} {middle - peak * height:.1f}v{max(0.6, 2 * peak * height):.1f}h{step * 0.8:.1f}"
        f"v-{max(0.6, 2 * peak * height):.1f}z"
        for place, peak in enumerate(peaks)
    )
