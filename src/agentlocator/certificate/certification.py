"""One certification from beginning to end: the record opened, the call placed and judged, everything taken back.

What is left is one row, and the call's journal beside the certificates.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from agentlocator.certificate import inquiry, judge, page, script, seal
from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.looks import LIMITS, Limits
from agentlocator.certificate.place import Place
from agentlocator.certificate.verdicts import Certificate
from agentlocator.db.schema import Call
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, readiness
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.readiness import Found
from agentlocator.version import VERSION
from agentlocator.voice.records import journal_path, session_path

Examine = Callable[[Place, BusinessProfile, Found], Awaitable[Evidence]]
"""Places a call to a business and gathers what it showed."""


class AlreadyCertified(Exception):
    """A certification with this key was begun before: another server has it, or had it."""


class Certified(msgspec.Struct, frozen=True):
    """What came of it: the certificate, its row, and its documents."""

    row_id: int
    certificate: Certificate
    document: dict[str, Any]
    page: str


async def certify(
    place: Place,
    business_id: int,
    *,
    key: str,
    examine: Examine = inquiry.examine,
    caller_e164: str = script.CALLER,
    limits: Limits = LIMITS,
) -> Certified:
    """Certifies one business. Raises AlreadyCertified for a key that was used."""
    async with place.db.scope(business_id) as scope:
        profile = await businesses.show(scope)
        await _forget_leftovers(scope, caller_e164)
        before = await readiness.known(scope, caller_e164)
        row_id = await readiness.begin(scope, key=key, caller_e164=caller_e164, version=VERSION, now=datetime.now(UTC))
    if row_id is None:
        raise AlreadyCertified(key)
    try:
        evidence = await examine(place, profile, before)
    except BaseException:
        await _abandon(place, business_id, row_id, caller_e164, before)
        raise
    evidence = await _taken_back(place, business_id, evidence, caller_e164, before)
    return await _recorded(place, business_id, row_id, judge.judge(evidence, limits))


async def _taken_back(place: Place, business_id: int, evidence: Evidence, caller_e164: str, before: Found) -> Evidence:
    if not evidence.call_sid:
        return evidence
    async with place.db.scope(business_id) as scope:
        await readiness.forget(scope, evidence.call_sid, caller_e164, before)
    async with place.db.reading(business_id) as scope:
        left = await readiness.left(scope, evidence.call_sid, caller_e164, before)
    kept = await asyncio.to_thread(_keep_journal, place, business_id, evidence.call_sid)
    return msgspec.structs.replace(evidence, left=tuple(left), journal=kept)


async def _recorded(place: Place, business_id: int, row_id: int, certificate: Certificate) -> Certified:
    document = seal.document(certificate, place.settings.media_secret())
    shown = page.render(certificate, document["signature"])
    verdicts = {str(section.number): section.verdict for section in certificate.sections}
    async with place.db.scope(business_id) as scope:
        await readiness.end(
            scope,
            row_id,
            passed=certificate.passed,
            verdicts=verdicts,
            document=msgspec.json.encode(document).decode(),
            page=shown,
            now=datetime.now(UTC),
        )
    return Certified(row_id, certificate, document, shown)


async def _abandon(place: Place, business_id: int, row_id: int, caller_e164: str, before: Found) -> None:
    """The certification itself broke off: what its caller wrote goes, and the record says that it failed."""
    async with place.db.scope(business_id) as scope:
        await _forget_calls_of(scope, caller_e164, before)
        await readiness.end(scope, row_id, passed=False, verdicts={}, document="", page="", now=datetime.now(UTC))


async def _forget_leftovers(scope: Scope, caller_e164: str) -> None:
    """A certification that died left its call behind. Only the built-in caller's number is nobody's."""
    if caller_e164 == script.CALLER:
        await _forget_calls_of(scope, caller_e164, Found())


async def _forget_calls_of(scope: Scope, caller_e164: str, before: Found) -> None:
    for call_sid in await scope.all(select(Call.call_sid).where(Call.from_raw == caller_e164)):
        await readiness.forget(scope, call_sid, caller_e164, before)


def _keep_journal(place: Place, business_id: int, call_sid: str) -> str:
    """Moves the journal out of the business's calls; its session goes with it. Answers where it is."""
    path = journal_path(place.journals, business_id, call_sid)
    folder = place.settings.data_dir / "certificates" / str(business_id)
    folder.mkdir(parents=True, exist_ok=True)
    for one in (path, session_path(path)):
        if one.is_file():
            shutil.move(one, folder / one.name)
    return str(Path("certificates") / str(business_id) / path.name)
