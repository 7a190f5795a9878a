"""Barge-in: what the caller's sound does to the assistant's.

The floor decides; this carries it out where both sides meet. A pause holds the sound back, and a resume lets it go on
from the very next frame. A commit concerns the whole call: it is handed on.
"""

from __future__ import annotations

from agentlocator.call.commands import AppendAudio, Command, ReportBargeIn, ScoreSpeech
from agentlocator.call.floor import Commit, Decision, Pause
from agentlocator.call.listening import Listening
from agentlocator.call.playout import Playout
from agentlocator.call.responses import Responses


class BargeIn:
    """Between what the caller says and what he hears. Times are milliseconds of the call."""

    def __init__(self, listening: Listening, playout: Playout, responses: Responses) -> None:
        self._listening = listening
        self._playout = playout
        self._responses = responses

    def interruptible(self, now_ms: int) -> bool:
        """The assistant is being heard, with something that the caller may interrupt."""
        current = self._playout.current
        protected = current is not None and self._responses.is_protected(current.response_id)
        return self._playout.speaking(now_ms) and not protected

    def hear(self, audio: bytes, for_model: bool, now_ms: int) -> tuple[list[Command], Commit | None]:
        """Takes 20 ms of the caller; returns what follows, and whether he has taken the floor.

        `for_model`: the model may hear him, if the assistant is silent; what it does not get is kept.
        """
        speaking = self._playout.speaking(now_ms)
        decision, wants = self._listening.hear(audio, speaking, self.interruptible(now_ms), now_ms)
        commands: list[Command] = []
        if for_model and not speaking:
            commands += [AppendAudio(frame) for frame in self._listening.pass_on(audio)]
        else:
            self._listening.keep(audio, now_ms)
        if wants is not None:
            commands.append(ScoreSpeech(wants.audio, wants.fresh, wants.glance))
        commands += self._carry_out(decision, now_ms)
        if self._playout.paused and not self._listening.floor.paused and not isinstance(decision, Commit):
            # What was paused has ended by itself: nothing decides about it any more, and the next must not wait for it.
            commands += self._resume("over")
        return commands, decision if isinstance(decision, Commit) else None

    def scored(self, probability: float, now_ms: int) -> tuple[list[Command], Commit | None]:
        """Takes the neural detector's verdict; returns the same as `hear`."""
        decision, _ = self._listening.scored(probability, now_ms)
        return self._carry_out(decision, now_ms), decision if isinstance(decision, Commit) else None

    def report(self, verdict: str, reason: str, speech_ms: int = 0) -> Command:
        """What was decided, about what he is hearing. `speech_ms` is how long he had been speaking."""
        current = self._playout.current
        return ReportBargeIn(
            verdict=verdict,
            reason=reason,
            item_id=current.item_id if current else "",
            heard_ms=current.heard_ms if current else 0,
            speech_ms=speech_ms,
        )

    def _carry_out(self, decision: Decision | None, now_ms: int) -> list[Command]:
        match decision:
            case Pause():
                self._playout.pause()
                return [self.report("pause", "speech suspected", now_ms - decision.evidence.began_ms)]
            case Commit() | None:
                return []
            case _:
                return self._resume(decision.reason)

    def _resume(self, reason: str) -> list[Command]:
        self._playout.resume()
        return [self.report("resume", reason)]
