"""What the business offers, one form a service. A service is switched off, never deleted: it was booked."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.domain import services
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.services import MOST_ILS, Terms
from agentlocator.web.pages.booking import whole
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FIELDS: Final = ("name", "duration_min", "price_ils", "buffer_before_min", "buffer_after_min")
_FAULTS: Final = {
    ("name", "empty"): said("Give it the name that callers use."),
    ("name", "taken"): said("There is one of this name already. Choose another name."),
    ("duration_min", "out_of_range"): said("A whole number of minutes, from 5 to 1440."),
    ("price_ils", "out_of_range"): said("Whole shekels, up to a million, or nothing."),
    ("buffer_before_min", "out_of_range"): said("A whole number of minutes, from 0 to 1440."),
    ("buffer_after_min", "out_of_range"): said("A whole number of minutes, from 0 to 1440."),
}


class Form(msgspec.Struct, frozen=True):
    """A service as its form shows it; `service_id` 0 is the one to be added."""

    service_id: int
    values: dict[str, str]
    active: bool = True
    field: str = ""
    fault: str = ""


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def add(visit: Visit) -> Response:
    return await _write(visit, None)


async def change(visit: Visit) -> Response:
    return await _write(visit, visit.request.path_params["service_id"])


async def _write(visit: Visit, service_id: int | None) -> Response:
    values = {field: visit.text(field).strip() for field in _FIELDS}
    active = service_id is None or visit.text("active") == "yes"
    try:
        async with visit.writing() as scope:
            kept = await services.write_service(
                scope, service_id, _terms(values, active), actor=visit.actor, now=visit.now
            )
    except BadSetting as no:
        return await _page(visit, Form(service_id or 0, values, active, no.field, _FAULTS[no.field, no.code]))
    if kept is None:
        visit.missing()
    return visit.redirect(visit.url("booking/services?saved=1"))


def _terms(values: dict[str, str], active: bool) -> Terms:
    numbers = {field: _number(field, values[field]) for field in _FIELDS[1:]}
    return Terms(name=values["name"], active=active, **numbers)  # type: ignore[arg-type]  # a length is never left empty


def _number(field: str, written: str) -> int | None:
    number = whole(written)
    if number is None and (written or field == "duration_min"):
        raise BadSetting(field, "out_of_range")
    return number


async def _page(visit: Visit, refused: Form | None = None) -> Response:
    async with visit.reading() as scope:
        kept = await services.all_services(scope)
    forms = [Form(one.id, {field: _shown(getattr(one, field)) for field in _FIELDS}, active=one.active) for one in kept]
    if refused is not None:
        # The name and the id are looked at in the transaction that writes; another business's id is no service here.
        if refused.service_id and refused.service_id not in {one.service_id for one in forms}:
            visit.missing()
        forms = [refused if one.service_id == refused.service_id else one for one in forms]
    new = refused if refused is not None and not refused.service_id else Form(0, dict.fromkeys(_FIELDS, ""))
    return visit.render(
        "booking_services.html",
        422 if refused else 200,
        section="booking",
        part="services",
        forms=forms,
        new=new,
        most_ils=MOST_ILS,
        saved="saved" in visit.request.query_params,
        locked=not visit.may("owner"),
    )


def _shown(value: object) -> str:
    return "" if value is None else str(value)
