"""What comes of the model's responses: which of them are listened to, what they brought, and how often they failed.

The gate knows which one may be generated; this knows what it was worth. It asks for nothing by itself.
"""

from __future__ import annotations

import enum

from agentlocator.call.events import ResponseFinished
from agentlocator.call.policy import CallPolicy


class Worth(enum.Enum):
    """What a finished response leaves to be done."""

    WHOLE = "whole"
    CUT = "cut"
    FAILED = "failed"
    NOTHING = "nothing"
    """It was given up, or refused for its content: no other follows from it."""


class Responses:
    """`audible` and `tools`: what the one under way has brought so far, sound and function calls."""

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self.audible = False
        self.tools = False
        self._abandoned: set[str] = set()
        self._closed: set[str] = set()
        self._protected: set[str] = set()
        self._failures = 0
        self._continuations = 0

    @property
    def empty(self) -> bool:
        return not (self.audible or self.tools)

    def begin(self) -> None:
        """The next one is under way, and has brought nothing."""
        self.audible = self.tools = False

    def protect(self, response_id: str) -> None:
        """It is heard to its end, whatever the caller does."""
        self._protected.add(response_id)

    def is_protected(self, response_id: str) -> bool:
        return response_id in self._protected

    def abandon(self, response_id: str | None) -> None:
        """It is given up; what it still sends is not listened to. None: it has no name yet."""
        if response_id is not None:
            self._abandoned.add(response_id)

    def is_abandoned(self, response_id: str) -> bool:
        return response_id in self._abandoned

    def is_heeded(self, response_id: str) -> bool:
        """Neither given up nor over: what comes late for a response would never be finished."""
        return response_id not in self._abandoned and response_id not in self._closed

    def close(self, response_id: str) -> None:
        self._closed.add(response_id)

    def weigh(self, event: ResponseFinished) -> Worth:
        """The worth of the response that was under way."""
        abandoned = event.response_id in self._abandoned
        self._abandoned.discard(event.response_id)
        if abandoned or event.status == "cancelled":
            return Worth.NOTHING
        if event.status == "incomplete" and event.reason != "content_filter":
            return Worth.CUT
        if event.status == "failed" or self.empty:
            return Worth.FAILED
        return Worth.WHOLE if event.status == "completed" else Worth.NOTHING

    def succeeded(self) -> None:
        self._continuations = self._failures = 0

    def turn_ended(self) -> None:
        """What comes next answers something new: it may be long again."""
        self._continuations = 0

    def may_go_on(self) -> bool:
        """It hit the length limit: whether it may go on once more."""
        self._continuations += 1
        return self._continuations <= self._policy.continuations

    def may_retry(self) -> bool:
        """It failed: whether another attempt is worth it."""
        self._failures += 1
        return self._failures <= self._policy.response_retries
