"""The whole call as one drawing: the lanes put under each other, with their names beside them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agentlocator.microscope import lanes, marks
from agentlocator.microscope.picture import CallPicture, Said
from agentlocator.microscope.scale import Scale

_AXIS_PX = 26.0
_GAP_PX = 10.0


class Timeline(msgspec.Struct, frozen=True):
    """The drawing's inside, its height, and the names of its lanes at their heights (one or two lines each).

    The bubbles stand apart: they are HTML inside the drawing, and a browser does not repeat such on paper.
    """

    svg: str
    bubbles: tuple[marks.Bubble, ...]
    height: float
    names: tuple[tuple[float, str, str], ...]


def draw(picture: CallPicture, scale: Scale) -> Timeline:
    """Draws every lane, from the top down."""
    return _Drawing(picture, scale).timeline()


class _Drawing:
    def __init__(self, picture: CallPicture, scale: Scale) -> None:
        self._picture = picture
        self._scale = scale
        self._y = _AXIS_PX
        self._pieces: list[str] = []
        self._bubbles: list[marks.Bubble] = []
        self._names: list[tuple[float, str, str]] = []

    def timeline(self) -> Timeline:
        picture, scale = self._picture, self._scale
        callers = [said for said in picture.said if said.speaker != "assistant"]
        assistants = [said for said in picture.said if said.speaker == "assistant"]

        self._words("דברי המתקשר", callers)
        top = self._y
        self._lane("המתקשר", "כפי שהגיע", lanes.caller_wave(picture, scale, top), lanes.WAVE_PX)
        self._pieces.append(marks.spans(callers, scale, self._y - 3))
        self._lane("המודל שומע", "", lanes.forwarded(picture, scale, self._y), lanes.STRIP_PX)
        self._lane("עוצמה ורצפת רעש", "dBFS", lanes.levels(picture, scale, self._y), lanes.LEVEL_PX)
        self._lane("עדות לדיבור", "ms מצטברים", lanes.speech(picture, scale, self._y), lanes.TRACK_PX)
        self._lane("הסתברות וקוליות", "0 עד 1", lanes.voice(picture, scale, self._y), lanes.TRACK_PX)
        self._lane("הד", "dB", lanes.echo(picture, scale, self._y), lanes.TRACK_PX)
        decided_at = self._y
        self._skip("החלטות", "", marks.verdicts(picture, scale, decided_at, 0, 0)[1])
        self._row("המתנה לתשובה", "יעד 0.5–1.5 s", marks.waits(picture, scale, self._y))
        self._lane("העוזרת", "כפי שנשמעה", lanes.assistant_wave(picture, scale, self._y), lanes.WAVE_PX)
        bottom = self._y - _GAP_PX
        self._pieces.append(marks.spans(assistants, scale, self._y - 3))
        self._words("דברי העוזרת", assistants)
        self._row("תשובות המודל", "בקשה, צליל, סוף", marks.responses(picture, scale, self._y))
        self._row("כלים", "", marks.tools(picture, scale, self._y))
        self._row("חיבור למודל", "", marks.connections(picture, scale, self._y))
        self._row("התראות ומקשים", "", marks.alarms(picture, scale, self._y))

        decisions, _ = marks.verdicts(picture, scale, decided_at, top, bottom)
        axis = marks.seconds_axis(scale, self._y)
        svg = "".join([axis, *self._pieces, decisions])
        return Timeline(svg, tuple(self._bubbles), self._y, tuple(self._names))

    def _words(self, name: str, said: Sequence[Said]) -> None:
        bubbles, height = marks.bubbles(said, self._scale, self._y)
        self._bubbles.extend(bubbles)
        self._skip(name, "", height)

    def _lane(self, name: str, unit: str, svg: str, height: float) -> None:
        self._row(name, unit, (svg, height))

    def _row(self, name: str, unit: str, row: marks.Row) -> None:
        svg, height = row
        self._pieces.append(svg)
        self._skip(name, unit, height)

    def _skip(self, name: str, unit: str, height: float) -> None:
        self._names.append((self._y, name, unit))
        # A name of two lines needs its room even where nothing happened.
        self._y += max(height, 30.0 if unit else 16.0) + _GAP_PX
