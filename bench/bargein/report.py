"""The bench's result as a text table, as JSON, and as one HTML page with its plots inside."""

import html
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib
import msgspec
from matplotlib.figure import Figure

from bench.bargein.scoreboard import QUIET_KINDS, Result, Score

matplotlib.rcParams["svg.hashsalt"] = "bargein"

Cell = Callable[[Score], str]

TARGETS = (
    "Targets: 0 commits on non-speech, echo, whispers, far talkers and words under 300 ms; at most 6 false pauses "
    "per 220 non-speech scenarios; 0 missed at 10 dB and better; onset to pause p50 110 ms, p95 180 ms, at most "
    "3 % over 200 ms; commit p95 550 ms; 30 µs per frame on the corpus."
)


def text(scores: Sequence[Score]) -> str:
    """One column for each design."""
    rows = [("", *(score.design for score in scores))]
    rows += [(label, *(cell(score) for score in scores)) for label, cell in _ROWS]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def write(folder: Path, scores: Sequence[Score], results: Mapping[str, Sequence[Result]], title: str) -> Path:
    """Writes report.html and report.json into the folder; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"title": title, "scores": scores, "results": results}
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    page = folder / "report.html"
    page.write_text(_page(scores, results, title), encoding="utf-8")
    return page


def _page(scores: Sequence[Score], results: Mapping[str, Sequence[Result]], title: str) -> str:
    header = "".join(f"<th>{html.escape(score.design)}</th>" for score in scores)
    body = "".join(
        f"<tr><th>{html.escape(label)}</th>"
        + "".join(f"<td>{html.escape(cell(score))}</td>" for score in scores)
        + "</tr>"
        for label, cell in _ROWS
    )
    wrong = "".join(f"<h3>{html.escape(name)}</h3><ul>{''.join(_wrong(found))}</ul>" for name, found in results.items())
    return (
        "<!doctype html><meta charset=utf-8><title>Barge-in bench</title>"
        "<style>body{font:15px/1.5 system-ui;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}"
        "svg{max-width:100%;height:auto}</style>"
        f"<h1>Barge-in bench</h1><p>{html.escape(title)}</p><p>{html.escape(TARGETS)}</p>"
        f"<table><tr><th></th>{header}</tr>{body}</table>"
        f"<h2>Latency</h2>{_latency_plot(results)}<h2>False pauses</h2>{_pause_plot(scores)}"
        f"<h2>Still wrong</h2>{wrong}"
    )


def _latency_plot(results: Mapping[str, Sequence[Result]]) -> str:
    figure = Figure(figsize=(10, 3.4))
    for axes, kind in zip(figure.subplots(1, 2), ("pause", "commit"), strict=True):
        for name, found in results.items():
            wanted = [r for r in found if r.kind == "interruption" and r.snr_db > 5]
            times = [r.wanted_pause_ms if kind == "pause" else r.wanted_commit_ms for r in wanted]
            ordered = sorted(t for t in times if t is not None)
            axes.step(ordered, [100 * (i + 1) / len(wanted) for i in range(len(ordered))], label=name)
        axes.set_xlabel(f"onset to {kind}, ms")
        axes.set_ylabel("% of interruptions")
        axes.set_xlim(0, 500 if kind == "pause" else 1000)
        axes.grid(alpha=0.3)
        axes.legend()
    return _svg(figure)


def _pause_plot(scores: Sequence[Score]) -> str:
    figure = Figure(figsize=(10, 3))
    axes = figure.subplots()
    width = 0.8 / len(scores)
    for number, score in enumerate(scores):
        shares = [100 * score.false_pauses[k] / max(score.scenarios[k], 1) for k in QUIET_KINDS]
        axes.bar([i + number * width for i in range(len(QUIET_KINDS))], shares, width, label=score.design)
    axes.set_xticks([i + 0.4 - width / 2 for i in range(len(QUIET_KINDS))], QUIET_KINDS)
    axes.set_ylabel("pauses per 100 scenarios")
    axes.legend()
    return _svg(figure)


def _svg(figure: Figure) -> str:
    drawn = io.StringIO()
    figure.tight_layout()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _wrong(results: Sequence[Result]) -> list[str]:
    lines = []
    for found in results:
        wrong = faults(found)
        if wrong:
            noise = f", {found.snr_db:g} dB" if found.snr_db < 60 else ""
            echo = ", double talk" if found.double_talk and found.kind == "interruption" else ""
            lines.append(f"<li>{html.escape(found.name)}{noise}{echo}: {wrong}</li>")
    return lines


def faults(found: Result) -> str:
    """What a design did wrong in a scenario, in words; empty when it did nothing wrong."""
    outcome = found.outcome
    if found.kind == "interruption":
        pause_ms = found.wanted_pause_ms
        late = pause_ms is not None and pause_ms > 200
        wrong = ["missed"] * (found.wanted_commit_ms is None) + ["stopped before he spoke"] * found.early
        return ", ".join([*wrong, *([f"paused after {pause_ms} ms"] if late else [])])
    if outcome.commits_ms and found.name != "word in cooldown":
        return "committed"
    return "paused" if outcome.pauses_ms and found.kind in ("non-speech", "echo") else ""


def _false(kind: str) -> tuple[str, Cell]:
    return (
        f"{kind}: false pauses / commits, of",
        lambda s: f"{s.false_pauses[kind]} / {s.false_commits[kind]}, {s.scenarios[kind]}",
    )


_ROWS: tuple[tuple[str, Cell], ...] = (
    *(_false(kind) for kind in QUIET_KINDS),
    ("interruptions missed", lambda s: f"{s.missed} of {s.wanted}"),
    ("missed at 10 dB and better", lambda s: f"{s.missed_10_db} of {s.wanted_10_db}"),
    ("missed at 5 dB", lambda s: f"{s.missed_buried} of {s.buried}"),
    ("Hebrew without vowels, missed", lambda s: f"{s.missed_without_vowels} of {s.without_vowels}"),
    ("stopped before he spoke", lambda s: f"{s.early_pauses}"),
    ("onset to pause, p50 / p95 ms", lambda s: f"{s.pause_p50_ms:.0f} / {s.pause_p95_ms:.0f}"),
    ("paused after 200 ms", lambda s: f"{s.over_200_ms} of {s.pauses}"),
    ("onset to commit, p50 / p95 ms", lambda s: f"{s.commit_p50_ms:.0f} / {s.commit_p95_ms:.0f}"),
    ("silence after a backchannel, p50 ms", lambda s: f"{s.resume_p50_ms:.0f}"),
    ("CPU per frame, µs", lambda s: f"{s.cpu_us_per_frame:.1f}"),
)
