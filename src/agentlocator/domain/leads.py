"""People who called or wrote, one per business and phone.

Every value somebody gives a field is kept with who gave it; what a person typed, the assistant and a file never
overwrite. Callers who withhold their number are never taken for one another. Nothing here decides who may see a
lead; that is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, false, func, or_, select, update

from agentlocator.db.schema import Call, Lead, LeadFact, LeadTerm
from agentlocator.db.scope import Scope
from agentlocator.domain import lead_terms, phones, stages
from agentlocator.domain.text import clean

Source = Literal["assistant", "carrier", "import", "person"]

FIELD_LIMITS = {"name": 120, "email": 254, "city": 80, "need": 500, "notes": 2000}

# A term that fits this many leads is not counted further; a page is chosen among at most so few at once.
_MANY = 5000
_FEW = 1000
_LATEST = (Lead.last_activity_at.desc(), Lead.id.desc())


class By(msgspec.Struct, frozen=True):
    """Who gives a value: what kind of source, its name, and the call it happened in."""

    source: Source
    actor: str
    call_sid: str | None = None


class Patch(msgspec.Struct, frozen=True):
    """New values of a lead's fields; None leaves a field as it is."""

    name: str | None = None
    email: str | None = None
    city: str | None = None
    need: str | None = None
    notes: str | None = None


class Written(msgspec.Struct, frozen=True):
    """Which fields took their new value, and which kept what a person had typed."""

    taken: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


async def find_or_create_for_call(scope: Scope, *, from_raw: str, call_sid: str, now: datetime) -> Lead:
    """The caller's lead, with this call recorded on it and it on the call."""
    phone = phones.parse(from_raw)
    # A withheld number is no identity: only a repeat of the same call finds the same lead.
    lead = await _find_or_create(
        scope, phone, source="call", first_call_sid=call_sid if phone.withheld else None, now=now
    )
    lead.last_call_sid = call_sid
    lead.last_call_at = now
    lead.last_activity_at = now
    await scope.flush()
    await scope.changed(update(Call).where(Call.call_sid == call_sid, Call.lead_id.is_(None)).values(lead_id=lead.id))
    return lead


async def find_or_create(scope: Scope, *, phone_raw: str, source: str, now: datetime) -> Lead | None:
    """The lead with this phone, made when there is none; None for a phone that identifies nobody."""
    phone = phones.parse(phone_raw)
    if phone.key is None:
        return None
    lead = await _find_or_create(scope, phone, source=source, first_call_sid=None, now=now)
    lead.last_activity_at = max(now, lead.last_activity_at)
    return lead


async def find_by_phone(scope: Scope, phone_raw: str) -> Lead | None:
    key = phones.parse(phone_raw).key
    if key is None:
        return None
    found: Lead | None = await scope.first(select(Lead).where(Lead.phone_key == key))
    return found


async def show(scope: Scope, lead_id: int) -> Lead | None:
    return await scope.get(Lead, lead_id)


async def upsert(scope: Scope, lead_id: int, patch: Patch, *, by: By, now: datetime) -> Written | None:
    """Write what is now known of a lead. None when there is no such lead."""
    lead: Lead | None = await scope.first(select(Lead).where(Lead.id == lead_id).with_for_update())
    if lead is None:
        return None
    typed = await _typed_by_a_person(scope, lead_id)
    taken: list[str] = []
    kept: list[str] = []
    for field, limit in FIELD_LIMITS.items():
        given = getattr(patch, field)
        if given is None:
            continue
        value = clean(given, lines=field == "notes")[:limit] or None
        if value == getattr(lead, field):
            continue
        may_write = by.source == "person" or field not in typed
        (taken if may_write else kept).append(field)
        if may_write:
            setattr(lead, field, value)
        scope.add(
            LeadFact(
                lead_id=lead_id,
                field=field,
                value=value,
                source=by.source,
                actor=by.actor,
                call_sid=by.call_sid,
                taken=may_write,
                at=now,
            )
        )
    lead.last_activity_at = max(now, lead.last_activity_at)
    await scope.flush()
    if taken:
        await lead_terms.rewrite(scope, lead_id)
    return Written(tuple(taken), tuple(kept))


async def provenance(scope: Scope, lead_id: int, *, limit: int = 100) -> Sequence[LeadFact]:
    """The values anybody gave this lead's fields, also those that were not taken; the latest first."""
    found: Sequence[LeadFact] = await scope.all(
        select(LeadFact).where(LeadFact.lead_id == lead_id).order_by(LeadFact.id.desc()).limit(limit)
    )
    return found


class Place(msgspec.Struct, frozen=True):
    """Where a page of leads ended: the next one goes on from there, whoever became active meanwhile."""

    last_activity_at: datetime
    lead_id: int


async def search(
    scope: Scope, query: str = "", *, stage_id: int | None = None, after: Place | None = None, limit: int = 50
) -> Sequence[Lead]:
    """Leads with a word that begins like each of the query's, or a phone that holds it; the latest active first."""
    statement = select(Lead).order_by(*_LATEST).limit(limit).where(*await _fitting(scope, query))
    if stage_id is not None:
        statement = statement.where(Lead.stage_id == stage_id)
    if after is not None:
        at = after.last_activity_at
        statement = statement.where(
            Lead.last_activity_at <= at, or_(Lead.last_activity_at < at, Lead.id < after.lead_id)
        )
    found: Sequence[Lead] = await scope.all(statement)
    return found


async def count(scope: Scope, stage_id: int, *, most: int) -> int:
    """How many leads stand on a step, counted up to `most`."""
    # In an order, so that PostgreSQL goes down the index and does not sift the table.
    some = select(Lead.id).where(Lead.stage_id == stage_id).order_by(*_LATEST).limit(most).subquery()
    return int(await scope.first(select(func.count(some.c.id))))


async def search_ids(scope: Scope, query: str, *, limit: int) -> Sequence[int]:
    """The ids of whom `search` finds."""
    found: Sequence[int] = await scope.all(
        select(Lead.id).order_by(*_LATEST).limit(limit).where(*await _fitting(scope, query))
    )
    return found


async def _fitting(scope: Scope, query: str) -> list[ColumnElement[bool]]:
    """Conditions on a lead for a query as typed; none for one with nothing in it."""
    if not clean(query):
        return []
    terms = lead_terms.wanted(clean(query))
    return await _matching(scope, terms) if terms else [false()]


async def _matching(scope: Scope, terms: Sequence[str]) -> list[ColumnElement[bool]]:
    """Conditions on a lead for all terms, in the shape that is quick for how many there are.

    Terms that fit few name their leads at once. Where very many fit, they are looked up lead by lead, down the list
    until the page is full, which is then soon.
    """
    rare = [term for term in terms if await _fits_few(scope, term)]
    if not rare:
        return [_has_term(term) for term in terms]
    ids = await scope.all(_having(rare[0]).where(*(LeadTerm.lead_id.in_(_having(term)) for term in rare[1:])))
    if len(ids) > _FEW:
        return [_has_term(term) for term in terms]
    return [Lead.id.in_(ids), *(_has_term(term) for term in terms if term not in rare)]


async def _fits_few(scope: Scope, term: str) -> bool:
    counted = select(LeadTerm.id).where(lead_terms.begins_with(term)).limit(_MANY).subquery()
    return int(await scope.first(select(func.count(counted.c.id)))) < _MANY


def _having(term: str) -> Select[Any]:
    return select(LeadTerm.lead_id).where(lead_terms.begins_with(term)).distinct()


def _has_term(term: str) -> ColumnElement[bool]:
    # The offset keeps PostgreSQL from answering for all leads at once where the first hundred are asked for.
    return select(LeadTerm.id).where(LeadTerm.lead_id == Lead.id, lead_terms.begins_with(term)).offset(0).exists()


def is_same_name(known: str, said: str) -> bool:
    """Whether two names may be one person's: every word of the shorter is a word of the longer."""
    known_words, said_words = set(clean(known).casefold().split()), set(clean(said).casefold().split())
    return known_words <= said_words or said_words <= known_words


async def _find_or_create(
    scope: Scope, phone: phones.Phone, *, source: str, first_call_sid: str | None, now: datetime
) -> Lead:
    is_this = Lead.phone_key == phone.key if phone.key is not None else Lead.first_call_sid == first_call_sid
    found: Lead | None = await scope.first(select(Lead).where(is_this))
    if found is not None:
        return found
    # Two calls of one number can start together: the unique key decides, and the loser reads the winner's row.
    is_ours = await scope.insert_new(
        Lead,
        phone_key=phone.key,
        phone_e164=phone.e164,
        phone_raw=phone.raw,
        phone_kind=phone.kind,
        source=source,
        stage_id=await stages.first_id(scope),
        stage_changed_at=now,
        first_call_sid=first_call_sid,
        last_activity_at=now,
        created_at=now,
    )
    created: Lead | None = await scope.first(select(Lead).where(is_this))
    assert created is not None, "the lead was written just now, by us or by the other call"
    if is_ours:
        await lead_terms.rewrite(scope, created.id)
    return created


async def _typed_by_a_person(scope: Scope, lead_id: int) -> frozenset[str]:
    facts: Sequence[LeadFact] = await scope.all(
        select(LeadFact).where(LeadFact.lead_id == lead_id, LeadFact.taken).order_by(LeadFact.id)
    )
    latest = {fact.field: fact.source for fact in facts}
    return frozenset(field for field, source in latest.items() if source == "person")
