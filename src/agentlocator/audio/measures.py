"""The measures of one evidence that tell a caller who begins to speak from everything else.

Numbers of like size, for whatever was learned to weigh them. They are no judgement yet.
"""

from math import log
from typing import Final

from agentlocator.audio.evidence import Evidence


def measures(evidence: Evidence) -> tuple[float, ...]:
    """In the order of `MEASURES`; each about -5 to 5, bounded so that none outweighs all others."""
    return (
        log_odds(evidence.probability),
        evidence.voicing,
        # No voice repeats itself so exactly.
        max(evidence.voicing - 0.95, 0.0) * 20,
        evidence.voiced_frames / max(evidence.active_frames, 1),
        min(max(evidence.loud_dbfs - evidence.floor_dbfs, 0.0), 30.0) / 10,
        min(evidence.range_db, 12.0) / 6,
        min(evidence.active_ms, 200) / 100,
        # What goes on and on would have been taken for a caller at once.
        min(evidence.at_ms - evidence.began_ms, 300) / 100,
        evidence.quiet_ms / 40,
    )


def log_odds(probability: float) -> float:
    """Of the neural detector's answer, -5 to 5; before its first there is some doubt."""
    probability = _UNASKED if probability < 0.0 else min(max(probability, 0.01), 0.99)
    return log(probability / (1.0 - probability))


MEASURES: Final = {
    "log odds": 1,
    "voicing": 1,
    "regularity": -1,
    "voiced share": 1,
    "standing out": 1,
    "range": 0,
    "speech": 0,
    "age": -1,
    "quiet": -1,
}
"""1 where more of a measure speaks for a caller, -1 where against, 0 where it may be either."""

_UNASKED: Final = 0.05
