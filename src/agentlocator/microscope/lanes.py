"""The lanes of sound: the caller above, the ear's evidence beneath him, the assistant below. One function a lane.

Each takes the picture, the scale and its top, and returns SVG; none knows what stands next to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from agentlocator.microscope.curves import line, outline
from agentlocator.microscope.hebrew import WAYS
from agentlocator.microscope.picture import CallPicture, Track
from agentlocator.microscope.scale import Scale
from agentlocator.microscope.writing import clock, escaped

WAVE_PX = 96.0
STRIP_PX = 12.0
LEVEL_PX = 64.0
TRACK_PX = 44.0
_SPEECH_CEILING_MS = 250.0
_LOUDEST_DBFS, _QUIETEST_DBFS = -5.0, -70.0
_MOST_ECHO_DB = 20.0


def caller_wave(picture: CallPicture, scale: Scale, top: float) -> str:
    middle = top + WAVE_PX / 2
    path = outline(picture.caller, scale, middle, WAVE_PX / 2)
    return f'{_axis(scale, middle)}<path class="caller" d="{path}"/>'


def assistant_wave(picture: CallPicture, scale: Scale, top: float) -> str:
    """What was heard, and hatched behind it what was not, cut off where the next sound begins."""
    middle = top + WAVE_PX / 2
    pieces = [_axis(scale, middle)]
    starts = sorted(said.start_ms for said in picture.said if said.heard_ms)
    for lost in picture.unheard:
        start_ms = lost.envelope.start_ms
        following = bisect_right(starts, start_ms)
        until_ms = min(lost.envelope.end_ms, starts[following] if following < len(starts) else lost.envelope.end_ms)
        left, width = scale.x(start_ms), (until_ms - start_ms) * scale.px_per_s / 1000
        path = outline(lost.envelope, scale, middle, WAVE_PX / 2, until_ms)
        note = f"נוצר ולא נשמע: {lost.length_ms / 1000:.1f} שניות"
        pieces.append(
            f'<g class="unheard"><title>{note}</title>'
            f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{WAVE_PX}" fill="url(#hatch)"/>'
            f'<path d="{path}"/>'
            f'<text x="{left + 6}" y="{top + 13}">{note}</text></g>'
        )
    pieces.append(f'<path class="assistant" d="{outline(picture.assistant, scale, middle, WAVE_PX / 2)}"/>')
    return "".join(pieces)


def forwarded(picture: CallPicture, scale: Scale, top: float) -> str:
    """What the model got of the caller, as a strip."""
    return "".join(
        f'<rect class="way {passage.way}" x="{scale.x(passage.start_ms)}" y="{top}" height="{STRIP_PX}" '
        f'width="{max(0.5, (passage.end_ms - passage.start_ms) * scale.px_per_s / 1000):.1f}">'
        f"<title>{clock(passage.start_ms)} {WAYS[passage.way]}</title></rect>"
        for passage in picture.passages
    )


def levels(picture: CallPicture, scale: Scale, top: float) -> str:
    """Level and noise floor in dBFS."""
    y = _height(top, LEVEL_PX, _QUIETEST_DBFS, _LOUDEST_DBFS)
    least = picture.floor.pause_dbfs
    return (
        _frame(scale, top, LEVEL_PX)
        + _limit(scale, y(least), f"{least:g} סף השהיה")
        + _track("floor", picture.tracks.floor_dbfs, scale, y)
        + _track("level", picture.tracks.level_dbfs, scale, y)
    )


def speech(picture: CallPicture, scale: Scale, top: float) -> str:
    """Accumulated neural evidence, in milliseconds of speech."""
    y = _height(top, TRACK_PX, 0, _SPEECH_CEILING_MS)
    floor = picture.floor
    return (
        _frame(scale, top, TRACK_PX)
        + _limit(scale, y(floor.commit_evidence_ms), f"{floor.commit_evidence_ms:g} סף קטיעה")
        + _track("speech", picture.tracks.speech_ms, scale, y)
    )


def voice(picture: CallPicture, scale: Scale, top: float) -> str:
    """The neural detector's probability, and the voicing, both 0..1."""
    y = _height(top, TRACK_PX, 0, 1)
    return (
        _frame(scale, top, TRACK_PX)
        + _track("probability", picture.tracks.probability, scale, y)
        + _track("voicing", picture.tracks.voicing, scale, y)
    )


def echo(picture: CallPicture, scale: Scale, top: float) -> str:
    """How much of the caller's sound our own voice explains, in dB."""
    y = _height(top, TRACK_PX, 0, _MOST_ECHO_DB)
    return (
        _frame(scale, top, TRACK_PX)
        + _limit(scale, y(picture.floor.echo_db), f"{picture.floor.echo_db:g} סף הד")
        + _track("echo", picture.tracks.echo_db, scale, y)
    )


def _axis(scale: Scale, y: float) -> str:
    return f'<path class="zero" d="M{scale.x(0)} {y}H{scale.x(scale.duration_ms)}"/>'


def _frame(scale: Scale, top: float, height: float) -> str:
    width = scale.x(scale.duration_ms) - scale.x(0)
    return f'<rect class="frame" x="{scale.x(0)}" y="{top}" width="{width:.1f}" height="{height}"/>'


def _limit(scale: Scale, y: float, label: str) -> str:
    """A threshold of the floor, with its meaning where the lane begins."""
    return (
        f'<path class="limit" d="M{scale.x(0)} {y:.1f}H{scale.x(scale.duration_ms)}"/>'
        f'<text class="limit" x="{scale.x(0) + 3}" y="{y - 2:.1f}">{escaped(label)}</text>'
    )


def _track(name: str, track: Track, scale: Scale, y: Callable[[float], float]) -> str:
    return f'<path class="track {name}" d="{line(track, scale, y)}"/>'


def _height(top: float, height: float, least: float, most: float) -> Callable[[float], float]:
    def y(value: float) -> float:
        share = (min(max(value, least), most) - least) / (most - least)
        return top + height * (1 - share)

    return y
