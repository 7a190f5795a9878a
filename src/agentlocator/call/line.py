"""The carrier's line: when it came, whether it still carries anything, and how long the call may last on it."""

from __future__ import annotations

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

    def dead_at_ms(self) -> int:
        """When it must be given up, if no frame comes before."""
        if self._last_frame_ms is None:
            return self._policy.stream_wait_ms
        return self._last_frame_ms + self._policy.line_dead_ms

    @property
    def longest_ms(self) -> int | None:
        """When a call has lasted as long as a call may."""
        return None if self.opened_ms is None else self.opened_ms + self._policy.max_call_ms
