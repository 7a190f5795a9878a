"""How a call is to end, once it has been decided: what must be heard first, and what the carrier is told then."""

from __future__ import annotations

import msgspec

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
