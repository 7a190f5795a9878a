"""What the business offers, one form a service."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from agentlocator.domain import services
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.services import Terms
from agentlocator.web.pages import booked
from agentlocator.web.pages.booking import whole
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_FIELDS: Final = ("duration_min", "price_ils", "buffer_before_min", "buffer_after_min")
_FAULTS: Final = {
    ("duration_min", "out_of_range"): said("A whole number of minutes, from 5 to 1440."),
    ("price_ils", "out_of_range"): said("Whole shekels, up to a million, or nothing."),
    ("buffer_before_min", "out_of_range"): said("A whole number of minutes, from 0 to 1440."),
    ("buffer_after_min", "out_of_range"): said("A whole number of minutes, from 0 to 1440."),
}


class Form(booked.Form, frozen=True, kw_only=True):
    """`values` are the fields as they are written."""

    values: dict[str, str]


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def keep(visit: Visit) -> Response:
    """Adds a service, or changes the one that the address names."""
    service_id = visit.request.path_params.get("service_id")
    form = Form(
        id=service_id or 0,
        name=visit.text("name").strip(),
        active=service_id is None or visit.text("active") == "yes",
        values={field: visit.text(field).strip() for field in _FIELDS},
    )
    try:
        async with visit.writing() as scope:
            kept = await services.write_service(scope, service_id, _terms(form), actor=visit.actor, now=visit.now)
    except BadSetting as no:
        return await _page(visit, booked.refused(form, no, _FAULTS))
    if kept is None:
        visit.missing()
    return visit.redirect(visit.url("booking/services?saved=1"))


def _terms(form: Form) -> Terms:
    numbers = {field: _number(field, form.values[field]) for field in _FIELDS}
    return Terms(name=form.name, active=form.active, **numbers)  # type: ignore[arg-type]  # a length is never left empty


def _number(field: str, written: str) -> int | None:
    number = whole(written)
    if number is None and (written or field == "duration_min"):
        raise BadSetting(field, "out_of_range")
    return number


async def _page(visit: Visit, sent: booked.Form | None = None) -> Response:
    async with visit.reading() as scope:
        kept = await services.all_services(scope)
    forms = [
        Form(
            id=one.id,
            name=one.name,
            active=one.active,
            values={field: _shown(getattr(one, field)) for field in _FIELDS},
        )
        for one in kept
    ]
    return booked.page(visit, "services", forms, sent, Form(values=dict.fromkeys(_FIELDS, "")))


def _shown(value: int | None) -> str:
    return "" if value is None else str(value)
