"""The fit finds what tells speech from noise, and keeps to the signs that sense prescribes."""

import numpy as np
from bench.bargein.fitting import Weights, fit, peak
from bench.bargein.passages import Passage

from agentlocator.call import likelihood_weights
from agentlocator.call.likelihood import MEASURES, likelihood, measures
from call.hearing import SYLLABLE


def passage(kind: str, voicing: float, number: int) -> Passage:
    """Twenty frames from 900 ms on; the caller speaks from 1000 ms."""
    rng = np.random.default_rng(number)
    measured = rng.uniform(0, 1, (20, len(MEASURES)))
    at_ms = 900 + 20 * np.arange(20)
    spoken = (at_ms >= 1000) | (kind != "interruption")
    measured[:, list(MEASURES).index("voicing")] = np.where(spoken, voicing, 0.1)
    return Passage(kind, kind, 60.0, 1000, at_ms, measured)  # type: ignore[arg-type]  # a kind


def test_a_measure_that_tells_noise_from_speech_is_found() -> None:
    heard = [passage("interruption", 0.9, number) for number in range(30)]
    noises = [passage("non-speech", 0.3, 100 + number) for number in range(60)]
    weights = fit([*heard, *noises], witnesses=2, steps=150)
    lowest = min(peak(spoken, weights) for spoken in heard)
    assert lowest > sorted(peak(noise, weights) for noise in noises)[-3]
    signs = np.array(list(MEASURES.values()))
    assert (weights.inner * signs >= 0).all()
    assert (weights.votes >= 0).all()


def test_the_bench_reckons_as_calls_do() -> None:
    used = Weights(
        np.array(likelihood_weights.WEIGHTS),
        np.array(likelihood_weights.BIASES),
        np.array(likelihood_weights.VOTES),
        likelihood_weights.OFFSET,
    )
    assert abs(used.likelihood(np.array([measures(SYLLABLE)]))[0] - likelihood(SYLLABLE)) < 1e-9
