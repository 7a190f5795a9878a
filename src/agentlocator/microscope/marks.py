"""What happened at a moment or between two: the floor's decisions, waits, bubbles of words, and the model's doings.

Rows grow with what there is to show: each function returns its SVG and the height it took.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from agentlocator.microscope.hebrew import REASONS, STATUSES, VERDICTS
from agentlocator.microscope.picture import CallPicture, Response, Said, ToolRun, Verdict
from agentlocator.microscope.scale import Scale, stack
from agentlocator.microscope.writing import clock, escaped, spoken

_LETTER_PX = 6.9
_LINE_PX = 18.0
_BUBBLE_PX = 250.0
_SHOWN = 180
_ROW_PX = 24.0
FAST_MS, SLOW_MS = 500, 1_500
"""R8: the wait for an answer that a conversation bears."""

Row = tuple[str, float]


class Bubble(msgspec.Struct, frozen=True):
    """The words of one turn, drawn."""

    left: float
    width: float
    svg: str


def seconds_axis(scale: Scale, height: float) -> str:
    """Ticks and their labels, as close as they can be read."""
    step_s = next((step for step in (1, 2, 5, 10, 30, 60) if step * scale.px_per_s >= 60), 120)
    marks = []
    for second in range(0, scale.duration_ms // 1000 + 1, step_s):
        x = scale.x(second * 1000)
        marks.append(f'<path class="tick" d="M{x} 22V{height:.0f}"/><text x="{x}" y="15">{_label(second)}</text>')
    return f'<g class="axis">{"".join(marks)}</g>'


def bubbles(said: Sequence[Said], scale: Scale, top: float) -> tuple[list[Bubble], float]:
    """Words at their time, and the height they took; what nobody heard is struck."""
    sizes = [_size(turn) for turn in said]
    tops = stack(
        (scale.x(turn.start_ms), scale.x(turn.start_ms) + width + 6, height + 6)
        for turn, (width, height) in zip(said, sizes, strict=True)
    )
    drawn = [
        Bubble(scale.x(turn.start_ms), width, _bubble(turn, scale, top + y, width, height))
        for turn, (width, height), y in zip(said, sizes, tops, strict=True)
    ]
    return drawn, max((y + height for (_, height), y in zip(sizes, tops, strict=True)), default=0.0)


def spans(said: Sequence[Said], scale: Scale, y: float) -> str:
    """How long each turn lasted, as a line under its lane; its words hang from the beginning."""
    return "".join(
        f'<path class="span {_kind(turn)}" d="M{scale.x(turn.start_ms)} {y}H{scale.x(turn.end_ms)}"/>' for turn in said
    )


def waits(picture: CallPicture, scale: Scale, top: float) -> Row:
    """From the end of the caller's words to the first sound of the answer."""
    drawn = []
    for wait in [turn.latency for turn in picture.said if turn.latency]:
        left, right = scale.x(wait.start_ms), scale.x(wait.end_ms)
        note = "עד מילת הפתיחה" if wait.opening else "מסוף דברי המתקשר עד תחילת התשובה"
        drawn.append(
            f'<g class="wait {_pace(wait.length_ms, wait.opening)}"><title>{note}: {wait.length_ms} ms</title>'
            f'<path d="M{left} {top + 20}v8H{right}v-8"/>'
            f'<text x="{(left + right) / 2:.1f}" y="{top + 15}">{wait.length_ms / 1000:.2f} s</text></g>'
        )
    return "".join(drawn), 32.0


def verdicts(picture: CallPicture, scale: Scale, top: float, low: float, high: float) -> Row:
    """The floor's decisions: a flag each at `top`, a line from `low` to `high`, a veil over the time of a pause."""
    labels = [_verdict_label(verdict) for verdict in picture.verdicts]
    lefts = [scale.x(verdict.at_ms) for verdict in picture.verdicts]
    widths = [_text_px(label) * 1.1 + 16 for label in labels]
    tops = stack((left, left + width + 4, 22.0) for left, width in zip(lefts, widths, strict=True))
    drawn = [_veil(scale, start, end, low, high) for start, end in _pauses(picture.verdicts)]
    drawn += [
        f'<path class="verdict {escaped(verdict.verdict)}" d="M{left} {low}V{high}"/>'
        for verdict, left in zip(picture.verdicts, lefts, strict=True)
    ]
    for number, verdict in enumerate(picture.verdicts):
        left, y = lefts[number], top + tops[number]
        drawn.append(
            f'<g class="verdict {escaped(verdict.verdict)}" id="verdict-{number}"><title>{numbers(verdict)}</title>'
            f'<rect x="{left}" y="{y}" width="{widths[number]:.0f}" height="18" rx="3"/>'
            f'<text x="{left + 8}" y="{y + 13}">{escaped(labels[number])}</text></g>'
        )
    return "".join(drawn), max([y + 24 for y in tops], default=24.0)


def numbers(verdict: Verdict) -> str:
    """What a decision was made on, as one line of text."""
    evidence = verdict.evidence
    head = f"{clock(verdict.at_ms)} {VERDICTS.get(verdict.verdict, verdict.verdict)}"
    reason = REASONS.get(verdict.reason, verdict.reason)
    if evidence is None:
        return escaped(f"{head}: {reason}")
    return escaped(
        f"{head}: {reason}. עדות {evidence.speech_ms:.0f} ms, רצף {evidence.active_ms} ms, "
        f"הסתברות {max(evidence.probability, 0):.2f}, קוליות {evidence.voicing:.2f}, "
        f"עוצמה {evidence.level_dbfs:.0f} dBFS, רצפה {evidence.floor_dbfs:.0f} dBFS, "
        f"הד {evidence.echo_db:.1f} dB, שקט {evidence.quiet_ms} ms"
    )


def responses(picture: CallPicture, scale: Scale, top: float) -> Row:
    """From request through start and first audio to the end."""
    rows = [_response(response, scale) for response in picture.responses]
    return _bars(rows, [scale.x(response.requested_ms) for response in picture.responses], top)


def tools(picture: CallPicture, scale: Scale, top: float) -> Row:
    """Name, arguments, how long it took and whether it was granted."""
    rows = [_tool(run, scale) for run in picture.tools]
    return _bars(rows, [scale.x(run.requested_ms) for run in picture.tools], top)


def connections(picture: CallPicture, scale: Scale, top: float) -> Row:
    """When there was a model to talk to, and how each connection ended."""
    rows = []
    for connection in picture.connections:
        end_ms = picture.summary.duration_ms if connection.ended_ms is None else connection.ended_ms
        ready_ms = end_ms if connection.confirmed_ms is None else connection.confirmed_ms
        left, ready, right = scale.x(connection.opened_ms), scale.x(ready_ms), scale.x(end_ms)
        label = f"אבד: {connection.reason}" if connection.lost else ""
        loss = f'<circle class="loss" cx="{right}" cy="6" r="5"/>' if connection.lost else ""
        rows.append(
            f"<title>{escaped(f'ניסיון {connection.attempt}. {label}')}</title>"
            f'<rect class="opening" x="{left}" y="2" width="{max(1.0, ready - left):.1f}" height="8"/>'
            f'<rect class="up" x="{ready}" y="2" width="{max(0.0, right - ready):.1f}" height="8"/>{loss}'
            f'<text x="{right - 5}" y="25">{escaped(label, 60)}</text>'
        )
    groups = [f'<g transform="translate(0 {top:.0f})">{row}</g>' for row in rows]
    height = 30.0 if any(connection.lost for connection in picture.connections) else 16.0
    return f'<g class="link">{"".join(groups)}</g>', height


def alarms(picture: CallPicture, scale: Scale, top: float) -> Row:
    """What an operator had to see, and the keys the caller pressed."""
    flags = [(alarm.at_ms, "alarm", alarm.code, alarm.detail) for alarm in picture.alarms]
    flags += [(at_ms, "key", key, "המתקשר הקיש") for at_ms, key in picture.keys]
    flags.sort()
    rows, lefts = [], []
    for at_ms, kind, label, detail in flags:
        left = scale.x(at_ms)
        width = _text_px(label[:40]) + 14
        lefts.append(left)
        rows.append(
            (
                f"<title>{escaped(f'{clock(at_ms)} {label}: {detail}')}</title>"
                f'<rect class="{kind}" x="{left}" y="0" width="{width:.0f}" height="18" rx="3"/>'
                f'<text x="{left + 7}" y="13">{escaped(label, 40)}</text>',
                left + width,
            )
        )
    return _bars(rows, lefts, top)


def _bars(rows: Sequence[tuple[str, float]], lefts: Sequence[float], top: float) -> Row:
    tops = stack((left, right + 6, _ROW_PX) for left, (_, right) in zip(lefts, rows, strict=True))
    drawn = [
        f'<g class="bar" transform="translate(0 {top + y:.0f})">{svg}</g>'
        for (svg, _), y in zip(rows, tops, strict=True)
    ]
    return "".join(drawn), max([y + _ROW_PX for y in tops], default=_ROW_PX)


def _response(response: Response, scale: Scale) -> tuple[str, float]:
    end_ms = next(
        ms
        for ms in (response.finished_ms, response.first_audio_ms, response.started_ms, response.requested_ms)
        if ms is not None
    )
    asked, right = scale.x(response.requested_ms), scale.x(end_ms)
    started = asked if response.started_ms is None else scale.x(response.started_ms)
    status = STATUSES.get(response.status, response.status)
    label = "" if response.status == "completed" else status
    sound = ""
    if response.first_audio_ms is not None:
        x = scale.x(response.first_audio_ms)
        sound = f'<rect class="sounding" x="{x}" y="3" width="{max(1.0, right - x):.1f}" height="10"/>'
    text = (
        f"{clock(response.requested_ms)} בקשה. "
        f"התחלה {_since(response.requested_ms, response.started_ms)}, "
        f"צליל ראשון {_since(response.requested_ms, response.first_audio_ms)}, "
        f"סוף {_since(response.requested_ms, response.finished_ms)}: {status}. {response.cue}"
    )
    kind = "good" if response.status == "completed" else "bad"
    svg = (
        f'<title>{escaped(text, 500)}</title><path class="asked" d="M{asked} 8H{started}"/>'
        f'<rect class="response {kind}" x="{started}" y="3" width="{max(2.0, right - started):.1f}" height="10"/>'
        f'{sound}<text x="{right + 5}" y="12">{escaped(label)}</text>'
    )
    return svg, right + 5 + _text_px(label)


def _tool(run: ToolRun, scale: Scale) -> tuple[str, float]:
    end_ms = run.requested_ms if run.finished_ms is None else run.finished_ms
    left, right = scale.x(run.requested_ms), scale.x(end_ms)
    mark = {True: "✓", False: "✗", None: "…"}[run.ok]
    took = f"{end_ms - run.requested_ms} ms"
    arguments = "" if run.arguments in ("", "{}") else run.arguments
    label = f"{mark} {run.name[:40]} {took} {arguments[:48]}".strip()
    kind = {True: "good", False: "bad", None: "bad"}[run.ok]
    text = f"{clock(run.requested_ms)} {run.name}({run.arguments}) → {run.output} [{took}]"
    svg = (
        f"<title>{escaped(text, 1_000)}</title>"
        f'<rect class="tool {kind}" x="{left}" y="3" width="{max(3.0, right - left):.1f}" height="14" rx="2"/>'
        f'<text class="{kind}" x="{right + 6}" y="14">{escaped(label, 100)}</text>'
    )
    return svg, right + 6 + _text_px(label)


def _bubble(turn: Said, scale: Scale, y: float, width: float, height: float) -> str:
    return (
        f'<foreignObject x="{scale.x(turn.start_ms)}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}">'
        f'<div xmlns="http://www.w3.org/1999/xhtml" class="bubble {_kind(turn)}" dir="rtl">{_words(turn)}</div>'
        f"</foreignObject>"
    )


def _words(turn: Said) -> str:
    heard = f"<span>{spoken(turn.text, _SHOWN)}</span>" if turn.text else ""
    lost = f" <s>{spoken(turn.unheard_text, max(40, _SHOWN - len(turn.text)))}</s>" if turn.unheard_text else ""
    return f"{heard}{lost}"


def _size(turn: Said) -> tuple[float, float]:
    shown = min(len(turn.text) + len(turn.unheard_text) + 1, _SHOWN + 60)
    width = min(_BUBBLE_PX, max(34.0, shown * _LETTER_PX + 22))
    lines = max(1, -(-int(shown * _LETTER_PX * 1.1) // int(width - 20)))
    return width, lines * _LINE_PX + 12


def _kind(turn: Said) -> str:
    return turn.speaker if turn.speaker in ("caller", "assistant") else "keypad"


def _pace(length_ms: int, opening: bool) -> str:
    if opening:
        return "opening"
    if length_ms > SLOW_MS:
        return "slow"
    return "fine" if length_ms >= FAST_MS else "fast"


def _pauses(decided: Sequence[Verdict]) -> list[tuple[int, int]]:
    """From each pause to the decision that settled it."""
    return [(first.at_ms, second.at_ms) for first, second in pairwise(decided) if first.verdict == "pause"]


def _veil(scale: Scale, start_ms: int, end_ms: int, low: float, high: float) -> str:
    left = scale.x(start_ms)
    return f'<rect class="veil" x="{left}" y="{low}" width="{scale.x(end_ms) - left:.1f}" height="{high - low:.1f}"/>'


def _verdict_label(verdict: Verdict) -> str:
    name = VERDICTS.get(verdict.verdict, verdict.verdict)
    if verdict.verdict == "pause" and verdict.evidence:
        return f"{name} · עדות {verdict.evidence.speech_ms:.0f}"
    if verdict.verdict == "commit" and verdict.evidence:
        return f"{name} · רצף {verdict.evidence.active_ms}"
    return f"{name} · {REASONS.get(verdict.reason, verdict.reason)}"


def _text_px(text: str) -> float:
    return len(text) * _LETTER_PX


def _since(start_ms: int, at_ms: int | None) -> str:
    return "—" if at_ms is None else f"+{at_ms - start_ms} ms"


def _label(second: int) -> str:
    return f"{second // 60}:{second % 60:02d}"
