"""A call has one timer outside, and several inside: which of them are due, and when the next one is."""

from __future__ import annotations

from collections.abc import Callable

Timer = tuple[Callable[[], int | None], Callable[[], None]]
"""When it is due (None: not now), and what it does then. What is due follows from the call's facts: nobody sets it."""

_ROUNDS = 16


def fire(timers: tuple[Timer, ...], now_ms: int, over: Callable[[], bool]) -> int | None:
    """Fires what is due, again while that makes something else due; returns when the earliest of the rest is.

    After one that ended everything none is asked, and None is returned.
    """
    for _ in range(_ROUNDS):
        fired = False
        deadline_ms: int | None = None
        for due, act in timers:
            if over():
                return None
            at_ms = due()
            if at_ms is None:
                continue
            if at_ms <= now_ms:
                act()
                fired = True
            elif deadline_ms is None or at_ms < deadline_ms:
                deadline_ms = at_ms
        if not fired:
            return deadline_ms
    raise AssertionError("a timer stays due after it fired")
