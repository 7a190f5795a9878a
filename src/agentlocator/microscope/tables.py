"""The call in tables: its numbers at the top, and beneath the drawing its words and decisions to be read in order."""

from __future__ import annotations

from agentlocator.microscope.hebrew import OUTCOMES, REASONS, SPEAKERS, VERDICTS
from agentlocator.microscope.marks import FAST_MS, SLOW_MS
from agentlocator.microscope.picture import CallPicture, Said, Verdict
from agentlocator.microscope.writing import clock, escaped, seconds, spoken

_WORDS_SHOWN = 4_000
_GOAL = f'יעד <bdi dir="ltr">{FAST_MS / 1000:g}–{SLOW_MS / 1000:g}</bdi> ש׳'


def summary(picture: CallPicture) -> str:
    """A tile for each number."""
    numbers = picture.summary
    outcome = OUTCOMES.get(numbers.outcome, numbers.outcome)
    tiles = [
        _tile("משך", clock(numbers.duration_ms)),
        _tile("סיום", escaped(outcome, 80), escaped(numbers.detail, 120), plain=True),
        _tile("תורות", f"{numbers.caller_turns} / {numbers.assistant_turns}", "מתקשר / עוזרת", plain=True),
        _tile("המתנה p50", _wait(numbers.latency_p50_ms), _GOAL, _pace(numbers.latency_p50_ms), plain=True),
        _tile("המתנה p95", _wait(numbers.latency_p95_ms), "", _pace(numbers.latency_p95_ms), plain=True),
        _tile("קטיעות", str(numbers.interruptions)),
        _tile("השהיות שווא", str(numbers.false_pauses), "הושהתה והמשיכה"),
        _tile("מסגרות", f"{numbers.tx:,} / {numbers.rx:,}", "נשלחו / התקבלו", plain=True),
        _tile("דיבור שנוצר", seconds(numbers.produced_ms), plain=True),
        _tile("מתוכו נשמע", seconds(numbers.heard_ms), plain=True),
        _tile("ונזרק", seconds(numbers.discarded_ms), plain=True),
        _tile("התראות", str(len(picture.alarms)), pace="slow" if picture.alarms else ""),
    ]
    return f'<section class="tiles">{"".join(tiles)}</section>'


def decisions(picture: CallPicture) -> str:
    """Every pause, commit and resume with its numbers."""
    if not picture.verdicts:
        return "<p>לא הייתה אף השהיה בשיחה הזו.</p>"
    heads = (
        "זמן",
        "החלטה",
        "סיבה",
        "עדות ms",
        "רצף ms",
        "הסתברות",
        "ודאות",
        "קוליות",
        "מעל הרצפה dB",
        "הד dB",
        "שקט ms",
    )
    rows = [_decision(number, verdict) for number, verdict in enumerate(picture.verdicts)]
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def conversation(picture: CallPicture) -> str:
    """All words in full, in order."""
    rows = [_turn(said) for said in picture.said]
    return f'<table class="words"><tbody>{"".join(rows)}</tbody></table>'


def _tile(name: str, value: str, note: str = "", pace: str = "", plain: bool = False) -> str:
    shown = value if plain else f'<bdi dir="ltr">{value}</bdi>'
    return f'<div class="tile {pace}"><h3>{name}</h3><p>{shown}</p><small>{note}</small></div>'


def _wait(wait_ms: int | None) -> str:
    return "—" if wait_ms is None else seconds(wait_ms, 2)


def _pace(wait_ms: int | None) -> str:
    if wait_ms is None:
        return ""
    if wait_ms > SLOW_MS:
        return "slow"
    return "fine" if wait_ms >= FAST_MS else "fast"


def _decision(number: int, verdict: Verdict) -> str:
    evidence = verdict.evidence
    name = escaped(VERDICTS.get(verdict.verdict, verdict.verdict))
    cells = [
        f'<a href="#verdict-{number}">{clock(verdict.at_ms)}</a>',
        f'<b class="{escaped(verdict.verdict)}">{name}</b>',
        escaped(REASONS.get(verdict.reason, verdict.reason)),
    ]
    if evidence is None:
        cells += ["—"] * 8
    else:
        over_floor_db = evidence.loud_dbfs - evidence.floor_dbfs if evidence.began_ms >= 0 else 0.0
        cells += [
            f"{evidence.speech_ms:.0f}",
            f"{evidence.active_ms}",
            "—" if evidence.probability < 0 else f"{evidence.probability:.2f}",
            f"{evidence.certainty:.2f}",
            f"{evidence.voicing:.2f}",
            f"{over_floor_db:.0f}",
            f"{evidence.echo_db:.1f}",
            f"{evidence.quiet_ms}",
        ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _turn(said: Said) -> str:
    speaker = SPEAKERS.get(said.speaker, said.speaker)
    lost = f" <s>{spoken(said.unheard_text, _WORDS_SHOWN)}</s>" if said.unheard_text else ""
    wait = said.latency
    note = "" if wait is None else f'<bdi dir="ltr">{wait.length_ms / 1000:.2f} s</bdi>'
    pace = "" if wait is None or wait.opening else _pace(wait.length_ms)
    return (
        f'<tr><td class="when">{clock(said.start_ms)}</td>'
        f'<td class="who {escaped(said.speaker)}">{escaped(speaker)}</td>'
        f'<td dir="rtl">{spoken(said.text, _WORDS_SHOWN)}{lost}</td><td class="when {pace}">{note}</td></tr>'
    )
