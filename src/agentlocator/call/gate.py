"""The gate in front of the model: at most one response writes the conversation at a time.

Asking for a second one while a first is active is refused by the provider, and an answer then never comes. Whatever
wants the model to speak asks the gate; the gate asks the model when it may.

free → requested → active → free, and cancelling on the way when the caller took the floor.
"""

from __future__ import annotations

import enum

import msgspec


class Want(msgspec.Struct, frozen=True):
    """A wish that the model speak. Equal wishes are one. What is `protected` cannot be interrupted."""

    cue: str | None = None
    protected: bool = False


ANSWER = Want()
"""Say what the conversation calls for."""


class GateState(enum.Enum):
    FREE = "free"
    REQUESTED = "requested"
    ACTIVE = "active"
    CANCELLING = "cancelling"


class ResponseGate:
    """Who may speak for the model, and what waits. Times are milliseconds of the call."""

    def __init__(self) -> None:
        self.state = GateState.FREE
        self.response_id: str | None = None
        self.event_id = ""
        self.asked_for = ANSWER
        self.progress_ms = 0
        self.not_before_ms = 0
        self.ours = True
        self._waiting: list[Want] = []
        self._requests = 0

    @property
    def busy(self) -> bool:
        return self.state is not GateState.FREE

    @property
    def wanting(self) -> bool:
        return bool(self._waiting)

    @property
    def under_way(self) -> bool:
        """The model speaks, or is about to."""
        return self.busy or self.wanting

    @property
    def next(self) -> Want | None:
        """The wish that is granted next."""
        return self._waiting[0] if self._waiting else None

    def want(self, want: Want, not_before_ms: int = 0) -> None:
        """Remembers a wish until `request` may grant it."""
        if want not in self._waiting:
            self._waiting.append(want)
        self.not_before_ms = max(self.not_before_ms, not_before_ms)

    def want_first(self, want: Want, not_before_ms: int = 0) -> None:
        """The same, before everything else that waits: what belongs to what has just been said."""
        self.forget(want)
        self._waiting.insert(0, want)
        self.not_before_ms = max(self.not_before_ms, not_before_ms)

    def forget(self, *wants: Want) -> None:
        """These are no longer wanted."""
        self._waiting = [waiting for waiting in self._waiting if waiting not in wants]

    def drop_wishes(self) -> None:
        """The caller took the floor: what was about to be said is no longer wanted."""
        self._waiting.clear()
        self.not_before_ms = 0

    def request(self, now_ms: int) -> tuple[str, Want] | None:
        """Grants the oldest wish if the model is free: the id to ask under, and the wish."""
        if self.busy or not self._waiting or now_ms < self.not_before_ms:
            return None
        self._requests += 1
        self.event_id = f"response-{self._requests}"
        self.asked_for = self._waiting.pop(0)
        self.state = GateState.REQUESTED
        self.ours = True
        self.response_id = None
        self.progress_ms = now_ms
        return self.event_id, self.asked_for

    def started(self, response_id: str, now_ms: int) -> bool:
        """A response began, asked for or not. True when it must be cancelled at once."""
        unwanted = self.state is GateState.CANCELLING and self.response_id is None
        if self.state is GateState.FREE:
            self.asked_for = ANSWER  # the server began one by itself
            self.ours = True
        if self.state is not GateState.CANCELLING:
            self.state = GateState.ACTIVE
        self.response_id = response_id
        self.progress_ms = now_ms
        return unwanted

    def cancel(self, now_ms: int) -> bool:
        """Stops what is being generated; it stays in the way until finished. True when the server can be told now."""
        if self.state is GateState.ACTIVE:
            self.state = GateState.CANCELLING
            self.progress_ms = now_ms
            return True
        if self.state is GateState.REQUESTED:
            self.state = GateState.CANCELLING  # told as soon as the server has named it
            self.progress_ms = now_ms
        return False

    def finished(self, response_id: str) -> bool:
        """A response is over. False when it is not the one the gate waits for."""
        if self.response_id not in (None, response_id):
            return False
        self.state = GateState.FREE
        self.response_id = None
        return True

    def refused(self, event_id: str | None, active_elsewhere: bool) -> bool:
        """Our request was turned down. With another response active the wish waits for that one to end.

        The refusal may come after the other response's start, which was then taken for ours.
        """
        if event_id != self.event_id or not self.busy:
            return False
        if not active_elsewhere:
            self._release()
            return True
        if self.state is not GateState.CANCELLING:
            self._waiting.insert(0, self.asked_for)
            self.state = GateState.ACTIVE
        self.ours = False
        return True

    def release_unseen(self) -> bool:
        """Gives up waiting for a response we were told is active and never saw: it ended before we were told.

        False when there is none such.
        """
        if self.response_id is not None or self.state is not GateState.ACTIVE:
            return False
        self._release()
        return True

    def reset(self) -> None:
        """The connection is gone, and with it whatever was active."""
        self.state = GateState.FREE
        self.response_id = None
        self._waiting.clear()
        self.not_before_ms = 0

    def _release(self) -> None:
        self.state = GateState.FREE
        self.response_id = None
        self.event_id = ""
