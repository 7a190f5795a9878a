"""How a call is to end, once it has been decided: what must be heard first, and what the carrier is told then."""

from __future__ import annotations

from typing import Final

import msgspec

from agentlocator.call import cues
from agentlocator.call.gate import ResponseGate, Want
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallBrief

END_CALL: Final = "end_call"
TRANSFER: Final = "transfer_to_human"

REVOCABLE_GOODBYES: Final = (Want(cues.FAREWELL), Want(cues.ANNOUNCE_TRANSFER), Want(cues.FAREWELL_SILENCE))
"""What is not to be said any more once the caller has gone on."""

_GOODBYES: Final = {
    "caller_silent": cues.FAREWELL_SILENCE,
    "max_length": cues.FAREWELL_TIME,
    "server_stopping": cues.FAREWELL_STOPPING,
}


class Ending(msgspec.Struct, frozen=True):
    """The call ends when everything said has been heard, at `deadline_ms` at the latest.

    `outcome` tells the carrier's next question what to answer. `revocable`: the caller may still take the floor and go
    on. `transfer_to` is a label of the business's own numbers, `summary` what the person there is told first.
    """

    outcome: str
    deadline_ms: int
    revocable: bool = False
    transfer_to: str = ""
    summary: str = ""


class Farewell:
    """The decision that the call ends, and until when it can be taken back. `ending` is None while the call goes on."""

    def __init__(self, brief: CallBrief, gate: ResponseGate) -> None:
        self._gate = gate
        self._policy = brief.policy
        self._targets = brief.transfer_targets
        self.ending: Ending | None = None

    def begin(self, outcome: str, now_ms: int) -> None:
        """The core itself ends the call, and says why. An end that is decided already stands: the first counts."""
        if self._decide(outcome, now_ms, revocable=outcome == "caller_silent"):
            self._say_last(Want(_GOODBYES[outcome]))

    def obey(self, tool: str, arguments: str, now_ms: int) -> bool:
        """The model ends the call: by `END_CALL`, or by `TRANSFER` to a number the business itself has named.

        False when there is no such number. It may have said its goodbye already; if not, see `announce`.
        """
        if tool == END_CALL:
            self._decide("assistant_hung_up", now_ms, revocable=True)
            return True
        request = _read(arguments)
        target = _named(self._targets, request.to) if request else None
        if request is None or target is None:
            return False
        self._decide("transferred", now_ms, revocable=True, transfer_to=target, summary=request.summary)
        return True

    def put_through(self, transfer_to: str, now_ms: int) -> None:
        """A person hands the call on, whatever was decided before: his wish is not argued with.

        Unless the number is not the business's, or another person has handed the call on already.
        """
        handed_on = self.ending is not None and self.ending.transfer_to and not self.ending.revocable
        if handed_on or transfer_to not in self._targets:
            return
        self.ending = None
        self._decide("transferred", now_ms, transfer_to=transfer_to)
        self._say_last(Want(cues.ANNOUNCE_TRANSFER))

    def announce(self) -> None:
        """The model said nothing besides its decision: a call that it ends is not ended without a word."""
        if self.ending and self.ending.revocable:
            transferring = self.ending.outcome == "transferred"
            self._gate.want(Want(cues.ANNOUNCE_TRANSFER if transferring else cues.FAREWELL))

    def take_back(self) -> bool:
        """The caller has something to say. False when the call ends all the same, or did not end."""
        if self.ending is None or not self.ending.revocable:
            return False
        self.ending = None
        self._gate.forget(*REVOCABLE_GOODBYES)
        return True

    def due_ms(self, mood: Mood) -> int | None:
        """When the call is over: a moment after the last sound, or when something still goes on for too long."""
        if self.ending is None:
            return None
        return mood.sound_ended_ms + self._policy.farewell_pause_ms if mood.idle else self.ending.deadline_ms

    def _decide(
        self, outcome: str, now_ms: int, *, revocable: bool = False, transfer_to: str = "", summary: str = ""
    ) -> bool:
        if self.ending is not None:
            return False
        deadline_ms = now_ms + self._policy.farewell_timeout_ms
        self.ending = Ending(outcome, deadline_ms, revocable, transfer_to, summary)
        return True

    def _say_last(self, goodbye: Want) -> None:
        self._gate.drop_wishes()
        self._gate.want(goodbye)


class _TransferRequest(msgspec.Struct, frozen=True):
    to: str = ""
    summary: str = ""


def _read(arguments: str) -> _TransferRequest | None:
    """The model's arguments, or None when they are not what was asked for."""
    try:
        return msgspec.json.decode(arguments or "{}", type=_TransferRequest)
    except msgspec.MsgspecError:
        return None


def _named(targets: tuple[str, ...], wanted: str) -> str | None:
    """The business's own label the model means; the first where it names none; None for one that does not exist."""
    if not wanted.strip():
        return targets[0] if targets else None
    return wanted.strip() if wanted.strip() in targets else None
