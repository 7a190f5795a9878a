"""From outcomes to the numbers people argue about: false pauses, false commits, misses, latencies, CPU."""

from collections.abc import Callable, Sequence

import msgspec

from bench.bargein.scenarios import WITHOUT_VOWELS, Kind, Scenario
from bench.bargein.stage import Outcome

QUIET_KINDS: tuple[Kind, ...] = ("non-speech", "echo", "whisper", "far talker", "backchannel", "protocol")


class Result(msgspec.Struct, frozen=True):
    """One scenario, without its sound, and what one design made of it."""

    name: str
    kind: Kind
    snr_db: float
    double_talk: bool
    onset_ms: int
    offset_ms: int
    outcome: Outcome

    @property
    def wanted_pause_ms(self) -> int | None:
        """Onset to pause, when there was one between onset and end of the speech."""
        return self._first(self.outcome.pauses_ms)

    @property
    def wanted_commit_ms(self) -> int | None:
        return self._first(self.outcome.commits_ms)

    @property
    def early(self) -> bool:
        """It stopped the assistant before the caller had made a sound."""
        return any(at < self.onset_ms for at in self.outcome.pauses_ms)

    def _first(self, times: Sequence[int]) -> int | None:
        # Half a second of grace: a decision may come just after a short utterance's end.
        late = self.offset_ms + 500
        return next((at - self.onset_ms for at in times if self.onset_ms <= at <= late), None)


class Score(msgspec.Struct, frozen=True):
    """One row of the table. Pauses and commits count scenarios' events, as the survey does."""

    design: str
    scenarios: dict[str, int]
    false_pauses: dict[str, int]
    false_commits: dict[str, int]
    early_pauses: int
    wanted: int
    missed: int
    wanted_10_db: int
    missed_10_db: int
    buried: int
    missed_buried: int
    without_vowels: int
    missed_without_vowels: int
    pause_p50_ms: float
    pause_p95_ms: float
    over_200_ms: int
    pauses: int
    commit_p50_ms: float
    commit_p95_ms: float
    resume_p50_ms: float
    cpu_us_per_frame: float


def result(scenario: Scenario, outcome: Outcome) -> Result:
    return Result(
        scenario.name,
        scenario.kind,
        scenario.snr_db,
        scenario.echo is not None,
        scenario.onset_ms,
        scenario.offset_ms,
        outcome,
    )


def score(design: str, results: Sequence[Result]) -> Score:
    spoken = [r for r in results if r.kind == "interruption" and r.name != WITHOUT_VOWELS]
    unvoiced = [r for r in results if r.name == WITHOUT_VOWELS]
    clear = [r for r in spoken if r.snr_db > 5]
    loud = [r for r in clear if r.snr_db >= 10]
    buried = [r for r in spoken if r.snr_db <= 5]
    pauses = [r.wanted_pause_ms for r in clear if r.wanted_pause_ms is not None]
    commits = [r.wanted_commit_ms for r in clear if r.wanted_commit_ms is not None]
    silences = [
        resume - pause
        for r in results
        if r.kind == "backchannel"
        for pause, resume in zip(r.outcome.pauses_ms, r.outcome.resumes_ms, strict=False)
    ]
    frames = sum(r.outcome.frames for r in results)
    return Score(
        design=design,
        scenarios={kind: sum(r.kind == kind for r in results) for kind in (*QUIET_KINDS, "interruption")},
        false_pauses={kind: _events(results, kind, lambda o: len(o.pauses_ms)) for kind in QUIET_KINDS},
        false_commits={kind: _false_commits(results, kind) for kind in QUIET_KINDS},
        early_pauses=sum(r.early for r in clear),
        wanted=len(clear),
        missed=sum(r.wanted_commit_ms is None for r in clear),
        wanted_10_db=len(loud),
        missed_10_db=sum(r.wanted_commit_ms is None for r in loud),
        buried=len(buried),
        missed_buried=sum(r.wanted_commit_ms is None for r in buried),
        without_vowels=len(unvoiced),
        missed_without_vowels=sum(r.wanted_commit_ms is None for r in unvoiced),
        pause_p50_ms=percentile(pauses, 50),
        pause_p95_ms=percentile(pauses, 95),
        over_200_ms=sum(p > 200 for p in pauses),
        pauses=len(pauses),
        commit_p50_ms=percentile(commits, 50),
        commit_p95_ms=percentile(commits, 95),
        resume_p50_ms=percentile(silences, 50),
        cpu_us_per_frame=sum(r.outcome.cpu_us for r in results) / max(frames, 1),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def _events(results: Sequence[Result], kind: Kind, count: Callable[[Outcome], int]) -> int:
    return sum(count(r.outcome) for r in results if r.kind == kind)


def _false_commits(results: Sequence[Result], kind: Kind) -> int:
    """The interruption that opens a cooldown scenario is right; only what follows it within 800 ms is wrong."""
    return _events(results, kind, lambda o: len(o.commits_ms)) - sum(
        bool(r.outcome.commits_ms) for r in results if r.kind == kind and r.name == "word in cooldown"
    )
