"""Silence on the line: whose it is, since when, and when it is too long.

While the caller is owed something the silence is ours: he is told that we are looking, and is not left in it for ever.
When nothing is owed it is his, and he is asked whether he is still there.
"""

from __future__ import annotations

from agentlocator.call import cues
from agentlocator.call.gate import ResponseGate, Want
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallPolicy


class Silence:
    """Times are milliseconds of the call.

    `since_ms` is when anything last happened in it, `sound_ended_ms` when either side's last word or key was over.
    """

    def __init__(self, policy: CallPolicy, gate: ResponseGate) -> None:
        self._policy = policy
        self._gate = gate
        self.since_ms = 0
        self.sound_ended_ms = 0
        self.owes_answer = False
        self._owed_since_ms: int | None = None
        self._held_until_ms = 0
        self._fillers = 0
        self._prompts = 0

    def stirred(self, now_ms: int) -> None:
        """Something happened that he did not hear."""
        self.since_ms = now_ms

    def sounded(self, now_ms: int) -> None:
        """A sound of either side is over."""
        self.since_ms = self.sound_ended_ms = now_ms

    def turn_ended(self, ended_ms: int, now_ms: int) -> None:
        """The caller's turn ended, at `ended_ms`: the next word is ours."""
        self.owes_answer = True
        self._prompts = 0
        self.sound_ended_ms = self._owed_since_ms = ended_ms
        self.since_ms = now_ms

    def hold(self, until_ms: int) -> None:
        """He is spelling something out: until then it is not ours."""
        self._held_until_ms = until_ms

    def tools_answered(self, now_ms: int) -> None:
        """What he waited for is known, and is owed to him."""
        self._fillers = 0
        self.since_ms = now_ms
        self.owes_answer = True

    def filler_due_ms(self, mood: Mood) -> int | None:
        """When he should be told that somebody is looking: a tool takes its time, and the model could speak meanwhile.

        None, too, when he has been told often enough.
        """
        if not mood.tools_running or mood.ending or mood.response_under_way or not mood.session_up or not mood.owing:
            return None
        if self._fillers >= self._policy.fillers:
            return None
        return max(self.sound_ended_ms, mood.caller_last_heard_ms) + self._policy.filler_ms

    def fill(self) -> None:
        self._fillers += 1
        self._gate.want(Want(cues.ONE_MOMENT))

    def dead_air_due_ms(self, mood: Mood) -> int | None:
        """When he has been left in unexplained silence for too long; it counts from the first moment he is owed."""
        if not mood.owing:
            self._owed_since_ms = None
            return None
        if self._owed_since_ms is None:
            self._owed_since_ms = mood.now_ms
        since_ms = max(self._owed_since_ms, self.sound_ended_ms, mood.caller_last_heard_ms, self._held_until_ms)
        return since_ms + self._policy.dead_air_ms

    def prompt_due_ms(self, mood: Mood) -> int | None:
        """When a caller who owes the next word is asked whether he is there."""
        if not mood.live or mood.ending or not mood.session_up or not mood.idle:
            return None
        return self.since_ms + self._policy.silence_prompt_ms

    def prompt(self, now_ms: int) -> bool:
        """He has said nothing, and is asked once more. False when he has been asked often enough: he has left."""
        self._prompts += 1
        self.since_ms = now_ms
        if self._prompts > self._policy.silence_prompts:
            return False
        self._gate.want(Want(cues.STILL_THERE))
        return True
