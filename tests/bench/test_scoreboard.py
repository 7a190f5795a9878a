from bench.bargein.scoreboard import Result, percentile, score
from bench.bargein.stage import Outcome


def heard(kind: str, pauses: tuple[int, ...] = (), commits: tuple[int, ...] = (), snr_db: float = 60) -> Result:
    outcome = Outcome(kind, pauses, commits, (), frames=100, cpu_us=500.0)
    return Result("x", kind, snr_db, False, onset_ms=1000, offset_ms=2000, outcome=outcome)  # type: ignore[arg-type]  # a kind


def test_latency_counts_from_the_label_and_a_miss_is_a_miss() -> None:
    row = score("d", [heard("interruption", (1100,), (1350,)), heard("interruption", (1250,))])
    assert (row.wanted, row.missed) == (2, 1)
    assert row.over_200_ms == 1
    assert row.commit_p50_ms == 350
    assert row.cpu_us_per_frame == 5.0


def test_what_stops_the_assistant_without_a_caller_is_false() -> None:
    row = score("d", [heard("non-speech", (1100,)), heard("echo", (1100,), (1400,))])
    assert row.false_pauses["non-speech"] == 1
    assert row.false_commits["echo"] == 1


def test_a_pause_before_the_caller_spoke_is_no_merit() -> None:
    row = score("d", [heard("interruption", (900,))])
    assert row.early_pauses == 1
    assert row.pauses == 0


def test_buried_speech_is_counted_apart() -> None:
    row = score("d", [heard("interruption", snr_db=5.0)])
    assert (row.buried, row.missed_buried, row.wanted) == (1, 1, 0)


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([10, 20, 30, 40], 50) == 30
    assert percentile([], 95) == 0
