"""The conversation as it was heard, in the order it was spoken.

What the assistant generated and nobody heard is not part of it. After a lost connection it is also the memory that a
new session is filled with.
"""

from __future__ import annotations

from agentlocator.call.commands import AddMessage, Command, RecordTurn
from agentlocator.call.playout import Utterance
from agentlocator.call.policy import Remembered


class Transcript:
    """`before` is what was said in this call before it came to this machine."""

    def __init__(self, before: tuple[Remembered, ...] = ()) -> None:
        self._before = before
        self.turns: list[RecordTurn] = []
        self._caller_began_ms: dict[str, int] = {}

    def assistant_said(self, utterance: Utterance) -> RecordTurn | None:
        """Books a finished utterance; None when nothing of it was heard."""
        if not utterance.heard_ms or utterance.first_sent_at_ms is None:
            return None
        return self._book(
            RecordTurn(
                speaker="assistant",
                text=utterance.heard_text.strip(),
                started_ms=utterance.first_sent_at_ms,
                heard_ms=utterance.heard_ms,
                generated_ms=utterance.generated_ms,
                generated_text=utterance.text.strip(),
                interrupted=utterance.discarded,
                latency_ms=utterance.latency_ms,
                item_id=utterance.item_id,
            )
        )

    def caller_began(self, item_id: str, now_ms: int) -> None:
        self._caller_began_ms.setdefault(item_id, now_ms)

    def caller_said(self, item_id: str, text: str, now_ms: int) -> RecordTurn:
        """Books the words of a caller's turn at the time he began it, however late they arrive."""
        began_ms = self._caller_began_ms.pop(item_id, now_ms)
        return self._book(RecordTurn(speaker="caller", text=text.strip(), started_ms=began_ms, item_id=item_id))

    def keys_pressed(self, digits: str, now_ms: int) -> RecordTurn:
        return self._book(RecordTurn(speaker="keypad", text=digits, started_ms=now_ms))

    def retell(self, done: list[tuple[int, Command]], unheard: list[str]) -> list[Command]:
        """The conversation so far, for a new session: what was said and `done` in the order in which it began.

        `unheard` is what the assistant has said and the caller will only hear now.
        """
        said: list[tuple[int, Command]] = [(turn.started_ms, _message(turn)) for turn in self.turns if turn.text]
        return [
            *(AddMessage(turn.role, turn.text) for turn in self._before),
            *(command for _, command in sorted([*said, *done], key=lambda happened: happened[0])),
            *(AddMessage("assistant", text) for text in unheard),
        ]

    def _book(self, turn: RecordTurn) -> RecordTurn:
        self.turns.append(turn)
        return turn


def keypad_text(digits: str) -> str:
    """Keys as the model reads them (R5)."""
    return f"[keypad] {digits}"


def _message(turn: RecordTurn) -> AddMessage:
    if turn.speaker == "assistant":
        return AddMessage("assistant", turn.text)
    return AddMessage("user", keypad_text(turn.text) if turn.speaker == "keypad" else turn.text)
