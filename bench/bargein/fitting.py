"""Fits the witnesses of `call.likelihood` to passages: numbers in, numbers out; it plays nothing and reads no file."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from agentlocator.audio.measures import MEASURES
from bench.bargein.adam import Adam
from bench.bargein.passages import Passage
from bench.bargein.stretches import peaks, stretches

Numbers = npt.NDArray[np.float64]


class Weights(msgspec.Struct, frozen=True):
    """`inner` is (witnesses, measures); `offset` moves the zero of the sum."""

    inner: Numbers
    biases: Numbers
    votes: Numbers
    offset: float

    def likelihood(self, measured: Numbers) -> Numbers:
        """One for each row of `measured`, as `call.likelihood.likelihood` reckons it."""
        witnesses: Numbers = np.tanh(measured @ self.inner.T + self.biases)
        return witnesses @ self.votes + self.offset


def fit(passages: Sequence[Passage], witnesses: int, steps: int = 700, seed: int = 0) -> Weights:
    """Adam on the whole batch; deterministic."""
    rows, starts, lengths, signs, shares = _stretches(passages)
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scaled = (rows - mean) / spread
    monotone = np.array(list(MEASURES.values()), np.float64)
    rng = np.random.default_rng(seed)
    inner = rng.standard_normal((witnesses, len(MEASURES))) * 0.25
    inner = np.where(monotone == 0, inner, np.abs(inner) * monotone)
    place = [inner, rng.standard_normal(witnesses), np.abs(rng.standard_normal(witnesses)) * 0.5 + 0.3, np.array(-1.0)]
    adam = Adam(place, memory=0.99)
    for step in range(1, steps + 1):
        inner, biases, votes, offset = place
        heard = np.tanh(scaled @ inner.T + biases)
        frames = heard @ votes + offset
        whole, part = peaks(frames, starts, lengths)
        wrong = -signs * shares / (1.0 + np.exp(np.clip(signs * whole, -30, 30)))
        blame = np.repeat(wrong, lengths) * part
        inward = np.outer(blame, votes) * (1.0 - heard**2)
        slopes = [
            inward.T @ scaled + _DECAY * inner,
            inward.sum(axis=0),
            heard.T @ blame + _DECAY * votes,
            blame.sum(),
        ]
        adam.step(slopes, rate=0.03 * (1.0 - 0.95 * step / steps))
        place[0] = np.where(monotone * place[0] < 0, 0.0, place[0])
        place[2] = np.maximum(place[2], 0.0)
    inner = place[0] / spread
    return Weights(inner, place[1] - inner @ mean, place[2], float(place[3]))


_DECAY: Final = 2e-4
_FRAMES_KEPT: Final = 8


def _stretches(
    passages: Sequence[Passage],
) -> tuple[Numbers, npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers, Numbers]:
    """All rows, where each stretch begins and how long it is, and for each +1 or -1 and its share of the loss."""
    found = [(passage.measured, stretch) for passage in passages for stretch in stretches(passage)]
    kept = [_likeliest(measured[stretch.begin : stretch.end]) for measured, stretch in found]
    lengths = np.array([len(rows) for rows in kept])
    shares = np.array([stretch.share for _, stretch in found])
    return (
        np.concatenate(kept).astype(np.float64),
        np.cumsum(lengths) - lengths,
        lengths,
        np.array([stretch.sign for _, stretch in found], np.float64),
        shares / shares.sum(),
    )


def _likeliest(rows: Numbers) -> Numbers:
    """The frames of a stretch among which its highest will be; the rest only costs time."""
    if len(rows) <= _FRAMES_KEPT:
        return rows
    names = list(MEASURES)
    rough = rows[:, names.index("log odds")] + 3 * rows[:, names.index("voicing")]
    return rows[np.argsort(-rough)[:_FRAMES_KEPT]]
