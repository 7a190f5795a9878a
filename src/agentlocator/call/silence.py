"""Silence on the line: whose it is, since when, and when it is too long.

While the caller is owed something the silence is ours: he is told that we are looking, and is not left in it for ever.
When nothing is owed it is his, and he is asked whether he is still there. Who owes what is decided by `machine`; this
keeps the account.
"""

from __future__ import annotations

from agentlocator.call.policy import CallPolicy


class Silence:
    """Times are milliseconds of the call.

    `since_ms` is when anything last happened in it, `sound_ended_ms` when either side's last word or key was over.
    """

    def __init__(self, policy: CallPolicy) -> None:
        self._policy = policy
        self.since_ms = 0
        self.sound_ended_ms = 0
        self.owes_answer = False
        self._owed_since_ms: int | None = None
        self._held_until_ms = 0
        self._turn_ended_ms: int | None = None
        self._fillers = 0
        self._prompts = 0

    def begin(self, now_ms: int) -> None:
        """The caller can hear: from now on he waits."""
        self._turn_ended_ms = now_ms
        self.sounded(now_ms)

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
        self._turn_ended_ms = self.sound_ended_ms = self._owed_since_ms = ended_ms
        self.since_ms = now_ms

    def latency_ms(self, heard_at_ms: int) -> int | None:
        """How long he has waited for the answer that he hears from `heard_at_ms` on; None if it is no answer."""
        if self._turn_ended_ms is None:
            return None
        waited_ms = heard_at_ms - self._turn_ended_ms
        self._turn_ended_ms = None
        return waited_ms

    def hold(self, until_ms: int) -> None:
        """He is spelling something out: until then it is not ours."""
        self._held_until_ms = until_ms

    def tools_answered(self, now_ms: int) -> None:
        """What he waited for is known, and is owed to him."""
        self._fillers = 0
        self.since_ms = now_ms
        self.owes_answer = True

    def filler_due_ms(self, last_speech_ms: int) -> int | None:
        """When he should be told that somebody is looking; None when he has been told often enough."""
        if self._fillers >= self._policy.fillers:
            return None
        return max(self.sound_ended_ms, last_speech_ms) + self._policy.filler_ms

    def filled(self) -> None:
        self._fillers += 1

    def dead_air_due_ms(self, owing: bool, last_speech_ms: int, now_ms: int) -> int | None:
        """When he has been left in unexplained silence for too long; it counts from the first moment he is owed."""
        if not owing:
            self._owed_since_ms = None
            return None
        if self._owed_since_ms is None:
            self._owed_since_ms = now_ms
        since_ms = max(self._owed_since_ms, self.sound_ended_ms, last_speech_ms, self._held_until_ms)
        return since_ms + self._policy.dead_air_ms

    @property
    def prompt_due_ms(self) -> int:
        """When a caller who owes the next word is asked whether he is there."""
        return self.since_ms + self._policy.silence_prompt_ms

    def prompt(self, now_ms: int) -> bool:
        """He has said nothing. Whether to ask him once more: if not, he has left."""
        self._prompts += 1
        self.since_ms = now_ms
        return self._prompts <= self._policy.silence_prompts
