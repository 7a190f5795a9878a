"""When the assistant yields: every threshold of the floor, per business. It weighs nothing itself."""

from typing import Final

import msgspec

from agentlocator.audio.ear_policy import EarPolicy


class FloorPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Durations in ms, levels in dBFS (RMS of 20 ms), probabilities, voicings and shares 0..1."""

    # R11: nothing is decided so soon after the assistant begins, nor so soon after the last interruption.
    grace_ms: int = 350
    cooldown_ms: int = 800

    # To pause: like a caller, loud enough, standing out of the line, and not our own echo. The likelihood is learned;
    # at 0 about six of 224 noises pause, and a higher one pauses later and less often.
    pause_likelihood: float = 0.0
    pause_dbfs: float = -44.0
    mean_below_loud_db: float = 3.0
    pause_over_floor_db: float = 4.0
    echo_db: float = 5.0
    # On a line that echoes, and for speech that began before we listened: so much of it anew.
    pause_active_ms: int = 60
    # What does not move at all in 60 ms is a machine.
    steady_range_db: float = 0.3
    # The closure of a consonant may come before the evidence.
    closure_ms: int = 80
    # Without the neural detector only a long, clear voice counts.
    blind_evidence_ms: float = 120.0
    blind_voicing: float = 0.70

    # To commit: continuous speech, voiced, loud enough, most of it not echo. R13 says 300 to 500 ms.
    commit_active_ms: int = 320
    commit_after_pause_ms: int = 100
    commit_quiet_ms: int = 60
    # In a noise hardly quieter than he, a part of every word drowns: of a voice beyond doubt less has to be heard.
    drowned_over_floor_db: float = 15.0
    drowned_less_ms: int = 100
    drowned_certainty: float = 0.93
    drowned_harmony: float = 0.07
    drowned_voiced_share: float = 0.70
    commit_evidence_ms: float = 110.0
    # Mean neural probability and the share of voiced frames make up for each other: the share and twice the
    # certainty have to reach this sum, with so much of either. Noise and some throats leave few frames voiced.
    commit_sum: float = 2.14
    commit_certainty: float = 0.80
    commit_least_voiced_share: float = 0.26
    # After so long only a voice counts.
    muffled_until_ms: int = 600
    commit_voiced_share: float = 0.54
    # A voice that the neural detector never quite believes, as it does with some, may prove itself longer.
    doubted_certainty: float = 0.57
    doubted_voiced_share: float = 0.80
    doubted_active_ms: int = 400
    # A sound without syllables is no utterance: a crowd, an instrument. Under a noise everything is flat, so this
    # is asked only of a sound that stands out of the line so far, and only while there is doubt.
    commit_range_db: float = 8.5
    commit_flat_over_floor_db: float = 15.0
    beyond_doubt: float = 0.93
    # A whispered vowel repeats itself as a voice does, but not in all its harmonics.
    commit_harmony: float = 0.055
    commit_dbfs: float = -39.0
    # A caller whose own level is known may be this much quieter than himself; nobody need be louder than the limit.
    below_caller_db: float = 18.0
    loudest_limit_dbfs: float = -38.0
    # Who is fainter than the limits in his own turn too need only be as loud as there, if this loud.
    faintest_caller_dbfs: float = -42.0

    # To resume: quiet, or nothing to show for so long; then no new pause before this much quiet.
    resume_quiet_ms: int = 300
    undecided_ms: int = 700
    # While it sounds like speech to the end, it may take this long.
    longest_undecided_ms: int = 1000
    rearm_quiet_ms: int = 200

    ear: EarPolicy = EarPolicy()


USUAL: Final = FloorPolicy()
