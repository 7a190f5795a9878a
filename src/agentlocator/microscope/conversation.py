"""The words of a call as they were heard, and those that nobody heard. Repeats what the call booked; books nothing."""

from __future__ import annotations

from agentlocator.call.commands import RecordTurn
from agentlocator.call.events import AssistantTextProduced, CallerSpeechStopped, DigitPressed, Event, StreamStarted
from agentlocator.microscope.picture import Latency, Said
from agentlocator.microscope.tape import Tape


class Conversation:
    """Fed every event and every booked turn; the tape tells when something was heard."""

    def __init__(self, tape: Tape) -> None:
        self.keys: list[tuple[int, str]] = []
        self._tape = tape
        self._turns: list[tuple[int, RecordTurn]] = []
        self._texts: dict[str, tuple[int, str]] = {}
        self._stopped_ms: dict[str, int] = {}
        self._stream_started_ms = 0

    def happened(self, event: Event, now_ms: int) -> None:
        match event:
            case StreamStarted():
                self._stream_started_ms = self._stream_started_ms or now_ms
            case DigitPressed(digit=digit):
                self.keys.append((now_ms, digit))
            case CallerSpeechStopped(item_id=item_id):
                self._stopped_ms[item_id] = now_ms
            case AssistantTextProduced(item_id=item_id, text=text):
                since_ms, before = self._texts.get(item_id, (now_ms, ""))
                self._texts[item_id] = (since_ms, before + text)
            case _:
                pass

    def booked(self, turn: RecordTurn, now_ms: int) -> None:
        self._turns.append((now_ms, turn))

    def said(self) -> tuple[Said, ...]:
        """All turns in the order of their beginning, those that nobody heard included."""
        turns = [self._said(turn, booked_ms) for booked_ms, turn in self._turns]
        heard = {turn.item_id for _, turn in self._turns}
        turns += [
            Said("assistant", since_ms, since_ms, "", text.strip())
            for item_id, (since_ms, text) in self._texts.items()
            if item_id not in heard and text.strip()
        ]
        return tuple(sorted(turns, key=lambda said: said.start_ms))

    def _said(self, turn: RecordTurn, booked_ms: int) -> Said:
        if turn.speaker != "assistant":
            end_ms = self._stopped_ms.get(turn.item_id, turn.started_ms)
            return Said(turn.speaker, turn.started_ms, max(end_ms, turn.started_ms), turn.text)
        start_ms = self._tape.first_heard_ms.get(turn.item_id, turn.started_ms)
        unheard = turn.generated_text.removeprefix(turn.text).strip() if turn.interrupted else ""
        return Said(
            speaker="assistant",
            start_ms=start_ms,
            end_ms=self._tape.last_heard_ms.get(turn.item_id, booked_ms),
            text=turn.text,
            unheard_text=unheard,
            heard_ms=turn.heard_ms,
            generated_ms=turn.generated_ms,
            interrupted=turn.interrupted,
            latency=self._latency(turn, start_ms),
        )

    def _latency(self, turn: RecordTurn, heard_ms: int) -> Latency | None:
        if turn.latency_ms is None:
            return None
        began_ms = heard_ms - turn.latency_ms
        # The wait for the very first words began when the line did, not with anything the caller said.
        opening = not any(said.speaker != "assistant" for _, said in self._turns if said.started_ms < turn.started_ms)
        return Latency(max(began_ms, 0), heard_ms, opening and began_ms <= self._stream_started_ms + 100)
