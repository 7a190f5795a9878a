"""The operator's page: which businesses there are, on which numbers, and how their day goes."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, select
from starlette.responses import Response

from agentlocator.db.schema import Call
from agentlocator.domain import businesses
from agentlocator.web.visit import Visit


class Health(msgspec.Struct, frozen=True):
    """A business as the operator sees it: counts since midnight, and nothing that a caller said."""

    business_id: int
    name: str
    kind: str
    numbers: tuple[str, ...]
    calls: int
    silent: int


async def show(visit: Visit) -> Response:
    async with visit.house.db.operator() as operator:
        listed = await businesses.listed(operator)
    return visit.render("operator.html", section="operator", businesses=[await _health(visit, one) for one in listed])


async def _health(visit: Visit, one: businesses.Listed) -> Health:
    today = Call.started_at >= visit.clock.midnight()
    async with visit.house.db.reading(one.business_id) as scope:
        calls = await scope.first(select(func.count(Call.id)).where(today))
        silent = await scope.first(select(func.count(Call.id)).where(today, Call.tx == 0))
    return Health(one.business_id, one.name, one.kind, one.numbers, calls, silent)
