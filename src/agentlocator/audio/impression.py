"""What half a second of sound is like, to a small network that has heard many callers and many noises.

It sees what no single measure shows: the hiss of a fricative before its vowel, the comb of an instrument, the blur
of a crowd. Plain arithmetic on numbers that `python -m bench.bargein.train` found. It decides nothing.
"""

from collections import deque
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from agentlocator.audio.evidence import Evidence
from agentlocator.audio.level import SILENCE_DBFS
from agentlocator.audio.measures import MEASURES, log_odds, measures
from agentlocator.audio.spectrogram import BANDS, FRAMES, Spectrogram

Numbers = npt.NDArray[np.float32]

FACTS: Final = len(MEASURES) + 11
SEEN: Final = FRAMES * (BANDS + 2) + FACTS
"""How many numbers are shown: over time each band, the level and the detector's odds; then what is known in all."""


class Judge(Protocol):
    """Whatever says what the numbers shown are like."""

    def __call__(self, seen: Numbers, /) -> float: ...


class Network(NamedTuple):
    """Three layers: a ramp, a tanh, a sum."""

    first: Numbers
    first_bias: Numbers
    second: Numbers
    second_bias: Numbers
    third: Numbers
    third_bias: Numbers

    def __call__(self, seen: Numbers) -> float:
        heard = np.maximum(seen @ self.first + self.first_bias, 0.0)
        answer = np.tanh(heard @ self.second + self.second_bias) @ self.third + self.third_bias
        return float(answer[0])

    @classmethod
    def load(cls, file: Path) -> "Network":
        with np.load(file) as kept:
            return cls(*(kept[layer].astype(np.float32) for layer in cls._fields))

    def save(self, file: Path) -> None:
        """In half precision, which halves the file."""
        np.savez_compressed(file, **{layer: numbers.astype(np.float16) for layer, numbers in self._asdict().items()})


WEIGHTS: Final = Path(__file__).with_name("impression.npz")
USUAL: Final = Network.load(WEIGHTS)


class Impression:
    """Of one line: `note` every frame, `doubt` what the neural detector answered, and ask when it matters."""

    __slots__ = ("_judge", "_levels", "_odds", "_spectrogram")

    def __init__(self, judge: Judge = USUAL) -> None:
        self._judge = judge
        self._spectrogram = Spectrogram()
        self._levels: deque[tuple[float, float]] = deque([(SILENCE_DBFS, SILENCE_DBFS)] * FRAMES, maxlen=FRAMES)
        self._odds: deque[float] = deque([_UNASKED] * FRAMES, maxlen=FRAMES)

    def note(self, frame: bytes, level_dbfs: float, floor_dbfs: float) -> None:
        self._spectrogram.note(frame)
        self._levels.append((level_dbfs, floor_dbfs))
        self._odds.append(_UNASKED)

    def doubt(self, probability: float) -> None:
        """What the neural detector answered about the newest frame; -1 is nothing yet."""
        self._odds[-1] = log_odds(probability)

    def of(self, evidence: Evidence) -> float:
        """How much it is like a caller who begins to speak, -10 to 10 for most sounds."""
        return self._judge(self._seen(evidence))

    def _seen(self, evidence: Evidence) -> Numbers:
        seen = np.empty(SEEN, np.float32)
        over_time = seen[:-FACTS].reshape(BANDS + 2, FRAMES)
        levels = np.array(self._levels, np.float32).T
        over_time[:BANDS] = self._spectrogram.draw().T
        over_time[:BANDS] += _BAND_DB - levels[1]
        over_time[BANDS] = levels[0] - levels[1]
        over_time[: BANDS + 1] /= _SPAN_DB
        np.clip(over_time[: BANDS + 1], -1.0, 3.0, out=over_time[: BANDS + 1])
        over_time[BANDS + 1] = self._odds
        over_time[BANDS + 1] /= _SPAN_ODDS
        seen[-FACTS:] = (*measures(evidence), *_further(evidence))
        return seen


def _further(evidence: Evidence) -> tuple[float, ...]:
    """What is known of the sound beyond the measures, in numbers of like size."""
    floor_dbfs = evidence.floor_dbfs
    return (
        evidence.speech_ms / 100,
        evidence.active_frames / 10,
        evidence.certainty,
        evidence.harmony * 10,
        evidence.echo_db / 5,
        float(evidence.echoing),
        min(max(floor_dbfs, -70.0), -20.0) / 20 + 2,
        min(max(evidence.mean_dbfs - floor_dbfs, 0.0), 30.0) / 10,
        min(max(evidence.level_dbfs - floor_dbfs, -5.0), 30.0) / 10,
        min(evidence.active_ms, 400) / 200,
        min(evidence.at_ms - evidence.began_ms, 600) / 300,
    )


_UNASKED: Final = log_odds(-1.0)
_SPAN_DB: Final = 15.0
_SPAN_ODDS: Final = 3.0
_BAND_DB: Final = 12.0
"""A band holds about so much less than the whole."""
