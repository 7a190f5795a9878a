"""Where businesses are written to. An address belongs to one business in the whole installation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from agentlocator.db.schema import WhatsAppLine
from agentlocator.db.scope import Operator, Scope
from agentlocator.whatsapp.messages import Channel


class Found(msgspec.Struct, frozen=True):
    """Whose line it is."""

    business_id: int
    line_id: int


async def add(scope: Scope, channel: Channel, address: str, *, now: datetime) -> bool:
    """Let a business be written to at an address: a phone_number_id, `whatsapp:+972…`, or a bridge session's name.

    False when somebody is written to there already.
    """
    return await scope.insert_new(WhatsAppLine, channel=channel, address=address, added_at=now)


async def listed(scope: Scope) -> Sequence[WhatsAppLine]:
    """The lines of a business, in the order they came."""
    found: Sequence[WhatsAppLine] = await scope.all(select(WhatsAppLine).order_by(WhatsAppLine.id))
    return found


async def find(operator: Operator, channel: Channel, address: str) -> Found | None:
    """The business that is written to at an address."""
    statement = select(WhatsAppLine).where(WhatsAppLine.channel == channel, WhatsAppLine.address == address)
    row: WhatsAppLine | None = await operator.first(statement)
    return None if row is None else Found(row.business_id, row.id)
