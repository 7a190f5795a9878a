"""A call has one timer outside, and several inside: which of them are due, and when the next one is.

Nobody sets a timer: when it is due follows from the call's facts and mood.
"""

from __future__ import annotations

from collections.abc import Callable

from agentlocator.call.mood import Mood

Timer = tuple[Callable[[Mood], int | None], Callable[[], None]]
"""When it is due (None: not now), and what it does then."""

_ROUNDS = 16


def fire(timers: tuple[Timer, ...], mood: Callable[[], Mood | None]) -> int | None:
    """Fires what is due, again while that makes something else due; returns when the earliest of the rest is.

    `mood` is asked again after each that fired. It is None after the end, and then so is the deadline.
    """
    for _ in range(_ROUNDS):
        fired = False
        deadline_ms: int | None = None
        now = mood()
        for due, act in timers:
            if now is None:
                return None
            at_ms = due(now)
            if at_ms is None:
                continue
            if at_ms <= now.now_ms:
                act()
                fired = True
                now = mood()
            elif deadline_ms is None or at_ms < deadline_ms:
                deadline_ms = at_ms
        if not fired:
            return deadline_ms
    raise AssertionError("a timer stays due after it fired")
