"""The calls of a business, the newest first: who, when, how it ended, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import Call, Lead
from agentlocator.db.scope import Scope
from agentlocator.domain import leads
from agentlocator.domain.text import clean
from agentlocator.web import outcomes
from agentlocator.web.outcomes import Ending
from agentlocator.web.visit import Visit

PAGE = 50
# A search for a name that fits more people than this is no search for one of them.
MOST_PEOPLE = 200


class Line(msgspec.Struct, frozen=True):
    """A call as a list shows it."""

    call_sid: str
    lead_id: int | None
    name: str
    phone_raw: str
    started_at: datetime
    ended_at: datetime | None
    status: str
    ending: Ending | None
    summary: str
    cost_micro_usd: int | None
    is_silent: bool
    is_test: bool = False


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    wanted, outcome, before = clean(query.get("who", ""))[:40], query.get("outcome", ""), query.get("before", "")
    statement = select(Call).order_by(Call.id.desc()).limit(PAGE + 1)
    if before.isdecimal() and len(before) < 18:
        statement = statement.where(Call.id < int(before))
    if outcome in outcomes.KNOWN:
        statement = statement.where(Call.outcome == outcome)
    async with visit.reading() as scope:
        if wanted:
            people = await leads.search_ids(scope, wanted, limit=MOST_PEOPLE)
            statement = statement.where(Call.lead_id.in_(people))
        found: Sequence[Call] = await scope.all(statement)
        lines = await lines_of(scope, found[:PAGE])
    return visit.render(
        "calls.html",
        section="calls",
        lines=lines,
        outcomes=[(one, outcomes.ending_of(one)) for one in outcomes.KNOWN],
        wanted=wanted,
        outcome=outcome,
        older=found[PAGE - 1].id if len(found) > PAGE else None,
    )


async def lines_of(scope: Scope, found: Sequence[Call]) -> list[Line]:
    """The calls with the names of their leads."""
    ids = {call.lead_id for call in found if call.lead_id is not None}
    names = dict(await scope.rows(select(Lead.id, Lead.name).where(Lead.id.in_(ids)))) if ids else {}
    return [
        Line(
            call_sid=call.call_sid,
            lead_id=call.lead_id,
            name=names.get(call.lead_id) or "",
            phone_raw=call.from_raw,
            started_at=call.started_at,
            ended_at=call.ended_at,
            status=call.status,
            ending=outcomes.ending_of(call.outcome) if call.outcome else None,
            summary=call.summary or "",
            cost_micro_usd=call.cost_micro_usd,
            is_silent=call.status == "finished" and call.tx == 0,
            is_test=call.is_test,
        )
        for call in found
    ]
