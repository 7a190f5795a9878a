"""Sections 4, 6 and 8: whether the caller is let in, by voice or key, and how soon he is answered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.looks import Limits, Look, Seen
from agentlocator.certificate.verdicts import Words


def _interrupted(evidence: Evidence, _limits: Limits) -> Seen:
    tried, taken = len(evidence.interruptions), sum(one.committed for one in evidence.interruptions)
    return tried == taken > 0, Words(f"{taken} מתוך {tried} קטיעות התקבלו", f"{taken} of {tried} interruptions taken")


def _stopped(evidence: Evidence, limits: Limits) -> Seen:
    stops = sorted(one.stop_ms for one in evidence.interruptions)
    if not stops:
        return False, Words("איש לא נקטע", "nobody was interrupted")
    p50, each = _percentile(stops, 50), ", ".join(map(str, stops))
    return p50 < limits.stop_ms, Words(
        f"חציון {p50} מילישניות מתחילת הדיבור של המתקשר, באוזנו ({each}); נדרש פחות מ-{limits.stop_ms}",
        f"p50 {p50} ms from the caller's first sound, in his ear ({each}); under {limits.stop_ms} wanted",
    )


def _heard_after(evidence: Evidence, _limits: Limits) -> Seen:
    tried, answered = len(evidence.interruptions), sum(one.answered for one in evidence.interruptions)
    return tried == answered > 0, Words(f"{answered} מתוך {tried} נענו", f"{answered} of {tried} answered")


def _noise(evidence: Evidence, _limits: Limits) -> Seen:
    if evidence.noise_stopped_it:
        return False, Words("שיעול קטע את המשפט", "a cough ended its sentence")
    return True, Words("שיעול באמצע משפט: המשפט נמשך", "a cough into its sentence: it went on")


def _keys(evidence: Evidence, _limits: Limits) -> Seen:
    pressed, arrived = evidence.keys_pressed, evidence.keys_arrived
    return arrived == pressed != "", Words(
        f"הוקש {pressed or '–'}, הגיע {arrived or '–'}", f"pressed {pressed or '–'}, arrived {arrived or '–'}"
    )


def _keys_to_model(evidence: Evidence, _limits: Limits) -> Seen:
    texts = ", ".join(evidence.keys_to_model)
    fine = bool(evidence.keys_pressed) and evidence.keys_pressed in texts
    return fine, Words(f"input_text אל המודל: {texts or 'לא נמסר'}", f"input_text to the model: {texts or 'none'}")


def _latency(evidence: Evidence, limits: Limits) -> Seen:
    waits = sorted(_waits(evidence))
    if not waits:
        return False, Words("אף פנייה לא נענתה", "no turn was answered")
    p50, p95 = _percentile(waits, 50), _percentile(waits, 95)
    wanted = f"{limits.answer_from_ms}–{limits.answer_to_ms}"
    return limits.answer_from_ms <= p50 and p95 <= limits.answer_to_ms, Words(
        f"p50 {p50}, p95 {p95} מילישניות, {len(waits)} תשובות; נדרש {wanted}",
        f"p50 {p50}, p95 {p95} ms of {len(waits)} answers; {wanted} wanted",
    )


def _waits(evidence: Evidence) -> Iterator[int]:
    """Answers to what was said; a key is no sentence that somebody has to finish."""
    before = ""
    for turn in evidence.turns:
        if turn.speaker == "assistant" and turn.latency_ms is not None and before == "caller":
            yield turn.latency_ms
        before = turn.speaker


def _percentile(values: Sequence[int], percent: int) -> int:
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)]


LOOKS: Final[dict[str, Look]] = {
    "interrupted": _interrupted,
    "stopped": _stopped,
    "heard_after": _heard_after,
    "noise": _noise,
    "keys": _keys,
    "keys_to_model": _keys_to_model,
    "latency": _latency,
}
