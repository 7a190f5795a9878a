"""The business's appointments as an ICS calendar that any calendar program can subscribe to.

Times are in UTC: a zone's name would lose which of two 01:30 was meant. Cancelled appointments stay in as cancelled,
so that subscribers drop them. Whoever has the secret address sees what is here: no phone numbers, no notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event
from sqlalchemy import select

from agentlocator.db.schema import Appointment, Business, Lead, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments

PAST = timedelta(days=90)
FUTURE = timedelta(days=800)
UID_DOMAIN = "agentlocator"

STATUSES = {"pending": "TENTATIVE", "cancelled": "CANCELLED"}
# A hold is nobody's appointment yet, and one that ran out never was.
SHOWN = frozenset({"pending", "booked", "confirmed", "cancelled", "completed", "no_show"})


async def feed(scope: Scope, *, now: datetime) -> bytes:
    """The calendar of the business in scope, as text/calendar."""
    rows = await appointments.between(scope, starts_from=now - PAST, until=now + FUTURE)
    calendar = Calendar()
    calendar.add("prodid", "-//AgentLocator//Appointments//HE")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", await scope.first(select(Business.name)))
    names = await _names(scope, rows)
    for row in rows:
        if row.status in SHOWN:
            calendar.add_component(_event(row, names[row.id]))
    return bytes(calendar.to_ical())


def _event(row: Appointment, summary: str) -> Event:
    event = Event()
    event.add("uid", f"{row.uid}@{UID_DOMAIN}")
    event.add("sequence", row.sequence)
    event.add("dtstamp", row.changed_at)
    event.add("last-modified", row.changed_at)
    event.add("dtstart", row.starts_at)
    event.add("dtend", row.ends_at)
    event.add("summary", summary)
    event.add("status", STATUSES.get(row.status, "CONFIRMED"))
    event.add("transp", "TRANSPARENT" if row.status == "cancelled" else "OPAQUE")
    return event


async def _names(scope: Scope, rows: Sequence[Appointment]) -> dict[int, str]:
    """Appointment id → who comes for what."""
    people = await _by_id(scope, Lead, {row.lead_id for row in rows})
    offered = await _by_id(scope, Service, {row.service_id for row in rows})
    return {
        row.id: " · ".join(
            name for name in (people.get(row.lead_id) or "תור", offered.get(row.service_id)) if name is not None
        )
        for row in rows
    }


async def _by_id(scope: Scope, kind: type[Lead] | type[Service], ids: set[int | None]) -> dict[int | None, str | None]:
    found = await scope.all(select(kind).where(kind.id.in_([one for one in ids if one is not None])))
    return {row.id: row.name for row in found}
