"""Sections 8 and 10: who is let in and who is not, and that nothing of another business comes along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlocator.certificate.evidence import Evidence, Knock
from agentlocator.certificate.looks import Limits, Look, Seen
from agentlocator.certificate.verdicts import Words


def _taken(evidence: Evidence, _limits: Limits) -> Seen:
    answered = evidence.answered
    if answered.fault:
        return False, Words(answered.fault, answered.fault)
    return True, Words(
        f"HTTP {answered.status}, {answered.streams} זרמי מדיה",
        f"HTTP {answered.status}, {answered.streams} media stream(s)",
    )


def _doors(evidence: Evidence, _limits: Limits) -> Seen:
    let_in = _let_in(evidence.doors)
    if let_in:
        return False, Words(let_in, let_in)
    tried = len(evidence.doors)
    return tried > 0, Words(f"{tried} זיופים, כולם נדחו", f"{tried} forgeries, all refused")


def _no_leaks(evidence: Evidence, _limits: Limits) -> Seen:
    strangers = evidence.strangers
    if strangers.leaks:
        found = "; ".join(strangers.leaks[:3])
        return False, Words(f"נמצא: {found}", f"found: {found}")
    return True, Words(
        f"חיפשנו {strangers.words} מילים של {strangers.others} עסקים אחרים, ואף אחת לא נמצאה",
        f"{strangers.words} words of {strangers.others} other business(es) looked for, none found",
    )


def _other_doors(evidence: Evidence, _limits: Limits) -> Seen:
    let_in = _let_in(evidence.strangers.doors)
    if let_in:
        return False, Words(let_in, let_in)
    tried = len(evidence.strangers.doors)
    return True, Words(
        f"{tried} ניסיונות דרך מספרים של עסקים אחרים, דבר לא נמסר", f"{tried} tries through other numbers, nothing told"
    )


def _let_in(knocks: Sequence[Knock]) -> str:
    return "; ".join(f"{knock.name}: {knock.answer}" for knock in knocks if not knock.refused)


LOOKS: Final[dict[str, Look]] = {
    "taken": _taken,
    "doors": _doors,
    "no_leaks": _no_leaks,
    "other_doors": _other_doors,
}
