"""What the assistant has to say whatever happens: what opens the call, and the corrections of what was untrue.

Each stays due, through any number of sessions, until it has been said.
"""

from __future__ import annotations

from agentlocator.call import cues
from agentlocator.call.gate import ANSWER, Want
from agentlocator.call.policy import CallBrief


class Agenda:
    """`openings` are in the order they are said, and so are `corrections`."""

    def __init__(self, brief: CallBrief) -> None:
        self.openings = _openings(brief)
        self.corrections: list[Want] = []
        self._corrections_left = brief.policy.corrections

    @property
    def greeted(self) -> bool:
        """Everything that opens the call has been made: then the caller is heard."""
        return not self.openings

    def due(self, owed: bool) -> list[Want]:
        """What a new session says before anything else. `owed`: the caller waits for an answer besides."""
        if not self.greeted:
            return [*self.openings, ANSWER] if owed else self.openings
        if self.corrections:
            return self.corrections
        return [Want(cues.RESUME_AFTER_LOSS)] if owed else []

    def correct(self, instruction: str) -> Want | None:
        """One more untruth to put right; None when so many were that another correction would not help."""
        if self._corrections_left <= 0:
            return None
        self._corrections_left -= 1
        correction = Want(instruction)
        self.corrections.append(correction)
        return correction

    def told(self, said: Want) -> None:
        """This needs not be said again."""
        for due in (self.openings, self.corrections):
            if said in due:
                due.remove(said)


def _openings(brief: CallBrief) -> list[Want]:
    if brief.returning:
        return [Want(cues.NOBODY_ANSWERED)]
    greeting = Want(cues.greet(brief.greeting))
    if not brief.policy.notice:
        return [greeting]
    return [Want(cues.notify(brief.policy.notice), protected=True), greeting]
