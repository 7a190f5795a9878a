"""A certificate as plain values: ten sections, each with its checks, their evidence and the way to put them right."""

from __future__ import annotations

from typing import Literal

import msgspec

from agentlocator.certificate.evidence import Evidence

Verdict = Literal["passed", "failed", "untried"]
"""`untried`: something before it failed, so nothing can be said; that is no pass."""


class Words(msgspec.Struct, frozen=True):
    """The same sentence in both languages."""

    he: str
    en: str


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `remedy` says what to do when it failed, `because` why it could not be tried."""

    key: str
    title: Words
    verdict: Verdict
    evidence: Words
    remedy: Words | None = None
    because: Words | None = None


class Section(msgspec.Struct, frozen=True):
    """One of the ten. It passes when all of its checks do."""

    number: int
    title: Words
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        verdicts = {check.verdict for check in self.checks}
        if "failed" in verdicts:
            return "failed"
        return "untried" if "untried" in verdicts else "passed"


class Certificate(msgspec.Struct, frozen=True):
    """What a certification call proved of one business, on one day, of one version."""

    sections: tuple[Section, ...]
    evidence: Evidence

    @property
    def passed(self) -> bool:
        return all(section.verdict == "passed" for section in self.sections)

    @property
    def failed(self) -> tuple[int, ...]:
        """The numbers of the sections that failed."""
        return tuple(section.number for section in self.sections if section.verdict == "failed")
