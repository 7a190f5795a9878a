"""What happens to a business while somebody is on the phone: other people book, too."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agentlocator.db.engine import Database
from agentlocator.domain import appointments, leads, services

SOMEBODY_ELSE = "+972541112233"


async def take_first_slot(db: Database, business_id: int, output: str, now: datetime) -> None:
    """Somebody else books the first time that was just offered; `output` is the tool's answer."""
    slots = msgspec.json.decode(output).get("data", {}).get("slots", [])
    if not slots:
        return
    async with db.scope(business_id) as scope:
        lead = await leads.find_or_create(scope, phone_raw=SOMEBODY_ELSE, source="call", now=now)
        offered = await services.offered(scope)
        assert lead is not None, "the number identifies a person"
        booking = appointments.Booking(
            start=slots[0]["start"], lead_id=lead.id, service_id=offered[0].service_id if offered else None
        )
        await appointments.book(scope, booking, now=now)
