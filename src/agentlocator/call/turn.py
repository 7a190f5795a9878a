"""The caller's turn, as the model's server hears it: whether he is talking, and when he stopped."""

from __future__ import annotations

from agentlocator.call.policy import CallPolicy


class CallerTurn:
    """Times are milliseconds of the call."""

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self._talking_since_ms: int | None = None

    def begin(self, now_ms: int) -> None:
        self._talking_since_ms = now_ms

    def end(self) -> None:
        """He stopped, or nobody is there any more who would hear him stop."""
        self._talking_since_ms = None

    def talking(self, now_ms: int) -> bool:
        """The server hears him. If it never says that he stopped, it is not believed for ever."""
        since_ms = self._talking_since_ms
        return since_ms is not None and now_ms - since_ms < self._policy.talk_max_ms

    def ended_ms(self, last_speech_ms: int, now_ms: int) -> int:
        """When he stopped, in a turn that was committed just now: the server says so only after some silence.

        `last_speech_ms` is when our own ear heard him last, 0 for never.
        """
        if self._policy.turn_detection == "server_vad":
            return max(last_speech_ms, now_ms - self._policy.vad_silence_ms)
        return last_speech_ms or now_ms
