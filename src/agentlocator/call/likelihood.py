"""How much a sound is like a caller who begins to speak: a learned judgement of one evidence.

A few soft witnesses, each weighing the same measures in its own way, are added up, and to them the ear's impression
of the last half second. `python -m bench.bargein.train` fits their weights and writes them to `likelihood_weights`.
Where sense says that more of a measure can only speak for a caller, or only against one, every witness is held to
it; the impression, which nothing holds to sense, is one voice among them. It remembers nothing and decides nothing.
"""

from math import tanh
from operator import mul

from agentlocator.audio.evidence import Evidence
from agentlocator.audio.measures import measures
from agentlocator.call.likelihood_weights import BIASES, OFFSET, VOTES, WEIGHTS


def likelihood(evidence: Evidence) -> float:
    """About -20 to 20; 0 is what six of 224 noises reach that no fit has heard."""
    measured = measures(evidence)
    total = OFFSET + evidence.impression
    for vote, bias, weights in zip(VOTES, BIASES, WEIGHTS, strict=True):
        total += vote * tanh(bias + sum(map(mul, weights, measured)))
    return total
