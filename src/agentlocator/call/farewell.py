"""How a call is to end, once it has been decided: what must be heard first, and what the carrier is told then."""

from __future__ import annotations

import msgspec

from agentlocator.call.policy import CallPolicy

END_CALL = "end_call"
TRANSFER = "transfer_to_human"


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

    def __init__(self, policy: CallPolicy) -> None:
        self._timeout_ms = policy.farewell_timeout_ms
        self.ending: Ending | None = None

    def begin(
        self, outcome: str, now_ms: int, *, revocable: bool = False, transfer_to: str = "", summary: str = ""
    ) -> bool:
        """The call is to end. False when that is decided already: the first reason is the one that counts."""
        if self.ending is not None:
            return False
        self.ending = Ending(outcome, now_ms + self._timeout_ms, revocable, transfer_to, summary)
        return True

    def put_through(self, transfer_to: str, now_ms: int) -> bool:
        """A person hands the call on, whatever was decided before. False when another person has already."""
        if self.ending is not None and self.ending.transfer_to and not self.ending.revocable:
            return False
        self.ending = None
        return self.begin("transferred", now_ms, transfer_to=transfer_to)

    def take_back(self) -> bool:
        """The caller has something to say. False when the call ends all the same, or did not end."""
        if self.ending is None or not self.ending.revocable:
            return False
        self.ending = None
        return True


class TransferRequest(msgspec.Struct, frozen=True):
    """What the model says when it hands a call to a person."""

    to: str = ""
    summary: str = ""


def chosen_target(targets: tuple[str, ...], wanted: str) -> str | None:
    """The business's own label the model means; the first where it names none; None for one that does not exist."""
    if not wanted.strip():
        return targets[0] if targets else None
    return next((label for label in targets if label == wanted.strip()), None)


def read_transfer(arguments: str) -> TransferRequest | None:
    """The model's arguments, or None when they are not what was asked for."""
    try:
        return msgspec.json.decode(arguments or "{}", type=TransferRequest)
    except msgspec.MsgspecError:
        return None
