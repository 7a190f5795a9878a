"""A call's picture as what its page draws: two lanes of sound, the marks between them, and sentences with their times.

Pure. It draws no words of anybody's: those are the template's, which escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from agentlocator.microscope.picture import COLUMN_MS, CallPicture, Envelope

LANE_PX: Final = 56
GAP_PX: Final = 22
_PX_PER_S: Final = 14
_LEAST_PX: Final = 880
_MOST_PX: Final = 12_000
# Telephone speech rarely fills its scale.
_GAIN: Final = 1.8


class Mark(msgspec.Struct, frozen=True):
    """Something at a moment of the time line, `wide_px` long."""

    kind: Literal["commit", "resume", "wait", "tool", "key", "unheard"]
    at_px: float
    wide_px: float
    at_ms: int
    word: str = ""
    reason: str = ""
    length_ms: int = 0


class Sentence(msgspec.Struct, frozen=True):
    """One turn with its place in the recording."""

    speaker: str
    text: str
    unheard: str
    from_ms: int
    to_ms: int
    interrupted: bool
    heard_ms: int
    generated_ms: int
    latency_ms: int | None


class Lanes(msgspec.Struct, frozen=True):
    """Everything that is drawn. Paths are SVG's, in pixels; the caller's lane lies above."""

    width_px: int
    length_ms: int
    caller: str
    assistant: str
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    sentences: tuple[Sentence, ...]


def draw(picture: CallPicture) -> Lanes:
    """The lanes of a picture."""
    length_ms = max(picture.summary.duration_ms, picture.caller.end_ms, picture.assistant.end_ms, 1_000)
    width_px = round(min(_MOST_PX, max(_LEAST_PX, length_ms * _PX_PER_S / 1000)))
    per_ms = width_px / length_ms
    return Lanes(
        width_px=width_px,
        length_ms=length_ms,
        caller=_outline(picture.caller, per_ms, LANE_PX / 2),
        assistant=_outline(picture.assistant, per_ms, LANE_PX * 1.5 + GAP_PX),
        marks=tuple(_marks(picture, per_ms)),
        ticks=tuple((second * 1000 * per_ms, clock(second * 1000)) for second in _ticks(length_ms)),
        sentences=tuple(_sentences(picture)),
    )


def clock(at_ms: int) -> str:
    """Minutes and seconds from the beginning of the call."""
    return f"{at_ms // 60_000}:{at_ms // 1000 % 60:02}"


def _outline(envelope: Envelope, per_ms: float, middle: float) -> str:
    """A closed path around the sound, at most one point a pixel."""
    columns = max(1, round(1 / (per_ms * COLUMN_MS)))
    tops, bottoms = [], []
    for at in range(0, len(envelope.low), columns):
        x = (envelope.start_ms + at * COLUMN_MS) * per_ms
        tops.append(f"{x:.1f},{middle - _height(max(envelope.high[at : at + columns])):.1f}")
        bottoms.append(f"{x:.1f},{middle - _height(min(envelope.low[at : at + columns])):.1f}")
    return f"M{' '.join([*tops, *reversed(bottoms)])}Z" if tops else ""


def _height(sample: float) -> float:
    return max(-1.0, min(1.0, sample * _GAIN)) * LANE_PX / 2


def _marks(picture: CallPicture, per_ms: float) -> list[Mark]:
    marks = [
        Mark(
            "unheard",
            one.envelope.start_ms * per_ms,
            one.length_ms * per_ms,
            one.envelope.start_ms,
            "",
            "",
            one.length_ms,
        )
        for one in picture.unheard
    ]
    for turn in picture.said:
        if turn.latency is not None and not turn.latency.opening:
            wait = turn.latency
            marks.append(
                Mark("wait", wait.start_ms * per_ms, wait.length_ms * per_ms, wait.start_ms, "", "", wait.length_ms)
            )
    for verdict in picture.verdicts:
        # Every pause is followed by what it came to.
        if verdict.verdict == "commit" or verdict.verdict == "resume":
            kind: Literal["commit", "resume"] = "commit" if verdict.verdict == "commit" else "resume"
            marks.append(
                Mark(kind, verdict.at_ms * per_ms, 2, verdict.at_ms, verdict.verdict, verdict.reason, verdict.speech_ms)
            )
    for tool in picture.tools:
        length_ms = max(0, (tool.finished_ms or tool.requested_ms) - tool.requested_ms)
        wide_px = max(4.0, length_ms * per_ms)
        marks.append(Mark("tool", tool.requested_ms * per_ms, wide_px, tool.requested_ms, tool.name, "", length_ms))
    marks += [Mark("key", at_ms * per_ms, 4, at_ms, digit) for at_ms, digit in picture.keys]
    return marks


def _ticks(length_ms: int) -> range:
    seconds = length_ms // 1000
    return range(0, seconds + 1, 10 if seconds <= 600 else 60)


def _sentences(picture: CallPicture) -> Sequence[Sentence]:
    return [
        Sentence(
            turn.speaker,
            turn.text,
            turn.unheard_text,
            max(0, turn.start_ms),
            max(0, turn.end_ms),
            turn.interrupted,
            turn.heard_ms,
            turn.generated_ms,
            turn.latency.length_ms if turn.latency and not turn.latency.opening else None,
        )
        for turn in picture.said
    ]
