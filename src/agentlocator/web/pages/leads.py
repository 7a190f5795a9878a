"""The people who called or wrote: searched, filtered by stage, and out as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from agentlocator.db.schema import Lead
from agentlocator.db.types import EPOCH
from agentlocator.domain import lead_file, leads, stages
from agentlocator.domain.leads import Place
from agentlocator.domain.text import clean
from agentlocator.web.visit import Visit

PAGE = 100

_MS: Final = timedelta(milliseconds=1)


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    wanted, stage = clean(query.get("q", ""))[:80], query.get("stage", "")
    after = _place(query.get("after", ""))
    async with visit.reading() as scope:
        steps = await stages.listed(scope)
        stage_id = next((step.stage_id for step in steps if str(step.stage_id) == stage), None)
        found = await leads.search(scope, wanted, stage_id=stage_id, after=after, limit=PAGE + 1)
    return visit.render(
        "leads.html",
        section="leads",
        leads=found[:PAGE],
        older=_address(found[PAGE - 1]) if len(found) > PAGE else "",
        steps=steps,
        names={step.stage_id: step for step in steps},
        stage_id=stage_id,
        wanted=wanted,
    )


async def export(visit: Visit) -> Response:
    """Every lead as CSV that a spreadsheet opens, and runs nothing of."""
    async with visit.reading() as scope:
        text = await lead_file.export(scope)
    headers = {"Content-Disposition": 'attachment; filename="leads.csv"'}
    return Response(text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8", headers=headers)


def _address(last: Lead) -> str:
    """Where the next page begins, as it stands in an address."""
    return f"{(last.last_activity_at - EPOCH) // _MS}-{last.id}"


def _place(address: str) -> Place | None:
    at_ms, _, lead_id = address.partition("-")
    if not (at_ms.isdecimal() and lead_id.isdecimal() and len(at_ms) < 15 and len(lead_id) < 18):
        return None
    return Place(EPOCH + int(at_ms) * _MS, int(lead_id))
