"""Who has the floor while the assistant speaks: pause early, then commit to the interruption or resume.

The floor weighs the ear's evidence against the business's thresholds. It plays nothing, clears nothing and asks
nobody: the call does what it decides. Without the assistant speaking it decides nothing at all.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agentlocator.audio.evidence import Evidence
from agentlocator.audio.level import SILENCE_DBFS
from agentlocator.call.floor_policy import USUAL, FloorPolicy
from agentlocator.call.suspicion import convincing, suspicious

__all__ = ["USUAL", "Commit", "Decision", "Floor", "FloorPolicy", "Pause", "Resume"]

CommitReason = Literal["continuous speech"]
ResumeReason = Literal["quiet", "undecided"]


class Pause(msgspec.Struct, frozen=True, tag_field="verdict", tag="pause"):
    """Let no further frame out. Somebody may be speaking."""

    at_ms: int
    evidence: Evidence


class Commit(msgspec.Struct, frozen=True, tag_field="verdict", tag="commit"):
    """The caller has the floor. `speech_began_ms` is where his sound began: forward it from before there."""

    at_ms: int
    speech_began_ms: int
    reason: CommitReason
    evidence: Evidence


class Resume(msgspec.Struct, frozen=True, tag_field="verdict", tag="resume"):
    """It was nothing: go on from the frame where the sound stopped."""

    at_ms: int
    reason: ResumeReason
    evidence: Evidence


Decision = Pause | Commit | Resume


class Floor:
    """Feed it every evidence of the ear, and when the assistant has the floor and when no longer."""

    def __init__(self, policy: FloorPolicy = USUAL) -> None:
        self._policy = policy
        self._speaking = False
        self._deaf_until_ms = _LONG_AGO
        self._cooldown_until_ms = _LONG_AGO
        self._paused_at_ms: int | None = None
        self._began_ms = 0
        self._armed = True
        self._ignored = _NOTHING

    @property
    def paused(self) -> bool:
        """Whether a pause waits for its commit or resume."""
        return self._paused_at_ms is not None

    @property
    def speaking(self) -> bool:
        return self._speaking

    def assistant_started(self, now_ms: int) -> None:
        """The first frame of the assistant's speech is on its way. Being told again changes nothing."""
        if self._speaking:
            return
        self._speaking = True
        self._armed = True
        self._deaf_until_ms = max(now_ms + self._policy.grace_ms, self._cooldown_until_ms)

    def assistant_ended(self) -> None:
        """The assistant has nothing more to say, or was cut by another hand: a pause has lost its object."""
        self._speaking = False
        self._paused_at_ms = None

    def weigh(self, evidence: Evidence, now_ms: int) -> Decision | None:
        """What this evidence changes, if anything. The same evidence may come twice, once with its score."""
        if not self._speaking:
            return None
        if self._paused_at_ms is not None:
            return self._settle(evidence, now_ms, self._paused_at_ms)
        if now_ms < self._deaf_until_ms:
            self._ignored = evidence
            return None
        if not self._armed:
            self._armed = evidence.quiet_ms >= self._policy.rearm_quiet_ms
            if not self._convincing(evidence):
                return None
        # What was said in the grace or the cooldown does not count, what goes on after it does.
        fresh_ms = evidence.active_ms - self._ignored_ms(evidence)
        if evidence.began_ms < 0 or not suspicious(evidence, fresh_ms, self._policy):
            return None
        self._paused_at_ms = now_ms
        self._began_ms = evidence.began_ms
        return Pause(now_ms, evidence)

    def _settle(self, evidence: Evidence, now_ms: int, paused_at_ms: int) -> Decision | None:
        policy = self._policy
        settled = now_ms - paused_at_ms >= policy.commit_after_pause_ms
        if settled and evidence.began_ms >= 0 and self._convincing(evidence):
            self._paused_at_ms = None
            self._armed = False
            self._cooldown_until_ms = self._deaf_until_ms = now_ms + policy.cooldown_ms
            return Commit(now_ms, min(self._began_ms, evidence.began_ms), "continuous speech", evidence)
        if evidence.quiet_ms >= policy.resume_quiet_ms:
            return self._resume(now_ms, "quiet", evidence)
        hopeful = evidence.speech_ms >= policy.commit_evidence_ms and evidence.certainty >= policy.commit_certainty
        if now_ms - paused_at_ms >= (policy.longest_undecided_ms if hopeful else policy.undecided_ms):
            return self._resume(now_ms, "undecided", evidence)
        return None

    def _ignored_ms(self, evidence: Evidence) -> int:
        """How much of the candidate's speech fell into a time when nothing counted."""
        if evidence.began_ms != self._ignored.began_ms or evidence.active_ms < self._ignored.active_ms:
            self._ignored = _NOTHING
        return self._ignored.active_ms

    def _convincing(self, evidence: Evidence) -> bool:
        return convincing(evidence, evidence.active_ms - self._ignored_ms(evidence), self._policy)

    def _resume(self, now_ms: int, reason: ResumeReason, evidence: Evidence) -> Resume:
        self._paused_at_ms = None
        self._armed = evidence.quiet_ms >= self._policy.rearm_quiet_ms
        return Resume(now_ms, reason, evidence)


_LONG_AGO: Final = -1_000_000
_NOTHING: Final = Evidence(_LONG_AGO, SILENCE_DBFS, SILENCE_DBFS)
