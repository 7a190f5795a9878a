"""Where things stand on the page: time to pixels, and boxes that must not cover each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

USUAL_PX_PER_S = 90.0
# A short call is drawn wider, until it fills a screen or shows every column.
SCREEN_PX = 1_150.0
CLOSEST_PX_PER_S = 250.0
# A browser still scrolls smoothly over this; a long call is drawn narrower rather than wider.
WIDEST_PX = 60_000.0
MARGIN_PX = 24.0


class Scale(msgspec.Struct, frozen=True):
    """The time axis of one page."""

    px_per_s: float
    duration_ms: int

    def x(self, ms: float) -> float:
        return round(MARGIN_PX + ms * self.px_per_s / 1000, 1)

    @property
    def width(self) -> float:
        # Behind the end there is room for the label of what happened last.
        return self.x(self.duration_ms) + 260


def scale_for(duration_ms: int, px_per_s: float | None = None) -> Scale:
    """The usual scale, or the one asked for; either way no page gets wider than can be scrolled."""
    filling = min(CLOSEST_PX_PER_S, SCREEN_PX * 1000 / max(duration_ms, 1))
    asked = max(USUAL_PX_PER_S, filling) if px_per_s is None else px_per_s
    most = WIDEST_PX * 1000 / max(duration_ms, 1)
    return Scale(max(min(asked, most), 1.0), duration_ms)


def stack(boxes: Iterable[tuple[float, float, float]]) -> list[float]:
    """A top for each box (left, right, height), in the order of their left sides, so that none covers another."""
    tops: list[float] = []
    placed: deque[tuple[float, float, float]] = deque(maxlen=40)  # right, top, bottom
    for left, right, height in boxes:
        near = [(top, bottom) for edge, top, bottom in placed if edge > left]
        candidates = sorted([0.0, *(bottom for _, bottom in near)])
        top = next(y for y in candidates if all(y >= low or y + height <= high for high, low in near))
        placed.append((right, top, top + height))
        tops.append(top)
    return tops
