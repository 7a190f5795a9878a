"""Numbers as SVG paths: envelopes and tracks, no finer than a screen can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from agentlocator.microscope.picture import COLUMN_MS, Envelope, Track
from agentlocator.microscope.scale import Scale

_FINEST_PX = 2.0


def outline(envelope: Envelope, scale: Scale, middle: float, half: float, until_ms: int | None = None) -> str:
    """The path of an envelope around `middle`; stretches of nothing are left out. `until_ms` cuts it off."""
    merge = _merged_columns(scale)
    columns: list[tuple[float, float, float]] = []
    for index in range(0, len(envelope.low), merge):
        at_ms = envelope.start_ms + index * COLUMN_MS
        if until_ms is not None and at_ms >= until_ms:
            break
        low, high = min(envelope.low[index : index + merge]), max(envelope.high[index : index + merge])
        columns.append((scale.x(at_ms), _reach(low) * half, _reach(high) * half))
    width = scale.px_per_s * COLUMN_MS * merge / 1000
    paths: list[str] = []
    for sounding, run in groupby(columns, key=lambda column: column[2] - column[1] > 0.05 * half):
        if sounding:
            paths.append(_closed(list(run), middle, width))
    return "".join(paths)


def line(track: Track, scale: Scale, y: Callable[[float], float]) -> str:
    """The path of a track, `y` giving the height of a value; a gap where nothing was measured."""
    merge = _merged_columns(scale)
    path: list[str] = []
    open_ = False
    for at_ms, value, repeats in _points(track, merge):
        if value is None:
            open_ = False
        elif not (repeats and open_):
            path.append(f"{'L' if open_ else 'M'}{scale.x(at_ms):g} {y(value):.1f}")
            open_ = True
    return "".join(path)


def _points(track: Track, merge: int) -> Iterator[tuple[int, float | None, bool]]:
    """Time, value, and whether both neighbours have the same, so that a straight line needs no point here."""
    values = [_strongest(track[index : index + merge]) for index in range(0, len(track), merge)]
    for index, value in enumerate(values):
        inner = 0 < index < len(values) - 1 and values[index - 1] == value == values[index + 1]
        yield index * merge * COLUMN_MS, value, inner


def _strongest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _merged_columns(scale: Scale) -> int:
    return max(1, math.ceil(_FINEST_PX / (scale.px_per_s * COLUMN_MS / 1000)))


def _reach(sample: float) -> float:
    """The square root: speech at the level of a telephone would otherwise be a thin line."""
    return math.copysign(math.sqrt(abs(sample)), sample)


def _closed(run: list[tuple[float, float, float]], middle: float, width: float) -> str:
    above = [f"{x:g} {middle - high:.1f}" for x, _, high in run]
    below = [f"{x:g} {middle - low:.1f}" for x, low, _ in reversed(run)]
    last = run[-1]
    right = f"{last[0] + width:.1f}"
    return f"M{'L'.join([*above, f'{right} {middle - last[2]:.1f}', f'{right} {middle - last[1]:.1f}', *below])}Z"
