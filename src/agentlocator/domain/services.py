"""What a business offers, and the people, chairs or rooms that give it.

A service or resource that was ever booked is switched off, never deleted: old appointments keep pointing at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from agentlocator.db.schema import Resource, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, schedules
from agentlocator.domain.availability import Window, check_windows
from agentlocator.domain.profile import ServiceOffered
from agentlocator.domain.schedules import BadSetting, Week
from agentlocator.domain.text import clean

MOST_ILS = 1_000_000


class Terms(msgspec.Struct, frozen=True):
    """A service as its owner describes it. Buffers left empty are the schedule's; prices are whole shekels."""

    name: str
    duration_min: int
    price_ils: int | None = None
    buffer_before_min: int | None = None
    buffer_after_min: int | None = None
    active: bool = True


async def add_service(
    scope: Scope,
    name: str,
    *,
    duration_min: int,
    price_ils: int | None = None,
    buffer_before_min: int | None = None,
    buffer_after_min: int | None = None,
) -> int:
    """Add a service and answer its id. Raises BadSetting."""
    if not 5 <= duration_min <= 1440:
        raise BadSetting("duration_min", "out_of_range")
    if any(buffer is not None and not 0 <= buffer <= 1440 for buffer in (buffer_before_min, buffer_after_min)):
        raise BadSetting("buffer", "out_of_range")
    named = await _free_name(scope, Service, name)
    service = scope.add(
        Service(
            name=named,
            duration_min=duration_min,
            price_ils=price_ils,
            buffer_before_min=buffer_before_min,
            buffer_after_min=buffer_after_min,
            active=True,
        )
    )
    await scope.flush()
    return service.id


async def write_service(scope: Scope, service_id: int | None, terms: Terms, *, actor: str, now: datetime) -> int | None:
    """Add a service or change one; answers its id, or None for an unknown one. Raises BadSetting.

    What is booked already keeps the length and the buffers it was booked with.
    """
    if service_id is not None and await scope.get(Service, service_id) is None:
        return None
    _check_terms(terms)
    named = await _free_name(scope, Service, terms.name, besides=service_id)
    new = msgspec.structs.asdict(terms) | {"name": named}
    row = None if service_id is None else await scope.get(Service, service_id)
    old = {field: getattr(row, field, None) for field in new}
    if row is None:
        row = scope.add(Service(**new))
    for field, value in new.items():
        setattr(row, field, value)
    await scope.flush()
    changes = {field: (old[field], new[field]) for field in new}
    audit.record(scope, actor=actor, entity="service", entity_id=row.id, changes=changes, at=now)
    return row.id


async def all_services(scope: Scope) -> Sequence[Service]:
    """Also those that are switched off."""
    found: Sequence[Service] = await scope.all(select(Service).order_by(Service.active.desc(), Service.id))
    return found


async def offered(scope: Scope) -> tuple[ServiceOffered, ...]:
    rows: Sequence[Service] = await scope.all(select(Service).where(Service.active).order_by(Service.id))
    return tuple(ServiceOffered(row.id, row.name, row.duration_min, row.price_ils) for row in rows)


async def find_service(scope: Scope, spoken: str) -> Service | None:
    """The service somebody means: its name, or the only one whose name holds the words, or is held by them."""
    wanted = clean(spoken).casefold()
    rows: Sequence[Service] = await scope.all(select(Service).where(Service.active))
    exact = [row for row in rows if row.name.casefold() == wanted]
    close = [row for row in rows if wanted and (wanted in row.name.casefold() or row.name.casefold() in wanted)]
    found = exact or close
    return found[0] if len(found) == 1 else None


async def add_resource(scope: Scope, name: str) -> int:
    """Add somebody or something that one appointment occupies at a time; answers its id. Raises BadSetting."""
    named = await _free_name(scope, Resource, name)
    schedule = await schedules.current(scope)
    resource = scope.add(Resource(schedule_id=schedule.id, name=named, active=True))
    await scope.flush()
    return resource.id


async def write_resource(
    scope: Scope,
    resource_id: int | None,
    name: str,
    *,
    active: bool = True,
    hours: Week | None = None,
    actor: str,
    now: datetime,
) -> int | None:
    """Add a resource or change one; answers its id, or None for an unknown one. Raises BadSetting.

    Without `hours` it works whenever the business is open.
    """
    if resource_id is not None and await scope.get(Resource, resource_id) is None:
        return None
    own = _checked_hours(hours or {})
    schedule = await schedules.take_turn(scope)
    named = await _free_name(scope, Resource, name, besides=resource_id)
    row = None if resource_id is None else await scope.get(Resource, resource_id)
    new = {"name": named, "active": active, "hours": own}
    old = {field: getattr(row, field, None) for field in new}
    if row is None:
        row = scope.add(Resource(schedule_id=schedule.id, **new))
    row.name, row.active, row.hours = named, active, own
    await scope.flush()
    changes = {field: (old[field], value) for field, value in new.items()}
    audit.record(scope, actor=actor, entity="resource", entity_id=row.id, changes=changes, at=now)
    return row.id


def week_of(hours: Sequence[Sequence[int]]) -> dict[int, tuple[Window, ...]]:
    """A resource's own week, as its row keeps it."""
    week: dict[int, tuple[Window, ...]] = {}
    for weekday, from_min, to_min in hours:
        week[weekday] = (*week.get(weekday, ()), Window(from_min, to_min))
    return week


async def resources(scope: Scope) -> Sequence[Resource]:
    found: Sequence[Resource] = await scope.all(select(Resource).order_by(Resource.id))
    return found


async def _free_name(
    scope: Scope, kind: type[Service] | type[Resource], name: str, *, besides: int | None = None
) -> str:
    wanted = clean(name)[:120]
    if not wanted:
        raise BadSetting("name", "empty")
    if await scope.first(select(kind.id).where(kind.name == wanted)) not in (None, besides):
        raise BadSetting("name", "taken")
    return wanted


def _check_terms(terms: Terms) -> None:
    bounds = {
        "duration_min": (5, 1440),
        "price_ils": (0, MOST_ILS),
        "buffer_before_min": (0, 1440),
        "buffer_after_min": (0, 1440),
    }
    for field, (least, most) in bounds.items():
        value = getattr(terms, field)
        if value is not None and not least <= value <= most:
            raise BadSetting(field, "out_of_range")


def _checked_hours(hours: Week) -> list[list[int]]:
    for weekday, windows in hours.items():
        fault = check_windows([Window(*window) for window in windows])
        if weekday not in range(7) or fault is not None:
            raise BadSetting("hours", fault or "unknown_day")
    return [[weekday, *window] for weekday, windows in sorted(hours.items()) for window in sorted(windows)]
