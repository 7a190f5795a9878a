"""`python -m bench.bargein --seed N --set commit_active_ms=360`: the table, the page and the JSON.

Tuning used one half of the recordings. Without `--tuning` the other half is judged, and only seeds from 100 up are
accepted, so that no number shown was ever tuned on.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from agentlocator.call.floor import FloorPolicy
from agentlocator.floor_protocol import FloorSession
from agentlocator.voice.scorer import SpeechModel
from bench.bargein import recordings, report
from bench.bargein.reference import ReferenceCascade
from bench.bargein.scenarios import Scenario, scenarios
from bench.bargein.scoreboard import Result, result, score
from bench.bargein.stage import Design, Outcome, Taped, cost_us, play

FIRST_JUDGING_SEED = 100


def main() -> None:
    options = _options()
    half: recordings.Half = "tuning" if options.tuning else "judging"
    recordings.fetch()
    model = SpeechModel.load()
    designs: dict[str, Callable[[], Design]] = {
        "ours": lambda: FloorSession(model),
        "reference": lambda: ReferenceCascade(model),
    }
    if options.blind:
        designs["ours without the neural detector"] = lambda: FloorSession(None)
    if options.set:
        changed = with_settings(FloorPolicy(), options.set)
        designs["ours, " + ", ".join(options.set)] = lambda: FloorSession(model, changed)
    results: dict[str, list[Result]] = {name: [] for name in designs}
    began = time.monotonic()
    for scenario in scenarios(half, options.seed, options.copies):
        for name, design in designs.items():
            results[name].append(result(scenario, _played(scenario, design)))
    scores = [score(name, found) for name, found in results.items()]
    print(report.text(scores))
    written = report.write(options.out, scores, results, f"seed {options.seed}, {half} recordings")
    print(f"{written} ({time.monotonic() - began:.0f} s)")


def _played(scenario: Scenario, design: Callable[[], Design]) -> Outcome:
    taped = Taped(design())
    outcome = play(scenario, taped)
    return msgspec.structs.replace(outcome, cpu_us=cost_us(taped.told, design))


def with_settings(policy: FloorPolicy, settings: list[str]) -> FloorPolicy:
    """`key=value` and `ear.key=value` put into the policy; raises msgspec.ValidationError for an unknown key."""
    fields: dict[str, Any] = msgspec.to_builtins(policy)
    for setting in settings:
        key, _, value = setting.partition("=")
        place = fields
        *folders, name = key.split(".")
        for folder in folders:
            place = place[folder]
        place[name] = msgspec.json.decode(value.encode())
    return msgspec.convert(fields, FloorPolicy)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein", description=__doc__)
    parser.add_argument("--seed", type=int, default=FIRST_JUDGING_SEED)
    parser.add_argument("--copies", type=int, default=7, help="about 95 scenarios each")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="another row with it")
    parser.add_argument("--blind", action="store_true", help="another row without the neural detector")
    parser.add_argument("--tuning", action="store_true", help="the half of the recordings that tuning may see")
    parser.add_argument("--out", type=Path, default=recordings.CACHE)
    options = parser.parse_args()
    if not options.tuning and options.seed < FIRST_JUDGING_SEED:
        parser.error(f"seeds below {FIRST_JUDGING_SEED} are for --tuning")
    return options


main()
