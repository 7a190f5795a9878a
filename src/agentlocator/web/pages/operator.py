"""The operator's page: which businesses there are, on which numbers, and how their day goes."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from agentlocator.domain import businesses
from agentlocator.web import troubles
from agentlocator.web.troubles import Health
from agentlocator.web.visit import Visit


class Watched(msgspec.Struct, frozen=True):
    """A business as the operator sees it: its day and its troubles, and nothing that a caller said."""

    business_id: int
    name: str
    kind: str
    numbers: tuple[str, ...]
    health: Health


async def show(visit: Visit) -> Response:
    async with visit.house.db.operator() as operator:
        listed = await businesses.listed(operator)
    watched = [await _watched(visit, one) for one in listed]
    # Whoever needs somebody stands first.
    watched.sort(key=lambda one: ("bad", "live", "good").index(one.health.light))
    return visit.render("operator.html", section="operator", businesses=watched)


async def _watched(visit: Visit, one: businesses.Listed) -> Watched:
    async with visit.house.db.reading(one.business_id) as scope:
        health = await troubles.examine(scope, visit.now)
    return Watched(one.business_id, one.name, one.kind, one.numbers, health)
