"""`python -m bench.bargein.faint --seed 1`: who is fainter than the limits, and whether he takes the floor.

Everybody first speaks in his own turn, so that his level is known, and then while the assistant speaks. A television
is a far talker: alone on the line, where it teaches its own level, or behind a faint caller who taught his.
"""

import argparse
import random

import msgspec
import numpy as np

from agentlocator.floor_protocol import FloorSession
from agentlocator.voice.scorer import SpeechModel
from bench.bargein import recordings, sounds
from bench.bargein.recordings import Half, Library, Samples, at_active_level
from bench.bargein.scenarios import Scenario
from bench.bargein.stage import play

LINE_NOISE_DBFS = -68.0
ASSISTANT_FROM_MS = 2800
INTERRUPTION_FROM_MS = 4200
AFTERWARDS_MS = 1200


class Line(msgspec.Struct, frozen=True):
    """Active levels in dBFS; `own_dbfs` is None where the interrupter had the first turn too."""

    name: str
    far: bool
    dbfs: tuple[float, float]
    own_dbfs: float | None = None


LINES = (
    Line("caller at -40 to -35 dBFS", False, (-40, -35)),
    Line("caller at -44 to -40 dBFS", False, (-44, -40)),
    Line("caller at -50 to -44 dBFS", False, (-50, -44)),
    Line("television alone, -54 to -43 dBFS", True, (-54, -43)),
    Line("television behind a caller at -44 dBFS", True, (-54, -46), -44),
)


def main() -> None:
    options = _options()
    recordings.fetch()
    model = SpeechModel.load()
    half: Half = "tuning" if options.tuning else "judging"
    library = Library(half)
    print(f"{'':40} paused  committed, of {options.count}")
    for line in LINES:
        draws = [random.Random(f"faint {half} {options.seed} {line.name} {number}") for number in range(options.count)]
        outcomes = [play(_scenario(line, library, rng), FloorSession(model)) for rng in draws]
        paused = sum(bool(outcome.pauses_ms) for outcome in outcomes)
        print(f"{line.name:40} {paused:6} {sum(bool(outcome.commits_ms) for outcome in outcomes):10}")


def _scenario(line: Line, library: Library, rng: random.Random) -> Scenario:
    drawn = np.random.default_rng(rng.getrandbits(32))
    dbfs = rng.uniform(*line.dbfs)
    own_turn, interruption = library.utterance(rng, 900, 1800), library.utterance(rng, 800, 3500)
    if line.far:
        interruption = sounds.far_away(drawn, interruption)
        own_turn = own_turn if line.own_dbfs is not None else sounds.far_away(drawn, own_turn)
    length_ms = (INTERRUPTION_FROM_MS + len(interruption) // 8 + AFTERWARDS_MS) // 20 * 20
    local = drawn.standard_normal(length_ms * 8) * 10 ** (LINE_NOISE_DBFS / 20)
    _add(local, 300, at_active_level(own_turn, dbfs if line.own_dbfs is None else line.own_dbfs))
    _add(local, INTERRUPTION_FROM_MS, at_active_level(interruption, dbfs))
    return Scenario(
        name=line.name,
        kind="far talker" if line.far else "interruption",
        local=local,
        assistant=at_active_level(library.monologue(rng, length_ms), -20.0),
        assistant_from_ms=ASSISTANT_FROM_MS,
        onset_ms=INTERRUPTION_FROM_MS,
        offset_ms=INTERRUPTION_FROM_MS + len(interruption) // 8,
        interrupts=not line.far,
        snr_db=60.0,
    )


def _add(line: Samples, at_ms: int, sound: Samples) -> None:
    line[at_ms * 8 : at_ms * 8 + len(sound)] += sound


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein.faint", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--tuning", action="store_true", help="the half of the recordings that tuning may see")
    return parser.parse_args()


if __name__ == "__main__":
    main()
