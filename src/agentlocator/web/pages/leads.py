"""The people who called or wrote: searched, filtered by stage, and out as a file."""

from __future__ import annotations

from starlette.responses import Response

from agentlocator.domain import lead_file, leads, stages
from agentlocator.domain.text import clean
from agentlocator.web.visit import Visit

PAGE = 100


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    wanted, stage = clean(query.get("q", ""))[:80], query.get("stage", "")
    async with visit.reading() as scope:
        steps = await stages.listed(scope)
        stage_id = next((step.stage_id for step in steps if str(step.stage_id) == stage), None)
        found = await leads.search(scope, wanted, stage_id=stage_id, limit=PAGE + 1)
    return visit.render(
        "leads.html",
        section="leads",
        leads=found[:PAGE],
        has_more=len(found) > PAGE,
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
