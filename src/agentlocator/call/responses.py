"""The model's responses: asked for one at a time, and what comes of each.

The gate knows which wish is granted when. This knows what the response it led to was worth: whether it is listened to,
what it brought, whether it goes on where a length limit cut it, and how often one that failed is asked for again.
"""

from __future__ import annotations

import enum
from collections.abc import Container
from typing import Final

from agentlocator.call import cues
from agentlocator.call.commands import CancelResponse, Command, RequestResponse
from agentlocator.call.events import ModelErrored, ResponseFinished
from agentlocator.call.gate import ANSWER, ResponseGate, Want
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallPolicy

ACTIVE_ELSEWHERE: Final = "conversation_already_has_active_response"


class Worth(enum.Enum):
    """What a finished response leaves to be done."""

    WHOLE = "whole"
    CUT = "cut"
    """A length limit ended it: it has been asked to go on."""
    FAILED = "failed"
    """It has been asked for again."""
    HOPELESS = "hopeless"
    """It failed, and asking again would not help."""
    NOTHING = "nothing"
    """It was given up, or refused for its content: no other follows from it."""


class Responses:
    """`audible` and `tools`: what the one under way has brought so far, sound and function calls."""

    def __init__(self, policy: CallPolicy, gate: ResponseGate) -> None:
        self._policy = policy
        self._gate = gate
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

    def is_protected(self, response_id: str) -> bool:
        """It is heard to its end, whatever the caller does."""
        return response_id in self._protected

    def is_abandoned(self, response_id: str) -> bool:
        return response_id in self._abandoned

    def is_heeded(self, response_id: str) -> bool:
        """Neither given up nor over: what comes late for a response would never be finished."""
        return response_id not in self._abandoned and response_id not in self._closed

    def request_due_ms(self, mood: Mood) -> int | None:
        """When the next wish may be granted. An answer waits for the tools: it depends on what they bring."""
        want = self._gate.next
        if want is None or self._gate.busy or not mood.session_up or mood.caller_talking:
            return None
        return None if want == ANSWER and mood.tools_running else self._gate.not_before_ms

    def stall_due_ms(self, mood: Mood) -> int | None:
        """When one that is under way and brings nothing is given up; not while anything is left to play."""
        if not self._gate.busy or not mood.session_up or mood.assistant_speaking:
            return None
        return max(self._gate.progress_ms, mood.sound_ended_ms) + self._policy.stall_ms

    def request(self, now_ms: int) -> list[Command]:
        """Asks for what is wanted next, if the model is free."""
        granted = self._gate.request(now_ms)
        if granted is None:
            return []
        event_id, want = granted
        self.audible = self.tools = False
        return [RequestResponse(event_id, want.cue)]

    def started(self, response_id: str, now_ms: int) -> list[Command]:
        """It is under way, asked for or not, and has brought nothing."""
        self.audible = self.tools = False
        unwanted = self._gate.started(response_id, now_ms)
        if self._gate.asked_for.protected:
            self._protected.add(response_id)
        if not unwanted:
            return []
        self._abandoned.add(response_id)
        return [CancelResponse(response_id)]

    def sounded(self, now_ms: int) -> None:
        """The one under way brought sound."""
        self.audible = True
        self._gate.progress_ms = now_ms

    def finished(self, event: ResponseFinished, now_ms: int) -> Worth:
        """It is over: what it was worth, once everything that follows for the model has been asked for."""
        self._closed.add(event.response_id)
        ours = self._gate.ours
        if not self._gate.finished(event.response_id):
            return Worth.NOTHING
        worth = self._weigh(event)
        if not ours:
            return Worth.NOTHING
        match worth:
            case Worth.WHOLE:
                self._continuations = self._failures = 0
            case Worth.CUT:
                self._go_on()
            case Worth.FAILED if event.fatal or not self._again(now_ms):
                return Worth.HOPELESS
            case _:
                pass
        return worth

    def refused(self, event: ModelErrored, now_ms: int) -> bool:
        """The server complained, perhaps about our request. False when asking again would not help."""
        elsewhere = event.code == ACTIVE_ELSEWHERE
        ours = event.event_id or (self._gate.event_id if elsewhere else None)
        return not self._gate.refused(ours, elsewhere) or elsewhere or self._again(now_ms)

    def abandon(self, now_ms: int) -> list[Command]:
        """Stops the one that is being generated; what it still sends is not listened to."""
        response_id = self._gate.response_id
        if response_id is not None:
            self._abandoned.add(response_id)
        return [CancelResponse(response_id)] if self._gate.cancel(now_ms) else []

    def take_back(self, wants: Container[Want], now_ms: int) -> list[Command]:
        """Stops the one that is being generated if it is for one of these, and nothing of it was heard."""
        unheard = self._gate.busy and not self.audible and self._gate.asked_for in wants
        return self.abandon(now_ms) if unheard else []

    def session_lost(self) -> None:
        """Whatever was under way, or wanted of that session, does not come any more."""
        if self._gate.response_id is not None:
            self._abandoned.add(self._gate.response_id)
        self._gate.reset()

    def turn_ended(self) -> None:
        """What comes next answers something new: it may be long again."""
        self._continuations = 0

    def may_retry(self) -> bool:
        """One more has failed: whether another attempt is worth it."""
        self._failures += 1
        return self._failures <= self._policy.response_retries

    def _weigh(self, event: ResponseFinished) -> Worth:
        abandoned = event.response_id in self._abandoned
        self._abandoned.discard(event.response_id)
        if abandoned or event.status == "cancelled":
            return Worth.NOTHING
        if event.status == "incomplete" and event.reason != "content_filter":
            return Worth.CUT
        if event.status == "failed" or self.empty:
            return Worth.FAILED
        return Worth.WHOLE if event.status == "completed" else Worth.NOTHING

    def _go_on(self) -> None:
        """An answer that hit the length limit goes on: it is never left cut (R9)."""
        self._continuations += 1
        if self._continuations <= self._policy.continuations:
            self._gate.want_first(Want(cues.CONTINUE, protected=self._gate.asked_for.protected))

    def _again(self, now_ms: int) -> bool:
        if not self.may_retry():
            return False
        self._gate.want_first(self._gate.asked_for, now_ms + self._policy.retry_pause_ms)
        return True
