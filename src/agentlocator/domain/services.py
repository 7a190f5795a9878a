"""What a business offers, and the people, chairs or rooms that give it.

A service or resource that was ever booked is switched off, never deleted: old appointments keep pointing at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from agentlocator.db.schema import BusyBlock, Resource, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import schedules
from agentlocator.domain.profile import ServiceOffered
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean


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


async def switch_service(scope: Scope, service_id: int, *, active: bool) -> bool:
    service = await scope.get(Service, service_id)
    if service is None:
        return False
    service.active = active
    return True


async def add_resource(scope: Scope, name: str) -> int:
    """Add somebody or something that one appointment occupies at a time; answers its id. Raises BadSetting."""
    named = await _free_name(scope, Resource, name)
    schedule = await schedules.current(scope)
    resource = scope.add(Resource(schedule_id=schedule.id, name=named, active=True))
    await scope.flush()
    return resource.id


async def resources(scope: Scope) -> Sequence[Resource]:
    found: Sequence[Resource] = await scope.all(select(Resource).order_by(Resource.id))
    return found


async def switch_resource(scope: Scope, resource_id: int, *, active: bool) -> bool:
    resource = await scope.get(Resource, resource_id)
    if resource is None:
        return False
    resource.active = active
    return True


async def block(
    scope: Scope, resource_id: int, *, starts_at: datetime, ends_at: datetime, note: str = ""
) -> int | None:
    """Take a resource out for a while; answers the block's id, or None for an unknown resource. Raises BadSetting."""
    if starts_at >= ends_at:
        raise BadSetting("block", "reversed")
    await schedules.take_turn(scope)
    if await scope.get(Resource, resource_id) is None:
        return None
    blocked = scope.add(
        BusyBlock(
            resource_id=resource_id,
            source="owner",
            external_uid=None,
            note=clean(note)[:200],
            starts_at=starts_at,
            ends_at=ends_at,
        )
    )
    await scope.flush()
    return blocked.id


async def unblock(scope: Scope, block_id: int) -> bool:
    blocked = await scope.get(BusyBlock, block_id)
    if blocked is None:
        return False
    await scope.session.delete(blocked)
    return True


async def _free_name(scope: Scope, kind: type[Service] | type[Resource], name: str) -> str:
    wanted = clean(name)[:120]
    if not wanted:
        raise BadSetting("name", "empty")
    if await scope.first(select(kind.id).where(kind.name == wanted)) is not None:
        raise BadSetting("name", "taken")
    return wanted
