"""What is due fires, sees what fired before it, and the earliest of the rest is the next deadline."""

from __future__ import annotations

import pytest

from agentlocator.call import timers
from agentlocator.call.mood import Mood

NOW_MS = 100


class Alarm:
    """Due at its time, once; writes its name down when it fires, and may set another."""

    def __init__(self, name: str, at_ms: int | None, rung: list[str], sets: Alarm | None = None) -> None:
        self.at_ms = at_ms
        self.timer: timers.Timer = (lambda _: self.at_ms, self._ring)
        self._name, self._rung, self._sets = name, rung, sets

    def _ring(self) -> None:
        self._rung.append(self._name)
        self.at_ms = None
        if self._sets:
            self._sets.at_ms = 0


def going_on() -> Mood:
    return Mood(NOW_MS)


def test_what_is_due_fires_and_the_earliest_of_the_rest_is_next() -> None:
    rung: list[str] = []
    alarms = [Alarm("tea", 300, rung), Alarm("now", 100, rung), Alarm("never", None, rung), Alarm("soon", 200, rung)]
    assert timers.fire(tuple(alarm.timer for alarm in alarms), going_on) == 200
    assert rung == ["now"]


def test_one_that_makes_an_earlier_one_due_is_followed_by_it_at_once() -> None:
    rung: list[str] = []
    first = Alarm("first", None, rung)
    second = Alarm("second", 50, rung, sets=first)
    assert timers.fire((first.timer, second.timer), going_on) is None
    assert rung == ["second", "first"]


def test_each_is_asked_in_the_mood_that_the_one_before_it_has_left() -> None:
    rung: list[str] = []
    answer = Alarm("answer", 100, rung)

    def mood() -> Mood:
        return Mood(NOW_MS, response_under_way=bool(rung))

    idle: timers.Timer = (lambda mood: 90 if mood.idle else None, lambda: rung.append("prompt"))
    assert timers.fire((answer.timer, idle), mood) is None
    assert rung == ["answer"]


def test_one_that_stays_due_is_a_bug_and_not_a_loop() -> None:
    with pytest.raises(AssertionError, match="stays due"):
        timers.fire(((lambda _: 0, lambda: None),), going_on)


def test_after_the_end_nothing_is_asked_any_more() -> None:
    rung: list[str] = []
    end, late = Alarm("end", 100, rung), Alarm("late", 100, rung)
    assert timers.fire((end.timer, late.timer), lambda: None if rung else going_on()) is None
    assert rung == ["end"]
