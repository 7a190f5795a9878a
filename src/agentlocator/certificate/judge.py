"""From evidence to a certificate: pure, and the same evidence always gives the same verdict.

What failed first is what is reported: a check that needed something which was not there is untried, and names it. So
a deployment with one fault shows one fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.looks import LIMITS, Limits, Look, Seen, books, boundaries, conversation, model, sound
from agentlocator.certificate.sentences import CHECKS, SECTIONS, Told
from agentlocator.certificate.verdicts import Certificate, Check, Section, Words

_LOOKS: Final[dict[str, Look]] = {**model.LOOKS, **sound.LOOKS, **conversation.LOOKS, **books.LOOKS, **boundaries.LOOKS}


def judge(evidence: Evidence, limits: Limits = LIMITS) -> Certificate:
    """The certificate of one certification."""
    obstacle = next((key for key, stands in _gates(evidence, limits) if not stands), None)
    found = {key: look(evidence, limits) for key, look in _LOOKS.items()}
    sections = tuple(
        Section(number, title, tuple(_check(key, found[key], obstacle) for key in keys))
        for number, (title, keys) in SECTIONS.items()
    )
    return Certificate(sections, evidence)


# The stages that a call goes through. What needs a stage that was not reached cannot be tried.
_STAGES: Final = ("taken", "model_answers", "session_format", "greeting_by_model", "tx")
_NEEDS: Final = {
    "engines": 0,
    "model_alive": 0,
    "taken": 0,
    "taken_back": 0,
    "model_answers": 1,
    "no_recording": 1,
    "doors": 1,
    "whatsapp_silent": 1,
    "other_doors": 1,
    "lead": 1,
    "session_format": 2,
    "prompt_base": 3,
    "prompt_own": 3,
    "no_leaks": 3,
    "greeting_by_model": 3,
    "greeting_words": 4,
    "tx": 4,
}
_ALL_STAGES: Final = len(_STAGES)


def _gates(evidence: Evidence, limits: Limits) -> Iterator[tuple[str, bool]]:
    for key in _STAGES:
        yield key, _LOOKS[key](evidence, limits)[0]


def _check(key: str, seen: Seen, obstacle: str | None) -> Check:
    told = CHECKS[key]
    fine, shown = seen
    if obstacle is not None and key != obstacle and _NEEDS.get(key, _ALL_STAGES) > _STAGES.index(obstacle):
        return Check(key, told.title, "untried", shown, because=_because(obstacle))
    return Check(key, told.title, "passed" if fine else "failed", shown, None if fine else told.remedy)


def _because(obstacle: str) -> Words:
    told: Told = CHECKS[obstacle]
    return Words(f"לא נבדק, כי נכשל: {told.title.he}", f"Not tried, because this failed: {told.title.en}")
