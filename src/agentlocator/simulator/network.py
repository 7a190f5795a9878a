"""One direction of a network path: every message arrives later, none overtakes another.

Never sleeps and never drops: it only says when something sent now will arrive.
"""

import random


class Link:
    """A one-way delay of `delay_ms` plus a seeded jitter of 0 to `jitter_ms`, in order like a TCP stream."""

    def __init__(self, delay_ms: int, jitter_ms: int, rng: random.Random) -> None:
        assert min(delay_ms, jitter_ms) >= 0, "a network cannot deliver before it was sent"
        self._delay_ms = delay_ms
        self._jitter_ms = jitter_ms
        self._rng = rng
        self._latest_ms = 0

    def send(self, now_ms: int) -> int:
        """When a message sent at `now_ms` arrives."""
        jitter_ms = self._rng.randint(0, self._jitter_ms) if self._jitter_ms else 0
        self._latest_ms = max(self._latest_ms, now_ms + self._delay_ms + jitter_ms)
        return self._latest_ms
