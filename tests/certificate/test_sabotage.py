"""Each check is proved by breaking what it checks: the certificate fails in that section alone, and says what to do."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest

from agentlocator.certificate import place as places
from agentlocator.certificate.certification import Certified, certify
from agentlocator.certificate.judge import judge
from agentlocator.certificate.sentences import CHECKS, SECTIONS
from agentlocator.certificate.verdicts import Certificate
from certificate.conftest import clinic_of
from certificate.saboteurs import ON_EVIDENCE, ON_SOCKETS, PATIENT, OnEvidence, OnSockets

pytestmark = pytest.mark.requirement("R52")


@pytest.mark.parametrize("saboteur", ON_EVIDENCE, ids=lambda one: one.name)
def test_what_was_seen_fails_exactly_there(good: Certified, saboteur: OnEvidence) -> None:
    broken = saboteur.breaks(good.certificate.evidence)
    assert broken != good.certificate.evidence
    fails_exactly_in(judge(broken, PATIENT), saboteur.section, saboteur.remedy)


@pytest.mark.parametrize("saboteur", ON_SOCKETS, ids=lambda one: one.name)
async def test_a_broken_deployment_fails_exactly_there(
    saboteur: OnSockets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with places.own(tmp_path, model_faults=saboteur.faults, given=saboteur.given) as (found, house):
        clinic = await clinic_of(found.db)
        place = saboteur.breaks(monkeypatch, found, house) if saboteur.breaks else found
        async with saboteur.meanwhile(place) if saboteur.meanwhile else nullcontext():
            limits = msgspec.structs.replace(PATIENT, answer_to_ms=saboteur.answer_to_ms)
            certified = await certify(place, clinic, key="sabotage", limits=limits)
    fails_exactly_in(certified.certificate, saboteur.section, saboteur.remedy)


def test_every_check_has_a_saboteur(good: Certified) -> None:
    broken = {
        check.key
        for saboteur in ON_EVIDENCE
        for section in judge(saboteur.breaks(good.certificate.evidence), PATIENT).sections
        for check in section.checks
        if check.verdict == "failed"
    }
    # These end the call at once, so they are broken on sockets only.
    assert set(CHECKS) - broken == {"taken", "model_answers", "greeting_by_model", "tx"}
    assert [key for _, keys in SECTIONS.values() for key in keys] == list(CHECKS)


def fails_exactly_in(certificate: Certificate, number: int, remedy: str) -> None:
    told = {
        f"{section.number}.{check.key}": check.evidence.en
        for section in certificate.sections
        for check in section.checks
        if check.verdict == "failed"
    }
    assert certificate.failed == (number,), told
    assert not certificate.passed
    failed = next(section for section in certificate.sections if section.number == number)
    remedies = [check.remedy for check in failed.checks if check.verdict == "failed"]
    assert any(one is not None and remedy in one.en for one in remedies), remedies
    assert all(one is not None and one.he for one in remedies)
    for section in certificate.sections:
        for check in section.checks:
            assert (check.because is not None) == (check.verdict == "untried"), check.key
