"""How a call ended, in words and in a tone: what the owner reads on its chip. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from agentlocator.web.words import said


class Ending(msgspec.Struct, frozen=True):
    """An outcome's words, and whether it is good news, a person's turn, or trouble."""

    words: str
    tone: str


_ENDINGS: Final = {
    "caller_hung_up": Ending(said("Ended by the caller"), "good"),
    "assistant_hung_up": Ending(said("Ended politely"), "good"),
    "completed": Ending(said("Completed"), "good"),
    "transferred": Ending(said("Passed to a person"), "person"),
    "taken_over": Ending(said("Taken over by a person"), "person"),
    "ended_by_person": Ending(said("Ended by a person"), "person"),
    "over_cap": Ending(said("Passed on, the cap was reached"), "person"),
    "caller_silent": Ending(said("Caller was silent"), "quiet"),
    "max_length": Ending(said("Reached its longest"), "quiet"),
    "never_connected": Ending(said("Never connected"), "bad"),
    "line_dead": Ending(said("Line went dead"), "bad"),
    "line_unusable": Ending(said("Line could not be used"), "bad"),
    "model_lost": Ending(said("The assistant failed"), "bad"),
    "failed": Ending(said("Failed"), "bad"),
    "busy": Ending(said("Busy"), "quiet"),
    "no-answer": Ending(said("No answer"), "quiet"),
    "canceled": Ending(said("Canceled"), "quiet"),
}

KNOWN: Final = tuple(_ENDINGS)


def ending_of(outcome: str) -> Ending:
    """An outcome that has no words yet is shown as it is."""
    return _ENDINGS.get(outcome) or Ending(outcome, "quiet")
