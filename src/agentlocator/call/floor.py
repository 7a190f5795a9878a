"""Who has the floor while the assistant speaks: pause early, then commit to the interruption or resume.

The floor weighs the ear's evidence against the business's thresholds. It plays nothing, clears nothing and asks
nobody: the call does what it decides. Without the assistant speaking it decides nothing at all.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agentlocator.audio.detector import EarPolicy, Evidence
from agentlocator.audio.level import SILENCE_DBFS

CommitReason = Literal["continuous speech"]
ResumeReason = Literal["quiet", "undecided"]


class FloorPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the assistant yields. Durations in ms, levels in dBFS (RMS of 20 ms), shares 0..1; per business."""

    # R11: nothing is decided so soon after the assistant begins, nor so soon after the last interruption.
    grace_ms: int = 350
    cooldown_ms: int = 800

    # To pause: accumulated neural evidence, with a voice in it, loud enough, and not our own echo.
    pause_evidence_ms: float = 60.0
    pause_voicing: float = 0.70
    pause_voiced_share: float = 0.35
    pause_dbfs: float = -44.0
    pause_over_floor_db: float = 4.0
    mean_below_loud_db: float = 3.0
    # So little above the line it may be the room, unless the neural detector is sure.
    buried_db: float = 9.0
    # What does not move at all in 60 ms is a machine.
    steady_range_db: float = 0.3
    # What went on for so long without looking like a caller is the room, unless it stands out of the line.
    onset_ms: int = 500
    going_on_over_floor_db: float = 15.0
    # On a line that echoes, and for speech that began before we listened: so much of it anew.
    pause_active_ms: int = 60
    # Below this nothing pauses.
    least_evidence_ms: float = 14.0
    # A clear voice needs less evidence than a doubtful one.
    clear_evidence_ms: float = 32.0
    clear_probability: float = 0.90
    clear_voicing: float = 0.80
    # A vowel after a consonant of at least this length: the sound has been going on, only the voice is new.
    led_in_ms: int = 100
    # Probability and voicing make up for each other: their sum, and the least of either.
    led_in_sum: float = 1.45
    led_in_least: float = 0.55
    # No voice repeats itself so exactly while it begins; an instrument does.
    too_regular: float = 0.97
    # What was not taken for a caller by then has to be voiced, and believed, throughout.
    late_ms: int = 240
    late_voiced_share: float = 0.50
    late_certainty: float = 0.65
    led_in_over_floor_db: float = 20.0
    clear_over_floor_db: float = 12.0
    # The closure of a consonant may come before the evidence; a sure neural detector bridges it.
    closure_ms: int = 80
    # A hoarse or a doubtful one needs more.
    likely_probability: float = 0.85
    likely_certainty: float = 0.62
    hoarse_evidence_ms: float = 96.0
    hoarse_voicing: float = 0.60
    # A sentence may open without any voice; then the neural detector has to be sure of it for longer.
    sure_probability: float = 0.95
    unvoiced_evidence_ms: float = 96.0
    unvoiced_opening_ms: int = 220
    # A voice beyond doubt, far above the line: the neural detector need not agree, only not object.
    loud_probability: float = 0.40
    loud_evidence_ms: float = 40.0
    loud_voicing: float = 0.90
    # By then a hum or an instrument is known as the tone it is.
    loud_active_ms: int = 120
    loud_range_db: float = 1.0
    loud_over_floor_db: float = 18.0
    # Without the neural detector only a long, clear voice counts.
    blind_evidence_ms: float = 120.0
    echo_db: float = 5.0

    # To commit: continuous speech, voiced, loud enough, most of it not echo. R13 says 300 to 500 ms.
    commit_active_ms: int = 340
    commit_after_pause_ms: int = 100
    commit_quiet_ms: int = 60
    commit_evidence_ms: float = 110.0
    commit_voiced_share: float = 0.54
    # Over an echo or a noise fewer frames sound voiced; then the neural detector has to be this sure.
    muffled_voiced_share: float = 0.36
    muffled_certainty: float = 0.965
    # After so long only a voice counts.
    muffled_until_ms: int = 700
    # Mean neural probability: whispers and distant voices stay doubtful for long.
    commit_certainty: float = 0.75
    beyond_doubt: float = 0.93
    doubted_active_ms: int = 440
    doubted_certainty: float = 0.60
    doubted_voiced_share: float = 0.70
    doubted_range_db: float = 10.0
    # A sound without syllables is no utterance: a crowd, an instrument.
    commit_range_db: float = 8.5
    # Under a noise everything is flat, so this is asked only of a sound that stands out of the line so far.
    commit_flat_over_floor_db: float = 15.0
    commit_dbfs: float = -39.0
    # A caller whose own level is known may be this much quieter than himself; nobody need be louder than the limit.
    below_caller_db: float = 18.0
    loudest_limit_dbfs: float = -38.0

    # To resume: quiet, or nothing to show for so long; then no new pause before this much quiet.
    resume_quiet_ms: int = 300
    undecided_ms: int = 700
    # While it sounds like speech to the end, it may take this long.
    longest_undecided_ms: int = 1000
    rearm_quiet_ms: int = 200

    ear: EarPolicy = EarPolicy()


USUAL: Final = FloorPolicy()


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
        if evidence.began_ms < 0 or not self._suspicious(evidence):
            return None
        self._paused_at_ms = now_ms
        self._began_ms = evidence.began_ms
        return Pause(now_ms, evidence)

    def _suspicious(self, evidence: Evidence) -> bool:
        policy = self._policy
        if evidence.speech_ms < policy.least_evidence_ms or evidence.quiet_ms > policy.closure_ms:
            return False
        if evidence.quiet_ms and evidence.probability < policy.sure_probability:
            return False
        # What was said in the grace or the cooldown does not count, what goes on after it does.
        fresh_ms = evidence.active_ms - self._ignored_ms(evidence)
        if fresh_ms < policy.pause_active_ms and (evidence.echoing or fresh_ms < evidence.active_ms):
            return False
        if evidence.loud_dbfs < evidence.floor_dbfs + policy.pause_over_floor_db:
            return False
        least_dbfs = self._least_dbfs(evidence, policy.pause_dbfs)
        if evidence.loud_dbfs < least_dbfs or evidence.mean_dbfs < least_dbfs - policy.mean_below_loud_db:
            return False
        if evidence.active_frames >= 3 and evidence.range_db < policy.steady_range_db:
            return False
        if evidence.loud_dbfs < evidence.floor_dbfs + policy.buried_db and not self._sure(evidence):
            return False
        going_on = evidence.active_ms > policy.onset_ms
        if going_on and evidence.loud_dbfs < evidence.floor_dbfs + policy.going_on_over_floor_db:
            return False
        return evidence.echo_db < policy.echo_db and self._sounds_human(evidence)

    def _sounds_human(self, evidence: Evidence) -> bool:
        """Neural evidence and voicing stand in for each other: the less of the one, the more of the other."""
        policy = self._policy
        speech_ms, voicing = evidence.speech_ms, evidence.voicing
        if evidence.blind:
            return speech_ms >= policy.blind_evidence_ms and voicing >= policy.pause_voicing
        if self._sure(evidence) and evidence.active_ms <= policy.unvoiced_opening_ms:
            return True
        if self._led_in(evidence):
            return True
        if evidence.active_ms > policy.late_ms and (
            evidence.certainty < policy.late_certainty
            or evidence.voiced_frames < policy.late_voiced_share * evidence.active_frames
        ):
            return False
        too_regular = voicing >= policy.too_regular and evidence.active_frames <= 4
        if too_regular and evidence.probability < policy.sure_probability:
            return False
        few_voiced = evidence.voiced_frames < policy.pause_voiced_share * evidence.active_frames
        if few_voiced and evidence.active_frames >= 4 and voicing < policy.clear_voicing:
            return False
        if voicing < policy.pause_voicing:
            return voicing >= policy.hoarse_voicing and speech_ms >= policy.hoarse_evidence_ms
        if self._loud_and_clear(evidence):
            return True
        over_floor_db = evidence.loud_dbfs - evidence.floor_dbfs
        if evidence.probability < policy.likely_probability:
            return speech_ms >= policy.hoarse_evidence_ms and evidence.certainty >= policy.likely_certainty
        if speech_ms >= policy.pause_evidence_ms:
            return True
        clear = (
            speech_ms >= policy.clear_evidence_ms
            and voicing >= policy.clear_voicing
            and over_floor_db >= policy.clear_over_floor_db
        )
        return clear and evidence.probability >= policy.clear_probability and not evidence.echoing

    def _sure(self, evidence: Evidence) -> bool:
        policy = self._policy
        return evidence.probability >= policy.sure_probability and evidence.speech_ms >= policy.unvoiced_evidence_ms

    def _led_in(self, evidence: Evidence) -> bool:
        policy = self._policy
        return (
            evidence.active_ms >= policy.led_in_ms
            and evidence.active_frames <= 3
            and evidence.probability + evidence.voicing >= policy.led_in_sum
            and min(evidence.probability, evidence.voicing) >= policy.led_in_least
            and evidence.voicing < policy.too_regular
            and evidence.loud_dbfs - evidence.floor_dbfs >= policy.led_in_over_floor_db
            and not evidence.echoing
        )

    def _loud_and_clear(self, evidence: Evidence) -> bool:
        policy = self._policy
        return (
            evidence.probability >= policy.loud_probability
            and evidence.speech_ms >= policy.loud_evidence_ms
            and evidence.voicing >= policy.loud_voicing
            and evidence.voiced_frames >= 3
            and evidence.active_ms >= policy.loud_active_ms
            and evidence.range_db >= policy.loud_range_db
            and evidence.loud_dbfs - evidence.floor_dbfs >= policy.loud_over_floor_db
            and not evidence.echoing
        )

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

    def _convincing(self, evidence: Evidence) -> bool:
        policy = self._policy
        fresh_ms = evidence.active_ms - self._ignored_ms(evidence)
        if fresh_ms < policy.commit_active_ms or evidence.speech_ms < policy.commit_evidence_ms:
            return False
        if evidence.quiet_ms > policy.commit_quiet_ms:
            return False
        muffled = evidence.certainty >= policy.muffled_certainty and fresh_ms <= policy.muffled_until_ms
        voiced_share = policy.muffled_voiced_share if muffled else policy.commit_voiced_share
        if evidence.voiced_frames < voiced_share * evidence.active_frames:
            return False
        if not evidence.blind and evidence.certainty < policy.commit_certainty:
            return self._long_and_voiced(evidence, fresh_ms)
        flat = evidence.range_db < policy.commit_range_db and evidence.certainty < policy.beyond_doubt
        if flat and evidence.mean_dbfs > evidence.floor_dbfs + policy.commit_flat_over_floor_db:
            return False
        return evidence.mean_dbfs >= self._least_dbfs(evidence, policy.commit_dbfs)

    def _long_and_voiced(self, evidence: Evidence, fresh_ms: int) -> bool:
        """A voice that the neural detector never quite believes, as it does with some: it may prove itself longer."""
        policy = self._policy
        return (
            fresh_ms >= policy.doubted_active_ms
            and evidence.certainty >= policy.doubted_certainty
            and evidence.voiced_frames >= policy.doubted_voiced_share * evidence.active_frames
            and evidence.range_db >= policy.doubted_range_db
            and evidence.mean_dbfs >= self._least_dbfs(evidence, policy.commit_dbfs)
        )

    def _ignored_ms(self, evidence: Evidence) -> int:
        """How much of the candidate's speech fell into a time when nothing counted."""
        if evidence.began_ms != self._ignored.began_ms or evidence.active_ms < self._ignored.active_ms:
            self._ignored = _NOTHING
        return self._ignored.active_ms

    def _least_dbfs(self, evidence: Evidence, usual_dbfs: float) -> float:
        """How loud speech must be: relative to the caller where we know him, so that a television is not he."""
        if evidence.caller_dbfs is None:
            return usual_dbfs
        policy = self._policy
        own_dbfs = evidence.caller_dbfs - policy.below_caller_db
        return min(max(own_dbfs, usual_dbfs), policy.loudest_limit_dbfs)

    def _resume(self, now_ms: int, reason: ResumeReason, evidence: Evidence) -> Resume:
        self._paused_at_ms = None
        self._armed = evidence.quiet_ms >= self._policy.rearm_quiet_ms
        return Resume(now_ms, reason, evidence)


_LONG_AGO: Final = -1_000_000
_NOTHING: Final = Evidence(_LONG_AGO, SILENCE_DBFS, SILENCE_DBFS)
