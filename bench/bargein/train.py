"""`python -m bench.bargein.train --seeds 101-136 --held 190-193`: learns when a pause is right.

Fits `audio.impression` and `call.likelihood` to three quarters of the tuning half of the recordings, and says how the
fit does on the last quarter, on noises it has not heard (--strangers: four fits, each without a quarter of their
kinds), and what it costs to be bolder or more careful. Only with --write does it replace what calls use.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from agentlocator.audio import impression
from agentlocator.audio.impression import Network
from agentlocator.call import likelihood_weights
from agentlocator.voice.scorer import SpeechModel
from bench.bargein import recordings
from bench.bargein.fitting import Numbers, Weights, fit
from bench.bargein.network import fit_network, impressions
from bench.bargein.passages import Passage, passages
from bench.bargein.scoreboard import percentile

# The first is below everything: whatever may pause at all does.
POINTS = (-100.0, -1.0, -0.5, 0.0, 0.5, 1.0)
QUARTERS = 4
NOISES_PAUSED = 6


def main() -> None:
    options = _options()
    recordings.fetch()
    model = SpeechModel.load()
    learnt = [passage for seed in _seeds(options.seeds) for passage in passages("learning", seed, model)]
    learnt += [noise for seed in _seeds(options.noises) for noise in passages("learning", seed, model, ("non-speech",))]
    held = [passage for seed in _seeds(options.held) for passage in passages("held", seed, model)]
    used = Learnt(
        Weights(
            np.array(likelihood_weights.WEIGHTS),
            np.array(likelihood_weights.BIASES),
            np.array(likelihood_weights.VOTES),
            likelihood_weights.OFFSET,
        ),
        Network.load(impression.WEIGHTS),
    )
    found = learn(learnt, held, options.witnesses)
    print(_HEADER)
    _show("in use, held", _judged(held, used))
    _show("fitted, its own", _judged(learnt, found))
    _show("fitted, held", _judged(held, found))
    _show("... without impression", [(passage, found.witnesses.likelihood(passage.measured)) for passage in held])
    if options.strangers:
        _show("noises it never heard", _among_strangers(learnt, held, options.witnesses))
    if options.write:
        found.network.save(impression.WEIGHTS)
        Path(likelihood_weights.__file__).write_text(_module(found.witnesses), encoding="utf-8")
        print(f"written to {impression.WEIGHTS} and {likelihood_weights.__file__}")


class Learnt(NamedTuple):
    """What a pause is judged by: the witnesses, whose offset is where zero lies, and the impression."""

    witnesses: Weights
    network: Network

    def likelihood(self, passage: Passage) -> Numbers:
        """One for each row, as `call.likelihood` reckons it."""
        return self.witnesses.likelihood(passage.measured) + impressions(self.network, passage.seen)


def learn(known: Sequence[Passage], held: Sequence[Passage], witnesses: int) -> Learnt:
    """Zero is where `NOISES_PAUSED` of 224 held noises come, for the witnesses alone and with the impression added."""
    alone = fit(known, witnesses)
    alone = msgspec.structs.replace(alone, offset=alone.offset - _zero(held, lambda p: alone.likelihood(p.measured)))
    found = Learnt(alone, fit_network(known))
    moved = found.network.third_bias - np.float32(_zero(held, found.likelihood))
    return found._replace(network=found.network._replace(third_bias=moved))


def _zero(known: Sequence[Passage], likelihood: Callable[[Passage], Numbers]) -> float:
    noises = [passage for passage in known if passage.kind == "non-speech"]
    peaks = sorted((float(likelihood(noise).max()) for noise in noises if len(noise.at_ms)), reverse=True)
    return peaks[int(NOISES_PAUSED / 224 * len(noises))]


def _among_strangers(
    known: Sequence[Passage], held: Sequence[Passage], witnesses: int
) -> list[tuple[Passage, Numbers]]:
    """Each quarter of the held noises judged by a fit that has heard none of their kind."""
    names = sorted({passage.name for passage in known if passage.kind == "non-speech"})
    random.Random(5).shuffle(names)
    judged = []
    for quarter in range(QUARTERS):
        strange = set(names[quarter::QUARTERS])
        familiar = [[passage for passage in heard if passage.name not in strange] for heard in (known, held)]
        found = learn(familiar[0], familiar[1], witnesses)
        judged += _judged([passage for passage in held if passage.name in strange], found)
    return judged


def _judged(heard: Sequence[Passage], found: Learnt) -> list[tuple[Passage, Numbers]]:
    return [(passage, found.likelihood(passage)) for passage in heard]


_HEADER = (
    f"{'':22} {'at':>6} {'noises paused':>14} {'echoes':>7} {'whispers':>8} {'far':>4} {'missed':>7} {'5 dB':>5}"
    f" {'early':>6} {'p50 ms':>6} {'p95':>5} {'> 200 ms':>10}"
)


def _show(label: str, judged: Sequence[tuple[Passage, Numbers]]) -> None:
    """One line for each operating point. What pauses before the caller spoke counts as early, not as heard."""
    for point in POINTS:
        first = [(passage, _first_ms(passage, likelihood, point)) for passage, likelihood in judged]
        stopped = Counter(passage.kind for passage, at_ms in first if at_ms is not None)
        noises = max(sum(passage.kind == "non-speech" for passage, _ in first), 1)
        spoken = [(passage, at_ms) for passage, at_ms in first if passage.kind == "interruption"]
        clear = [(passage, at_ms) for passage, at_ms in spoken if passage.snr_db > 5]
        missed = sum(at_ms is None for _, at_ms in clear)
        buried = sum(at_ms is None for _, at_ms in spoken) - missed
        heard = [at_ms - passage.onset_ms for passage, at_ms in clear if at_ms is not None]
        paused = [after_ms for after_ms in heard if after_ms >= 0]
        late = 100 * sum(after_ms > 200 for after_ms in paused) / max(len(paused), 1)
        print(
            f"{label:22} {point:6.1f} {stopped['non-speech'] * 224 / noises:7.1f} of 224 {stopped['echo']:7}"
            f" {stopped['whisper']:8} {stopped['far talker']:4} {missed:7} {buried:5} {len(heard) - len(paused):6}"
            f" {percentile(paused, 50):6.0f} {percentile(paused, 95):5.0f} {late:8.1f} %",
            flush=True,
        )


def _first_ms(passage: Passage, likelihood: Numbers, point: float) -> int | None:
    over = np.flatnonzero(likelihood >= point)
    return int(passage.at_ms[over[0]]) if len(over) else None


def _module(weights: Weights) -> str:
    def numbers(values: Numbers) -> str:
        return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"

    rows = "".join(f"    {numbers(row)},\n" for row in weights.inner)
    return (
        '"""The numbers of `call.likelihood`, written by `python -m bench.bargein.train --write`: never by hand."""\n\n'
        "from typing import Final\n\n"
        "# A row for each witness, a column for each of `likelihood.MEASURES`.\n"
        f"WEIGHTS: Final = (\n{rows})\n"
        f"BIASES: Final = {numbers(weights.biases)}\n"
        f"VOTES: Final = {numbers(weights.votes)}\n"
        f"OFFSET: Final = {weights.offset:.4g}\n"
    )


def _seeds(text: str) -> list[int]:
    """`3,7-9` as a list."""
    spans = [part.split("-") for part in text.split(",")]
    return [seed for span in spans for seed in range(int(span[0]), int(span[-1]) + 1)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein.train", description=__doc__)
    parser.add_argument("--seeds", default="101-136", help="to learn from: 3,7-9")
    parser.add_argument("--noises", default="201-224", help="to learn further noises from")
    parser.add_argument("--held", default="190-193", help="to be judged on")
    parser.add_argument("--witnesses", type=int, default=4)
    parser.add_argument("--strangers", action="store_true")
    parser.add_argument("--write", action="store_true", help="replace the weights that calls use")
    return parser.parse_args()


if __name__ == "__main__":
    main()
