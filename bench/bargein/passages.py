"""Scenarios as `call.likelihood` sees them: played through the real ear, under an assistant that never pauses.

Until its first pause a floor changes nothing, so one playing serves every set of weights. Tables are kept in the
cache, one for each seed, and belong to the ear and the measures that made them: change those, and delete them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from agentlocator.audio.evidence import Evidence
from agentlocator.audio.impression import SEEN, Numbers
from agentlocator.audio.measures import MEASURES, measures
from agentlocator.call.floor_policy import FloorPolicy
from agentlocator.call.suspicion import possible
from agentlocator.floor_protocol import FloorSession, Verdict
from agentlocator.voice.scorer import SpeechModel
from bench.bargein.recordings import CACHE, Half
from bench.bargein.scenarios import WITHOUT_VOWELS, Kind, Scenario, scenarios
from bench.bargein.stage import play

TABLES = CACHE / "passages"
JUDGED: tuple[Kind, ...] = ("non-speech", "echo", "whisper", "far talker", "interruption")


class Passage(msgspec.Struct, frozen=True):
    """A scenario where a pause is possible at all: `measured` and `seen` have a row for each of `at_ms`.

    `seen` is what `audio.impression` was shown.
    """

    name: str
    kind: Kind
    snr_db: float
    onset_ms: int
    at_ms: npt.NDArray[np.int64]
    measured: npt.NDArray[np.float64]
    seen: npt.NDArray[np.float16]


def passages(half: Half, seed: int, model: SpeechModel, kinds: Sequence[Kind] = JUDGED) -> list[Passage]:
    """Of one seed's scenarios, those of these kinds that a pause is right or wrong in."""
    table = TABLES / f"{half}-{seed}-{len(kinds)}.npz"
    if not table.exists():
        TABLES.mkdir(parents=True, exist_ok=True)
        judged = (scenario for scenario in scenarios(half, seed) if scenario.kind in kinds)
        _write(table, [_listened(scenario, model) for scenario in judged if scenario.name != WITHOUT_VOWELS])
    return list(_read(table))


class _Listener(FloorSession):
    """A session whose floor is never convinced, noting all that might have convinced it."""

    def __init__(self, model: SpeechModel, speaking_from_ms: int) -> None:
        super().__init__(model, FloorPolicy(pause_likelihood=1000.0), self._look)
        self._deaf_until_ms = speaking_from_ms + FloorPolicy().grace_ms
        self._shown = np.zeros(SEEN, np.float16)
        self.heard: list[Evidence] = []
        self.seen: list[npt.NDArray[np.float16]] = []

    def _look(self, shown: Numbers) -> float:
        self._shown = shown.astype(np.float16)
        return 0.0

    def _weigh(self, evidence: Evidence, now_ms: int) -> list[Verdict]:
        if now_ms >= self._deaf_until_ms and possible(evidence, evidence.active_ms, FloorPolicy()):
            self.heard.append(evidence)
            self.seen.append(self._shown)
        return super()._weigh(evidence, now_ms)


def _listened(scenario: Scenario, model: SpeechModel) -> Passage:
    listener = _Listener(model, scenario.assistant_from_ms)
    play(scenario, listener)
    return Passage(
        scenario.name,
        scenario.kind,
        scenario.snr_db,
        scenario.onset_ms,
        np.array([evidence.at_ms for evidence in listener.heard], np.int64),
        np.array([measures(evidence) for evidence in listener.heard], np.float64).reshape(-1, len(MEASURES)),
        np.array(listener.seen, np.float16).reshape(-1, SEEN),
    )


def _write(table: Path, found: list[Passage]) -> None:
    np.savez(
        table,
        names=np.array([passage.name for passage in found]),
        kinds=np.array([passage.kind for passage in found]),
        snr_db=np.array([passage.snr_db for passage in found]),
        onset_ms=np.array([passage.onset_ms for passage in found]),
        rows=np.array([len(passage.at_ms) for passage in found]),
        at_ms=np.concatenate([passage.at_ms for passage in found]),
        measured=np.concatenate([passage.measured for passage in found]).astype(np.float32),
        seen=np.concatenate([passage.seen for passage in found]),
    )


def _read(table: Path) -> Iterator[Passage]:
    with np.load(table) as kept:
        ends = np.cumsum(kept["rows"])
        at_ms, measured, seen = kept["at_ms"], kept["measured"].astype(np.float64), kept["seen"]
        for number, end in enumerate(ends.tolist()):
            begin = end - int(kept["rows"][number])
            yield Passage(
                str(kept["names"][number]),
                msgspec.convert(str(kept["kinds"][number]), Kind),
                float(kept["snr_db"][number]),
                int(kept["onset_ms"][number]),
                at_ms[begin:end],
                measured[begin:end],
                seen[begin:end],
            )
