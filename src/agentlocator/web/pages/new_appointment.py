"""An appointment that a person of the business sets by hand, for somebody who called, wrote or stands at the desk."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.responses import Response

from agentlocator.db.schema import Lead
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, leads, localtime, phones, services
from agentlocator.domain.appointments import MAX_NOTES, Booking
from agentlocator.domain.availability import Refusal
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.receipts import Receipt
from agentlocator.web.pages.appointment import instant_of, reason, wall
from agentlocator.web.pages.booking import whole
from agentlocator.web.visit import Visit
from agentlocator.web.words import said


class _Refused(Exception):
    """It cannot be set; with it goes whatever was written for it, a new person too."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


_FIELDS: Final = ("lead", "name", "phone", "service", "resource", "date", "time", "notes", "once")
_NOT_A_PHONE: Final = said("This is no phone number. Write it as 050-123-4567, or leave it empty.")


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    values = dict.fromkeys(_FIELDS, "") | {"once": secrets.token_hex(8), "lead": query.get("lead", "")[:12]}
    async with visit.reading() as scope:
        try:
            start = localtime.parse_wall(query.get("start", "")[:16])
            values |= {"date": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}"}
        except ValueError:
            values["date"] = wall(visit.now, visit.clock.timezone)[:10]
        return await _page(visit, scope, values)


async def add(visit: Visit) -> Response:
    """Sets it, over no other one. The same form sent twice is one appointment."""
    values = {field: visit.text(field).strip() for field in _FIELDS}
    if visit.text("start"):
        values["date"], _, values["time"] = visit.text("start").partition("T")
    if values["phone"] and not values["lead"] and phones.parse(values["phone"]).e164 is None:
        async with visit.reading() as scope:
            return await _page(visit, scope, values, fault=visit.gettext(_NOT_A_PHONE))
    try:
        async with visit.writing() as scope:
            set_now = await _set(visit, scope, values)
    except _Refused as no:
        async with visit.reading() as scope:
            return await _page(visit, scope, values, refusal=no.refusal)
    return visit.redirect(visit.url(f"calendar/{set_now.appointment_id}"))


async def _set(visit: Visit, scope: Scope, values: dict[str, str]) -> Receipt:
    """With the first of the staff who is free. Raises _Refused."""
    starts_at = instant_of(visit, f"{values['date']}T{values['time']}")
    if isinstance(starts_at, Refusal):
        raise _Refused(starts_at)
    lead = await _lead(visit, scope, values)
    booking = Booking(
        start="",
        lead_id=None if lead is None else lead.id,
        service_id=whole(values["service"]),
        notes=values["notes"][:MAX_NOTES],
        key=f"hand:{visit.who.account_id}:{values['once'][:32]}",
        by=visit.actor,
    )
    refusal = Refusal("invalid_date")
    for resource_id in await _resources(scope, values["resource"]):
        done = await appointments.place(scope, booking, starts_at=starts_at, resource_id=resource_id, now=visit.now)
        if isinstance(done, Receipt):
            return done
        refusal = done
        if done.code != "slot_unavailable":
            break
    raise _Refused(refusal)


async def _lead(visit: Visit, scope: Scope, values: dict[str, str]) -> Lead | None:
    """Who it is for: the one named by the form, the one with the phone, or nobody in particular."""
    lead_id = whole(values["lead"])
    if lead_id is not None:
        return await leads.show(scope, lead_id) or visit.missing()
    if not values["phone"]:
        return None
    lead = await leads.find_or_create(scope, phone_raw=values["phone"], source="person", now=visit.now)
    assert lead is not None, "a phone that identifies nobody was refused"
    if values["name"]:
        by = By("person", visit.actor)
        await leads.upsert(scope, lead.id, Patch(name=values["name"]), by=by, now=visit.now)
    return lead


async def _resources(scope: Scope, wanted: str) -> list[int]:
    """The staff to try in turn: the one that was chosen, or everybody."""
    there = [one.id for one in await services.resources(scope) if one.active]
    return [one for one in there if str(one) == wanted] if wanted else there


async def _page(
    visit: Visit, scope: Scope, values: dict[str, str], *, refusal: Refusal | None = None, fault: str = ""
) -> Response:
    lead_id = whole(values["lead"])
    lead = None if lead_id is None else await leads.show(scope, lead_id) or visit.missing()
    words = fault or (reason(visit, refusal) if refusal is not None else "")
    near = refusal.nearest if refusal is not None and not fault else ()
    return visit.render(
        "new_appointment.html",
        422 if words else 200,
        section="calendar",
        values=values,
        lead=lead,
        services=await services.offered(scope),
        staff=[one for one in await services.resources(scope) if one.active],
        fault=words,
        near=[(wall(slot.starts_at, visit.clock.timezone), slot) for slot in near],
    )
