"""The businesses: added, found by the number that was dialled, shown, changed.

Finding and adding go through the operator's door; everything else happens inside one business.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from agentlocator.db.schema import Business, BusinessNumber, PromptVersion, TransferNumber
from agentlocator.db.scope import Operator, Scope
from agentlocator.domain import audit, localtime, phones, prompts, schedules, services, stages
from agentlocator.domain.profile import BusinessProfile, TransferTo
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean
from agentlocator.realtime.session import VOICES

DEFAULT_TIMEZONE = "Asia/Jerusalem"
DEFAULT_VOICE = "shimmer"
# What the assistant speaks unless the caller asks for another.
LANGUAGES = ("he", "en", "ar", "ru")


class NewBusiness(msgspec.Struct, frozen=True):
    """What it takes to open a business. Numbers are E.164, the way they are dialled."""

    name: str
    kind: str
    numbers: tuple[str, ...]
    greeting: str
    custom_prompt: str = ""
    timezone: str = DEFAULT_TIMEZONE
    language: str = "he"
    voice: str = DEFAULT_VOICE
    fallback_number: str | None = None
    transfer_numbers: tuple[TransferTo, ...] = ()
    policy: dict[str, Any] = {}
    resources: tuple[str, ...] = ("יומן",)


class Listed(msgspec.Struct, frozen=True):
    """A business as the operator sees it."""

    business_id: int
    name: str
    kind: str
    numbers: tuple[str, ...]


async def add(operator: Operator, new: NewBusiness, *, now: datetime) -> int:
    """Open a business with its schedule, pipeline and published prompt; answers its id.

    Raises BadSetting for an unknown zone, or a number that is no number or already rings elsewhere.
    """
    numbers = [_e164("numbers", number) for number in new.numbers]
    for number in numbers:
        if await find_by_number(operator, number) is not None:
            raise BadSetting("numbers", "taken")
    scope = await operator.add_business(
        Business(
            name=_named(new.name),
            kind=clean(new.kind)[:80],
            timezone=_known_zone(new.timezone),
            language=new.language,
            voice=new.voice,
            fallback_number=None if new.fallback_number is None else _e164("fallback_number", new.fallback_number),
            policy=new.policy,
            calendar_secret=secrets.token_urlsafe(24),
            created_at=now,
        )
    )
    for number in numbers:
        scope.add(BusinessNumber(e164=number))
    for transfer in new.transfer_numbers:
        scope.add(TransferNumber(e164=_e164("transfer_numbers", transfer.e164), label=clean(transfer.label)))
    schedules.furnish(scope)
    stages.furnish(scope)
    scope.add(
        PromptVersion(
            number=1,
            state="published",
            greeting=new.greeting,
            custom_prompt=new.custom_prompt,
            written_by="operator",
            written_at=now,
            published_at=now,
        )
    )
    await scope.flush()
    for name in new.resources:
        await services.add_resource(scope, name)
    return scope.business_id


async def find_by_number(operator: Operator, e164: str) -> int | None:
    """The business that this number reaches."""
    found: int | None = await operator.first(select(BusinessNumber.business_id).where(BusinessNumber.e164 == e164))
    return found


async def listed(operator: Operator) -> list[Listed]:
    """Every business of the installation, in the order they came."""
    rows: Sequence[Business] = await operator.all(select(Business).order_by(Business.id))
    numbers: Sequence[BusinessNumber] = await operator.all(select(BusinessNumber).order_by(BusinessNumber.id))
    return [
        Listed(row.id, row.name, row.kind, tuple(one.e164 for one in numbers if one.business_id == row.id))
        for row in rows
    ]


async def show(scope: Scope) -> BusinessProfile:
    """All that is known of the business in scope, as its next call takes it."""
    row = await _row(scope)
    prompt = await prompts.published(scope)
    schedule = await schedules.current(scope)
    numbers = await scope.all(select(BusinessNumber.e164).order_by(BusinessNumber.id))
    transfers: Sequence[TransferNumber] = await scope.all(select(TransferNumber).order_by(TransferNumber.id))
    return BusinessProfile(
        business_id=row.id,
        name=row.name,
        kind=row.kind,
        timezone=row.timezone,
        language=row.language,
        voice=row.voice,
        greeting=prompt.greeting if prompt else "",
        custom_prompt=prompt.custom_prompt if prompt else "",
        prompt_number=prompt.number if prompt else 0,
        rules=await schedules.rules(scope),
        length_min=schedule.length_min,
        services=await services.offered(scope),
        numbers=tuple(numbers),
        transfer_numbers=tuple(TransferTo(one.e164, one.label) for one in transfers),
        fallback_number=row.fallback_number,
        policy=row.policy,
    )


async def change(
    scope: Scope,
    *,
    actor: str,
    now: datetime,
    name: str | None = None,
    kind: str | None = None,
    timezone: str | None = None,
    language: str | None = None,
    voice: str | None = None,
    fallback_number: str | None = None,
    policy: dict[str, Any] | None = None,
) -> None:
    """Change what is given; an empty fallback number removes it. Raises BadSetting.

    A new zone moves no appointment: those keep their instant.
    """
    row = await _row(scope)
    given = {
        "name": None if name is None else _named(name),
        "kind": None if kind is None else clean(kind)[:80],
        "timezone": None if timezone is None else _known_zone(timezone),
        "language": None if language is None else _known_language(language),
        "voice": None if voice is None else _known_voice(voice),
        "policy": policy,
    }
    new: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if fallback_number is not None:
        new["fallback_number"] = _e164("fallback_number", fallback_number) if fallback_number else None
    changes = {field: (getattr(row, field), value) for field, value in new.items()}
    audit.record(scope, actor=actor, entity="business", entity_id=row.id, changes=changes, at=now)
    for field, value in new.items():
        setattr(row, field, value)
    await scope.flush()


async def add_number(scope: Scope, number: str, *, actor: str, now: datetime) -> bool:
    """Let a number ring here; False when it rings somewhere already. Raises BadSetting."""
    e164 = _e164("numbers", number)
    if not await scope.insert_new(BusinessNumber, e164=e164):
        return False
    _note(scope, actor, now, {"numbers": (None, e164)})
    return True


async def remove_number(scope: Scope, number: str, *, actor: str, now: datetime) -> bool:
    """Let a number ring here no longer; False when it does not ring here. Raises BadSetting."""
    e164 = _e164("numbers", number)
    row = await scope.first(select(BusinessNumber).where(BusinessNumber.e164 == e164))
    return await _remove(scope, row, actor, now, {"numbers": (e164, None)})


async def add_transfer_number(scope: Scope, number: str, label: str, *, actor: str, now: datetime) -> bool:
    """Allow calls to be handed to a number; False when they already may be. Raises BadSetting."""
    e164 = _e164("transfer_numbers", number)
    if not await scope.insert_new(TransferNumber, e164=e164, label=clean(label)[:80]):
        return False
    _note(scope, actor, now, {"transfer_numbers": (None, e164)})
    return True


async def remove_transfer_number(scope: Scope, number: str, *, actor: str, now: datetime) -> bool:
    row = await scope.first(select(TransferNumber).where(TransferNumber.e164 == number))
    return await _remove(scope, row, actor, now, {"transfer_numbers": (number, None)})


async def calendar_secret(scope: Scope) -> str:
    """The secret part of the address at which the appointments can be subscribed to."""
    return (await _row(scope)).calendar_secret


async def renew_calendar_secret(scope: Scope, *, actor: str, now: datetime) -> str:
    """Make the old calendar address worthless."""
    row = await _row(scope)
    row.calendar_secret = secrets.token_urlsafe(24)
    _note(scope, actor, now, {"calendar_secret": ("old", "new")})
    await scope.flush()
    return row.calendar_secret


async def find_by_calendar_secret(operator: Operator, secret: str) -> int | None:
    """The business whose calendar a secret address opens. A stranger may have written anything there."""
    if not secret.isascii() or not secret.isprintable():
        return None
    found: int | None = await operator.first(select(Business.id).where(Business.calendar_secret == secret))
    return found


async def _row(scope: Scope) -> Business:
    row = await scope.get(Business, scope.business_id)
    if row is None:
        raise LookupError(f"there is no business {scope.business_id}")
    return row


async def _remove(scope: Scope, row: Any, actor: str, now: datetime, changes: dict[str, tuple[Any, Any]]) -> bool:
    if row is None:
        return False
    await scope.session.delete(row)
    _note(scope, actor, now, changes)
    await scope.flush()
    return True


def _note(scope: Scope, actor: str, now: datetime, changes: dict[str, tuple[Any, Any]]) -> None:
    audit.record(scope, actor=actor, entity="business", entity_id=scope.business_id, changes=changes, at=now)


def _named(name: str) -> str:
    named = clean(name)[:120]
    if not named:
        raise BadSetting("name", "empty")
    return named


def _known_zone(timezone: str) -> str:
    try:
        localtime.zone(timezone)
    except ValueError as unknown:
        raise BadSetting("timezone", "unknown_zone") from unknown
    return timezone


def _known_language(language: str) -> str:
    if language not in LANGUAGES:
        raise BadSetting("language", "unknown_language")
    return language


def _known_voice(voice: str) -> str:
    # A custom voice's id is its account's own; only its shape is known here.
    if voice not in VOICES and not re.fullmatch(r"voice_[A-Za-z0-9_]{1,80}", voice):
        raise BadSetting("voice", "unknown_voice")
    return voice


def _e164(field: str, number: str) -> str:
    phone = phones.parse(number)
    if phone.e164 is None:
        raise BadSetting(field, "no_number")
    return phone.e164
