"""Where businesses are written to. An address belongs to one business in the whole installation.

Whoever adds an address gets all that is written to it, so only an operator adds one that a provider gave.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Select, delete, select

from agentlocator.db.schema import WhatsAppContact, WhatsAppLine
from agentlocator.db.scope import Operator, Scope
from agentlocator.domain import audit
from agentlocator.whatsapp.messages import Channel

_CLOUD: Final = re.compile(r"[0-9]{6,30}")
_TWILIO: Final = re.compile(r"(?:whatsapp:)?(\+[1-9][0-9]{6,14})")


class BadAddress(ValueError):
    """No address of that channel; the message says what one looks like."""


class Found(msgspec.Struct, frozen=True):
    """Whose line it is."""

    business_id: int
    line_id: int


def address_of(channel: Channel, written: str) -> str:
    """The address as the channel's webhooks name it; raises BadAddress."""
    written = "".join(written.split())
    if channel == "cloud":
        if not _CLOUD.fullmatch(written):
            raise BadAddress("The Cloud API names a line by its phone number id, digits alone, and not by its number.")
        return written
    if channel == "twilio":
        sender = _TWILIO.fullmatch(written)
        if sender is None:
            raise BadAddress("Twilio names a sender by its number, such as whatsapp:+97233724567.")
        return f"whatsapp:{sender[1]}"
    return written


async def add(scope: Scope, channel: Channel, address: str, *, now: datetime, actor: str = "system") -> bool:
    """Let a business be written to at an address: a phone_number_id, `whatsapp:+972…`, or a bridge session's name.

    False when somebody is written to there already.
    """
    if not await scope.insert_new(WhatsAppLine, channel=channel, address=address, added_at=now):
        return False
    line_id = await scope.first(_of(channel, address))
    _note(scope, line_id, (None, f"{channel} {address}"), actor, now)
    return True


async def remove(scope: Scope, channel: Channel, address: str, *, now: datetime, actor: str) -> bool:
    """Take back an address that nobody has written to yet; False when it is not the business's, or was written to."""
    line_id = await scope.first(_of(channel, address))
    if line_id is None:
        return False
    is_used = select(WhatsAppContact.id).where(WhatsAppContact.line_id == line_id).exists()
    if await scope.changed(delete(WhatsAppLine).where(WhatsAppLine.id == line_id, ~is_used)) == 0:
        return False
    _note(scope, line_id, (f"{channel} {address}", None), actor, now)
    return True


async def listed(scope: Scope) -> Sequence[WhatsAppLine]:
    """The lines of a business, in the order they came."""
    found: Sequence[WhatsAppLine] = await scope.all(select(WhatsAppLine).order_by(WhatsAppLine.id))
    return found


async def find(operator: Operator, channel: Channel, address: str) -> Found | None:
    """The business that is written to at an address."""
    statement = select(WhatsAppLine).where(WhatsAppLine.channel == channel, WhatsAppLine.address == address)
    row: WhatsAppLine | None = await operator.first(statement)
    return None if row is None else Found(row.business_id, row.id)


def _of(channel: Channel, address: str) -> Select[int]:
    return select(WhatsAppLine.id).where(WhatsAppLine.channel == channel, WhatsAppLine.address == address)


def _note(scope: Scope, line_id: int, change: tuple[str | None, str | None], actor: str, now: datetime) -> None:
    audit.record(scope, actor=actor, entity="whatsapp_line", entity_id=line_id, changes={"address": change}, at=now)
