"""`python -m bench.bargein.ablation --seed 40`: what each group of thresholds is good for.

Every group is switched off in turn on the same scenarios. A group whose row looks like the first is not needed.
"""

import argparse

from agentlocator.audio.ear_policy import EarPolicy
from agentlocator.call.floor import FloorPolicy
from agentlocator.floor_protocol import FloorSession
from agentlocator.voice.scorer import SpeechModel
from bench.bargein import recordings
from bench.bargein.scenarios import scenarios
from bench.bargein.scoreboard import QUIET_KINDS, Result, Score, result, score
from bench.bargein.stage import play

ANY_DB = -200.0
NEVER_MS = 1_000_000

WITHOUT: dict[str, FloorPolicy] = {
    "nothing taken away": FloorPolicy(),
    "a least level": FloorPolicy(
        pause_dbfs=ANY_DB, commit_dbfs=ANY_DB, below_caller_db=-ANY_DB, loudest_limit_dbfs=ANY_DB
    ),
    "standing out of the line": FloorPolicy(pause_over_floor_db=ANY_DB),
    "the likelihood": FloorPolicy(pause_likelihood=ANY_DB),
    "voicing, to commit": FloorPolicy(
        commit_sum=0.0, commit_least_voiced_share=0.0, commit_voiced_share=0.0, doubted_voiced_share=0.0
    ),
    "voices in noise": FloorPolicy(drowned_less_ms=0),
    "what does not move": FloorPolicy(steady_range_db=0.0),
    "half believed": FloorPolicy(doubted_active_ms=NEVER_MS),
    "only a voice after a while": FloorPolicy(muffled_until_ms=NEVER_MS),
    "syllables": FloorPolicy(commit_range_db=0.0),
    "the echo": FloorPolicy(
        echo_db=-ANY_DB, ear=EarPolicy(echo_db=-ANY_DB, known_echo_db=-ANY_DB, faint_echo_db=-ANY_DB)
    ),
}


def main() -> None:
    options = _options()
    recordings.fetch()
    model = SpeechModel.load()
    half: recordings.Half = "tuning" if options.seed < 100 else "judging"
    chosen = {name: WITHOUT[name] for name in options.only or WITHOUT}
    results: dict[str, list[Result]] = {name: [] for name in chosen}
    for scenario in scenarios(half, options.seed, options.copies):
        for name, policy in chosen.items():
            results[name].append(result(scenario, play(scenario, FloorSession(model, policy))))
    print(f"seed {options.seed}, {options.copies} copies\n{_HEADER}")
    for name, found in results.items():
        print(_row(name, score(name, found)))


_HEADER = (
    f"{'without':28} false pauses: non-speech echo whisper far  commits  missed  5 dB  early  pause p50/p95  > 200 ms"
    "  commit p95"
)


def _row(name: str, found: Score) -> str:
    pauses = found.false_pauses
    return (
        f"{name:28} {pauses['non-speech']:24} {pauses['echo']:4} {pauses['whisper']:7} {pauses['far talker']:3}"
        f" {sum(found.false_commits[kind] for kind in QUIET_KINDS):8} {found.missed:7} {found.missed_buried:5}"
        f" {found.early_pauses:6} {found.pause_p50_ms:9.0f}/{found.pause_p95_ms:.0f} {found.over_200_ms:9}"
        f" {found.commit_p95_ms:11.0f}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein.ablation", description=__doc__)
    parser.add_argument("--seed", type=int, default=40, help="below 100: the recordings that tuning may see")
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--only", action="append", choices=list(WITHOUT))
    return parser.parse_args()


if __name__ == "__main__":
    main()
