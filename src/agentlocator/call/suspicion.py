"""What the ear's evidence is worth: enough to pause for, enough to give way to, or neither.

Pure judgements on one evidence against a policy. They remember nothing, and know neither the time nor who speaks.
"""

from agentlocator.audio.evidence import Evidence
from agentlocator.call.floor_policy import FloorPolicy
from agentlocator.call.likelihood import likelihood


def suspicious(evidence: Evidence, fresh_ms: int, policy: FloorPolicy) -> bool:
    """Whether this may be the caller; `fresh_ms` of his speech fell into a time when it counts."""
    if not possible(evidence, fresh_ms, policy):
        return False
    if evidence.blind:
        return evidence.speech_ms >= policy.blind_evidence_ms and evidence.voicing >= policy.blind_voicing
    return likelihood(evidence) >= policy.pause_likelihood


def possible(evidence: Evidence, fresh_ms: int, policy: FloorPolicy) -> bool:
    """Whether what a sound means allows a pause, however much it sounds like a caller."""
    if not evidence.active_frames or evidence.quiet_ms > policy.closure_ms:
        return False
    if fresh_ms < policy.pause_active_ms and (evidence.echoing or fresh_ms < evidence.active_ms):
        return False
    if evidence.echo_db >= policy.echo_db or not _audible(evidence, policy):
        return False
    return evidence.active_frames < 3 or evidence.range_db >= policy.steady_range_db


def convincing(evidence: Evidence, fresh_ms: int, policy: FloorPolicy) -> bool:
    """Whether this is the caller taking the floor."""
    least_ms = policy.commit_active_ms - (policy.drowned_less_ms if _drowned(evidence, policy) else 0)
    if fresh_ms < least_ms or evidence.speech_ms < policy.commit_evidence_ms:
        return False
    if evidence.quiet_ms > policy.commit_quiet_ms:
        return False
    if evidence.harmony < policy.commit_harmony:
        return False
    if evidence.mean_dbfs < least_dbfs(evidence, policy.commit_dbfs, policy):
        return False
    voiced_share = evidence.voiced_frames / max(evidence.active_frames, 1)
    if evidence.certainty < policy.commit_certainty and not evidence.blind:
        long_enough = fresh_ms >= policy.doubted_active_ms and evidence.certainty >= policy.doubted_certainty
        return long_enough and voiced_share >= policy.doubted_voiced_share
    if _flat(evidence, policy):
        return False
    if evidence.blind or fresh_ms > policy.muffled_until_ms:
        return voiced_share >= policy.commit_voiced_share
    needed_share = max(policy.commit_sum - 2 * evidence.certainty, policy.commit_least_voiced_share)
    return voiced_share >= needed_share


def least_dbfs(evidence: Evidence, usual_dbfs: float, policy: FloorPolicy) -> float:
    """How loud speech must be: relative to the caller where we know him, so that a television is not he."""
    if evidence.caller_dbfs is None:
        return usual_dbfs
    own_dbfs = evidence.caller_dbfs - policy.below_caller_db
    limit_dbfs = min(max(own_dbfs, usual_dbfs), policy.loudest_limit_dbfs)
    # Who speaks more quietly than the limit in his own turn need not shout to take ours; a television is fainter still.
    return min(limit_dbfs, max(evidence.caller_dbfs, policy.faintest_caller_dbfs))


def _audible(evidence: Evidence, policy: FloorPolicy) -> bool:
    quietest_dbfs = least_dbfs(evidence, policy.pause_dbfs, policy)
    return (
        evidence.loud_dbfs >= evidence.floor_dbfs + policy.pause_over_floor_db
        and evidence.loud_dbfs >= quietest_dbfs
        and evidence.mean_dbfs >= quietest_dbfs - policy.mean_below_loud_db
    )


def _drowned(evidence: Evidence, policy: FloorPolicy) -> bool:
    """It is a voice beyond doubt, of which the noise leaves only a part."""
    return (
        evidence.mean_dbfs < evidence.floor_dbfs + policy.drowned_over_floor_db
        and evidence.certainty >= policy.drowned_certainty
        and evidence.harmony >= policy.drowned_harmony
        and evidence.voiced_frames >= policy.drowned_voiced_share * evidence.active_frames
    )


def _flat(evidence: Evidence, policy: FloorPolicy) -> bool:
    """It stands out of the line and has no syllables."""
    if evidence.certainty >= policy.beyond_doubt or evidence.range_db >= policy.commit_range_db:
        return False
    return evidence.mean_dbfs > evidence.floor_dbfs + policy.commit_flat_over_floor_db
