"""The carrier's line: when it came, whether it still carries anything, and how long the call may last on it."""

from __future__ import annotations

from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallPolicy


class CarrierLine:
    """`rx` counts the caller's frames. Times are milliseconds of the call; `opened_ms` is None before the stream."""

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self.rx = 0
        self.opened_ms: int | None = None
        self._last_frame_ms: int | None = None

    def opened(self, now_ms: int) -> None:
        self.opened_ms = self._last_frame_ms = now_ms

    def frame(self, now_ms: int) -> None:
        self.rx += 1
        self._last_frame_ms = now_ms

    def dead_at_ms(self, _mood: Mood) -> int:
        """When it must be given up, if no frame comes before."""
        if self._last_frame_ms is None:
            return self._policy.stream_wait_ms
        return self._last_frame_ms + self._policy.line_dead_ms

    @property
    def fate(self) -> tuple[str, str]:
        """The outcome of a call whose line is given up, and what that means."""
        if self.opened_ms is None:
            return "never_connected", "no media stream came for this call"
        return "line_dead", f"no frame for {self._policy.line_dead_ms} ms"

    def longest_ms(self, mood: Mood) -> int | None:
        """When a call has lasted as long as a call may, if it is not ending anyway."""
        return None if self.opened_ms is None or mood.ending else self.opened_ms + self._policy.max_call_ms
