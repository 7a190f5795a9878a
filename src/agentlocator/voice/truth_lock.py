"""What the assistant says of bookings, held against the receipts of this call.

It only finds the contradiction; that it is corrected aloud, and when, is the core's decision.
"""

from __future__ import annotations

from agentlocator.assistant import claims
from agentlocator.assistant.registry import ToolReply
from agentlocator.call.events import ClaimRefuted
from agentlocator.domain.receipts import Receipt


class TruthLock:
    """One call's receipts, and the sentences not yet held against them."""

    def __init__(self) -> None:
        self._receipts: list[Receipt] = []
        self._unverified: list[str] = []

    def saw(self, reply: ToolReply) -> None:
        """A tool has answered: what it did, and what it found, may be spoken of."""
        self._receipts.extend(reply.known)
        if reply.receipt is not None:
            self._receipts.append(reply.receipt)

    def heard(self, said: str) -> None:
        """The caller has heard this from the assistant."""
        self._unverified.append(said)

    def verdicts(self) -> list[ClaimRefuted]:
        """The claims heard since the last time that no receipt covers. Ask when no tool is running."""
        said, self._unverified = self._unverified, []
        corrections = (claims.check(sentence, self._receipts) for sentence in said)
        return [ClaimRefuted(found.claim, found.sentence, found.instruction) for found in corrections if found]
