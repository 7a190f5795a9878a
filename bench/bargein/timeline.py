"""`python -m bench.bargein.timeline --seed 7 --only 33`: what the ear knew, frame by frame, where the floor went wrong.

One line for each 20 ms around what a scenario is about. It shows, and judges nothing: the scoreboard does.
"""

import argparse
from collections.abc import Iterator

from agentlocator.audio.detector import Evidence
from agentlocator.call.floor import Decision
from agentlocator.floor_protocol import FloorSession, Verdict
from agentlocator.voice.scorer import SpeechModel
from bench.bargein import recordings, report
from bench.bargein.scenarios import Scenario, scenarios
from bench.bargein.scoreboard import result
from bench.bargein.stage import play


class Watched(FloorSession):
    """The session that is judged, keeping a copy of everything it weighed."""

    def __init__(self, model: SpeechModel | None) -> None:
        super().__init__(model)
        self.seen: list[tuple[Evidence, Decision | None]] = []

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes | None) -> list[Verdict]:
        verdicts = super().frame(t_ms, media, agent_speaking, agent_media)
        assert self.latest is not None, "every frame gives evidence"
        self.seen.append((self.latest, self.decision))
        return verdicts


def main() -> None:
    options = _options()
    half: recordings.Half = "tuning" if options.seed < 100 else "judging"
    model = SpeechModel.load()
    for number, scenario in enumerate(scenarios(half, options.seed, options.copies)):
        if options.only and number not in options.only:
            continue
        session = Watched(model)
        faults = report.faults(result(scenario, play(scenario, session)))
        if faults or options.only:
            echo = ", echo" if scenario.echo is not None else ""
            print(f"#{number} {scenario.name}, {scenario.snr_db:g} dB{echo}: {faults or 'right'}")
        if options.only:
            print("\n".join(_lines(scenario, session.seen)))


def _lines(scenario: Scenario, seen: list[tuple[Evidence, Decision | None]]) -> Iterator[str]:
    yield "  after  level floor  prob  speech  voice  echo  active quiet  frames voiced range  mean  sure  like"
    for evidence, decision in seen:
        after_ms = evidence.at_ms - scenario.onset_ms
        if evidence.began_ms < 0 and decision is None:
            continue
        if not -400 <= after_ms <= scenario.offset_ms - scenario.onset_ms + 500 and decision is None:
            continue
        yield (
            f"{after_ms:7d} {evidence.level_dbfs:6.1f} {evidence.floor_dbfs:5.0f} {evidence.probability:5.2f} "
            f"{evidence.speech_ms:7.0f} {evidence.voicing:6.2f} {evidence.echo_db:5.1f} "
            f"{evidence.active_ms:7d} {evidence.quiet_ms:5d} {evidence.active_frames:6d} {evidence.voiced_frames:6d} "
            f"{evidence.range_db:6.1f} {evidence.mean_dbfs:6.1f} {evidence.certainty:5.2f} {evidence.impression:5.1f}"
            f"{'' if decision is None else '  ' + type(decision).__name__.upper()}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein.timeline", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="below 100: the recordings that tuning may see")
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", default=[], help="these scenarios' numbers, frame by frame")
    return parser.parse_args()


if __name__ == "__main__":
    main()
