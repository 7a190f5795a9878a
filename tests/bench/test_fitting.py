"""The fit finds what tells speech from noise, and keeps to the signs that sense prescribes."""

import numpy as np
from bench.bargein.fitting import Weights, fit
from bench.bargein.network import fit_network, impressions
from bench.bargein.passages import Passage
from bench.bargein.scenarios import Kind
from bench.bargein.stretches import Stretch, stretches

from agentlocator.audio.impression import SEEN, USUAL
from agentlocator.audio.measures import MEASURES, measures
from agentlocator.call import likelihood_weights
from agentlocator.call.likelihood import likelihood
from call.hearing import SYLLABLE


def passage(kind: Kind, voicing: float, number: int) -> Passage:
    """Twenty frames from 900 ms on; the caller speaks from 1000 ms."""
    rng = np.random.default_rng(number)
    measured = rng.uniform(0, 1, (20, len(MEASURES)))
    at_ms = 900 + 20 * np.arange(20)
    spoken = (at_ms >= 1000) | (kind != "interruption")
    measured[:, list(MEASURES).index("voicing")] = np.where(spoken, voicing, 0.1)
    seen = rng.uniform(-1, 1, (20, SEEN))
    # A caller hums in one band, and a noise does not.
    seen[:, 100:124] = np.where(spoken & (kind == "interruption"), 2.0, 0.0)[:, None]
    return Passage(kind, kind, 60.0, 1000, at_ms, measured, seen.astype(np.float16))


def peak(spoken: Passage, weights: Weights) -> float:
    return float(weights.likelihood(spoken.measured).max())


def test_a_measure_that_tells_noise_from_speech_is_found() -> None:
    heard = [passage("interruption", 0.9, number) for number in range(30)]
    noises = [passage("non-speech", 0.3, 100 + number) for number in range(60)]
    weights = fit([*heard, *noises], witnesses=2, steps=150)
    lowest = min(peak(spoken, weights) for spoken in heard)
    assert lowest > sorted(peak(noise, weights) for noise in noises)[-3]
    signs = np.array(list(MEASURES.values()))
    assert (weights.inner * signs >= 0).all()
    assert (weights.votes >= 0).all()


def test_what_a_caller_looks_like_is_found() -> None:
    heard = [passage("interruption", 0.9, number) for number in range(40)]
    noises = [passage("non-speech", 0.9, 100 + number) for number in range(60)]
    network = fit_network([*heard, *noises], epochs=30)
    stranger, noise = passage("interruption", 0.9, 300), passage("non-speech", 0.9, 301)
    assert impressions(network, noise.seen).max() < impressions(network, stranger.seen)[8:].min()


def test_a_caller_is_judged_before_he_speaks_and_when_he_should_have_been_heard() -> None:
    judged = list(stretches(passage("interruption", 0.9, 1)))
    assert judged[0] == Stretch(0, 5, -1, 3.0)
    assert [(stretch.begin, stretch.end, stretch.sign) for stretch in judged[1:3]] == [(5, 11, 1), (5, 14, 1)]
    assert list(stretches(passage("far talker", 0.9, 1))) == [Stretch(0, 20, -1, 2.0)]


def test_the_bench_reckons_as_calls_do() -> None:
    seen = np.random.default_rng(7).uniform(-1, 1, (1, SEEN)).astype(np.float16)
    assert abs(impressions(USUAL, seen)[0] - USUAL(seen[0].astype(np.float32))) < 1e-4
    used = Weights(
        np.array(likelihood_weights.WEIGHTS),
        np.array(likelihood_weights.BIASES),
        np.array(likelihood_weights.VOTES),
        likelihood_weights.OFFSET,
    )
    assert abs(used.likelihood(np.array([measures(SYLLABLE)]))[0] - likelihood(SYLLABLE)) < 1e-9
