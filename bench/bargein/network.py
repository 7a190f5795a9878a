"""Fits `audio.impression` to passages: numbers in, numbers out; it plays nothing and reads no file.

Adam on batches of stretches, each judged by its highest frame, with a tenth of what is shown left out at random so
that nothing is learnt by heart.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlocator.audio.impression import Network
from bench.bargein.adam import Adam
from bench.bargein.passages import Passage
from bench.bargein.stretches import peaks, stretches

Numbers = npt.NDArray[np.float32]

HIDDEN: Final = (48, 24)


def fit_network(passages: Sequence[Passage], epochs: int = 10, seed: int = 0) -> Network:
    """Deterministic on one machine. Says how it gets on."""
    rng = np.random.default_rng(seed)
    seen = np.concatenate([passage.seen for passage in passages])
    firsts = np.cumsum([0, *(len(passage.seen) for passage in passages)])
    judged = [
        (first + stretch.begin, first + stretch.end, stretch.sign, stretch.share)
        for first, passage in zip(firsts[:-1].tolist(), passages, strict=True)
        for stretch in stretches(passage)
    ]
    table = np.array(judged)
    table[:, 3] /= table[:, 3].mean()
    place = _beginning(rng, seen.shape[1])
    adam = Adam(place)
    step, steps = 0, epochs * (-(-len(table) // _BATCH))
    for epoch in range(epochs):
        order = rng.permutation(len(table))
        loss = 0.0
        for at in range(0, len(order), _BATCH):
            step += 1
            batch = table[order[at : at + _BATCH]]
            slopes, lost = _slopes(place, seen, batch, rng)
            loss += lost
            adam.step(slopes, _RATE * min(step / (0.3 * steps), (steps - step) / (0.7 * steps)), _DECAY)
        print(f"epoch {epoch + 1} of {epochs}: loss {loss / len(table):.4f}", flush=True)
    return Network(*place)


def impressions(network: Network, seen: npt.NDArray[np.float16]) -> npt.NDArray[np.float64]:
    """One for each row, as `Impression` has them."""
    heard = np.maximum(seen.astype(np.float32) @ network.first + network.first_bias, 0.0)
    answers: Numbers = np.tanh(heard @ network.second + network.second_bias) @ network.third + network.third_bias
    return answers[:, 0].astype(np.float64)


def _beginning(rng: np.random.Generator, shown: int) -> list[Numbers]:
    place = []
    for wide, narrow in zip((shown, *HIDDEN), (*HIDDEN, 1), strict=True):
        bound = wide**-0.5
        place.append(rng.uniform(-bound, bound, (wide, narrow)).astype(np.float32))
        place.append(rng.uniform(-bound, bound, narrow).astype(np.float32))
    return place


def _slopes(
    place: list[Numbers], seen: npt.NDArray[np.float16], batch: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[list[Numbers], float]:
    first, first_bias, second, second_bias, third, third_bias = place
    spans = batch[:, :2].astype(np.int64)
    lengths = spans[:, 1] - spans[:, 0]
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(spans[:, 0] - starts, lengths) + np.arange(lengths.sum())
    shown = seen[rows].astype(np.float32)
    shown *= (rng.random(shown.shape, np.float32) >= _LEFT_OUT) / np.float32(1 - _LEFT_OUT)
    ramp = np.maximum(shown @ first + first_bias, 0.0)
    bent = np.tanh(ramp @ second + second_bias)
    frames = (bent @ third + third_bias)[:, 0]
    whole, part = peaks(frames, starts, lengths)
    sign, share = batch[:, 2], batch[:, 3]
    # A caller should stand above a margin, and a noise below one.
    margin = 1.0 - sign * whole
    wrong = -sign * share / (1.0 + np.exp(-np.clip(margin, -30, 30)))
    lost = float((share * np.logaddexp(0.0, margin)).sum())
    blame = (np.repeat(wrong, lengths) * part / len(batch)).astype(np.float32)[:, None]
    into_bent = blame @ third.T * (1.0 - bent**2)
    into_ramp = (into_bent @ second.T) * (ramp > 0)
    slopes = [
        shown.T @ into_ramp,
        into_ramp.sum(axis=0),
        ramp.T @ into_bent,
        into_bent.sum(axis=0),
        bent.T @ blame,
        blame.sum(axis=0),
    ]
    return slopes, lost


_BATCH: Final = 64
_RATE: Final = 3e-3
_DECAY: Final = 0.02
_LEFT_OUT: Final = 0.1
