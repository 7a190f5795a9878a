"""A week of hours as a form writes it: a row a day, Sunday first, several windows a row. Pure; it saves nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from agentlocator.domain.availability import Window, check_windows
from agentlocator.web.words import said

WEEKDAYS: Final = (
    said("Sunday"),
    said("Monday"),
    said("Tuesday"),
    said("Wednesday"),
    said("Thursday"),
    said("Friday"),
    said("Saturday"),
)
# More windows than any day of a business has; a form's fields are counted.
MOST_WINDOWS: Final = 5
FAULTS: Final = {
    "half": said("Fill in both the opening and the closing hour, or neither."),
    "unreadable": said("Write hours as 09:00. Midnight at the end of a day is 00:00."),
    "reversed": said("It closes before it opens. For a night, write it until 00:00 here and from 00:00 the next day."),
    "overlapping": said("Two of the day's times overlap. Make one end before the other begins."),
}
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

Parts = tuple[tuple[int, int], ...]


class Day(msgspec.Struct, frozen=True):
    """One weekday as it stands in the form; `fault` is a key of FAULTS."""

    weekday: int
    name: str
    is_active: bool
    windows: tuple[tuple[str, str], ...]
    fault: str = ""


class BadHours(ValueError):
    """Windows that cannot be kept; `code` is a key of FAULTS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def drawn(week: Mapping[int, Sequence[Window]], active_days: frozenset[int]) -> list[Day]:
    """A kept week, ready for the form."""
    return [
        Day(weekday, name, weekday in active_days, tuple(_written(one) for one in week.get(weekday, ())))
        for weekday, name in enumerate(WEEKDAYS)
    ]


def sent(field: Callable[[str], str]) -> list[Day]:
    """The week that a form holds, right or wrong; `field` reads one of its fields."""
    days = []
    for weekday, name in enumerate(WEEKDAYS):
        pairs = tuple((field(f"from-{weekday}-{n}"), field(f"to-{weekday}-{n}")) for n in range(MOST_WINDOWS))
        windows = tuple(pair for pair in pairs if any(pair))
        is_active = field(f"active-{weekday}") == "yes"
        days.append(Day(weekday, name, is_active, windows, _fault(windows)))
    return days


def week_of(days: Sequence[Day]) -> dict[int, Parts]:
    """Weekday to its windows; of days without a fault."""
    return {day.weekday: parts_of(day.windows) for day in days if day.windows and not day.fault}


def parts_of(windows: Sequence[tuple[str, str]]) -> Parts:
    """Windows in minutes of the day. Raises BadHours."""
    parts = tuple(_part(opens, closes) for opens, closes in windows)
    fault = check_windows([Window(*part) for part in parts])
    if fault is not None:
        raise BadHours(fault)
    return parts


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _written(window: Window) -> tuple[str, str]:
    return clock(window.from_min), clock(window.to_min)


def _fault(windows: Sequence[tuple[str, str]]) -> str:
    try:
        parts_of(windows)
    except BadHours as fault:
        return fault.code
    return ""


def _part(opens: str, closes: str) -> tuple[int, int]:
    if not opens or not closes:
        raise BadHours("half")
    # A clock has no 24:00; who closes at 00:00 closes when the day ends.
    return _minute(opens), _minute(closes) or 24 * 60


def _minute(written: str) -> int:
    found = _CLOCK.fullmatch(written)
    if found is None:
        raise BadHours("unreadable")
    return int(found[1]) * 60 + int(found[2])
