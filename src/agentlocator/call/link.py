"""The link to the model's server: connecting, configuring, up, waiting to try again, lost.

A session cannot be resumed at the provider: a new connection is a new conversation, which `machine` fills again from
the transcript. The link counts attempts and keeps their deadlines; it knows no socket.
"""

from __future__ import annotations

import enum

from agentlocator.call.commands import OpenModel
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallPolicy


class LinkState(enum.Enum):
    IDLE = "idle"
    CONNECTING = "connecting"
    CONFIGURING = "configuring"
    UP = "up"
    WAITING = "waiting"
    LOST = "lost"


class ModelLink:
    """Attempts count from 1, and from 1 again after a session that has given a whole answer.

    `lost_since_ms` is when the session that is missed now was lost, or first failed to come; None while none is missed.
    """

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self.state = LinkState.IDLE
        self.sessions = 0
        self._in_vain = 0
        self._has_answered = False
        self.deadline_ms: int | None = None
        self.lost_since_ms: int | None = None

    @property
    def up(self) -> bool:
        return self.state is LinkState.UP

    @property
    def open_(self) -> bool:
        """There is a connection, or an attempt at one."""
        return self.state in (LinkState.CONNECTING, LinkState.CONFIGURING, LinkState.UP)

    def open(self, now_ms: int) -> OpenModel:
        """Starts the next attempt."""
        self._enter(LinkState.CONNECTING, now_ms + self._policy.connect_timeout_ms)
        return OpenModel(self._in_vain + 1)

    def connected(self, now_ms: int) -> bool:
        """The server is there, and the session can be configured. False when nobody waited for it."""
        if self.state is not LinkState.CONNECTING:
            return False
        self._enter(LinkState.CONFIGURING, now_ms + self._policy.confirm_timeout_ms)
        return True

    def confirmed(self, now_ms: int) -> None:
        self.sessions += 1
        self.lost_since_ms = None
        self._enter(LinkState.UP, now_ms + self._policy.session_max_ms)

    def answered(self) -> None:
        """The session has given a whole answer: its loss will be an accident, not one attempt more in vain."""
        self._has_answered = True
        self._in_vain = 0

    def failed(self, now_ms: int, fatal: bool) -> None:
        """The attempt or the session is over. A session's loss is first met by an immediate attempt: he is waiting."""
        if self.lost_since_ms is None:
            self.lost_since_ms = now_ms
        if not self._has_answered:
            self._in_vain += 1
        self._has_answered = False
        pause_ms = 0 if self.up and self._in_vain <= 1 else self._in_vain * self._policy.reconnect_pause_ms
        if fatal or self._in_vain >= self._policy.reconnect_attempts:
            self._enter(LinkState.LOST, None)
        else:
            self._enter(LinkState.WAITING, now_ms + pause_ms)

    def due_ms(self, mood: Mood) -> int | None:
        """When something must be done about it.

        A planned renewal waits until the call is idle. A caller who is owed something does not wait in silence for the
        last attempt.
        """
        if self.up:
            return self.deadline_ms if mood.idle else None
        if self.lost_since_ms is None or not mood.owing:
            return self.deadline_ms
        patience_ms = max(self.lost_since_ms, mood.quiet_since_ms) + self._policy.lost_link_silence_ms
        return patience_ms if self.deadline_ms is None else min(self.deadline_ms, patience_ms)

    def close(self) -> None:
        self._enter(LinkState.IDLE, None)

    def _enter(self, state: LinkState, deadline_ms: int | None) -> None:
        self.state = state
        self.deadline_ms = deadline_ms
