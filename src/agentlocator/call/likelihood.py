"""How much a sound is like a caller who begins to speak: a small learned judgement of one evidence.

A few soft witnesses, each weighing the same measures in its own way, are added up. `python -m bench.bargein.train`
fits their weights and writes them to `likelihood_weights`. Where sense says that more of a measure can only speak
for a caller, or only against one, every witness is held to it. It remembers nothing and decides nothing.
"""

from math import log, tanh
from operator import mul
from typing import Final

from agentlocator.audio.evidence import Evidence
from agentlocator.call.likelihood_weights import BIASES, OFFSET, VOTES, WEIGHTS


def likelihood(evidence: Evidence) -> float:
    """About -10 to 10; 0 is what five of 224 noises of the training reach."""
    measured = measures(evidence)
    total = OFFSET
    for vote, bias, weights in zip(VOTES, BIASES, WEIGHTS, strict=True):
        total += vote * tanh(bias + sum(map(mul, weights, measured)))
    return total


def measures(evidence: Evidence) -> tuple[float, ...]:
    """What is weighed, in the order of `MEASURES`; each about -5 to 5, bounded so that none outweighs all others."""
    # Before the neural detector's first answer there is some doubt.
    probability = 0.05 if evidence.probability < 0.0 else min(max(evidence.probability, 0.01), 0.99)
    return (
        log(probability / (1.0 - probability)),
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
