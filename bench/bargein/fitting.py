"""Fits `call.likelihood` to passages: numbers in, numbers out; it plays nothing and reads no file.

A pause is decided by the highest frame of a stretch, so that is what is judged: a noise's whole stretch should stay
below zero, and a caller's first 100, 160, 190, 400 and 800 ms should each rise above it: 190 because more than 200 is
late, 800 so that none is missed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from agentlocator.call.likelihood import MEASURES
from bench.bargein.passages import Passage

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
    """Adam on the whole batch; deterministic. Zero is put where `NOISES_PAUSED` of 224 noises of these reach it."""
    rows, starts, lengths, signs, shares = _stretches(passages)
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scaled = (rows - mean) / spread
    monotone = np.array(list(MEASURES.values()), np.float64)
    rng = np.random.default_rng(seed)
    inner = rng.standard_normal((witnesses, len(MEASURES))) * 0.25
    inner = np.where(monotone == 0, inner, np.abs(inner) * monotone)
    place = [inner, rng.standard_normal(witnesses), np.abs(rng.standard_normal(witnesses)) * 0.5 + 0.3, np.array(-1.0)]
    first = [np.zeros_like(part) for part in place]
    second = [np.zeros_like(part) for part in place]
    for step in range(1, steps + 1):
        inner, biases, votes, offset = place
        heard = np.tanh(scaled @ inner.T + biases)
        frames = heard @ votes + offset
        highest = np.maximum.reduceat(frames, starts)
        raised = np.exp(_SHARPNESS * (frames - np.repeat(highest, lengths)))
        total = np.add.reduceat(raised, starts)
        whole = highest + np.log(total) / _SHARPNESS
        wrong = -signs * shares / (1.0 + np.exp(np.clip(signs * whole, -30, 30)))
        blame = np.repeat(wrong / total, lengths) * raised
        inward = np.outer(blame, votes) * (1.0 - heard**2)
        slopes = [
            inward.T @ scaled + _DECAY * inner,
            inward.sum(axis=0),
            heard.T @ blame + _DECAY * votes,
            blame.sum(),
        ]
        rate = 0.03 * (1.0 - 0.95 * step / steps)
        for number, slope in enumerate(slopes):
            first[number] = 0.9 * first[number] + 0.1 * slope
            second[number] = 0.99 * second[number] + 0.01 * slope**2
            stride = first[number] / (1 - 0.9**step) / (np.sqrt(second[number] / (1 - 0.99**step)) + 1e-8)
            place[number] = place[number] - rate * stride
        place[0] = np.where(monotone * place[0] < 0, 0.0, place[0])
        place[2] = np.maximum(place[2], 0.0)
    inner = place[0] / spread
    found = Weights(inner, place[1] - inner @ mean, place[2], 0.0)
    return msgspec.structs.replace(found, offset=-threshold(passages, found))


def threshold(passages: Sequence[Passage], weights: Weights) -> float:
    """What `NOISES_PAUSED` of 224 noises reach."""
    peaks = sorted((peak(passage, weights) for passage in passages if passage.kind == "non-speech"), reverse=True)
    return peaks[int(NOISES_PAUSED / 224 * len(peaks))]


def peak(passage: Passage, weights: Weights) -> float:
    return float(weights.likelihood(passage.measured).max()) if len(passage.measured) else -100.0


NOISES_PAUSED: Final = 5
_SHARPNESS: Final = 3.0
_DECAY: Final = 2e-4
_FRAMES_KEPT: Final = 8


def _stretches(
    passages: Sequence[Passage],
) -> tuple[Numbers, npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers, Numbers]:
    """All rows, where each stretch begins and how long it is, and for each +1 or -1 and its share of the loss."""
    kept, signs, shares = [], [], []
    for passage in passages:
        for rows, sign, share in _judged(passage):
            if len(rows):
                kept.append(_likeliest(rows))
                signs.append(sign)
                shares.append(share)
    lengths = np.array([len(rows) for rows in kept])
    weights = np.array(shares)
    return (
        np.concatenate(kept).astype(np.float64),
        np.cumsum(lengths) - lengths,
        lengths,
        np.array(signs, np.float64),
        weights / weights.sum(),
    )


def _judged(passage: Passage) -> Iterator[tuple[Numbers, int, float]]:
    if passage.kind != "interruption":
        yield passage.measured, -1, _UNWANTED.get(passage.kind, 0.0)
        return
    since_ms = passage.at_ms - passage.onset_ms
    yield passage.measured[since_ms < 0], -1, 3.0
    for within_ms, share in _BURIED if passage.snr_db <= 5 else _CLEAR:
        yield passage.measured[(since_ms >= 0) & (since_ms <= within_ms)], 1, share


def _likeliest(rows: Numbers) -> Numbers:
    """The frames of a stretch among which its highest will be; the rest only costs time."""
    if len(rows) <= _FRAMES_KEPT:
        return rows
    names = list(MEASURES)
    rough = rows[:, names.index("log odds")] + 3 * rows[:, names.index("voicing")]
    return rows[np.argsort(-rough)[:_FRAMES_KEPT]]


_UNWANTED: Final = {"non-speech": 6.0, "echo": 3.0, "whisper": 2.0, "far talker": 2.0}
_CLEAR: Final = ((100, 0.3), (160, 1.0), (190, 2.0), (400, 1.0), (800, 2.0))
_BURIED: Final = ((250, 0.5), (500, 1.0))
