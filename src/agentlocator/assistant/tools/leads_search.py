"""Tells what is known of this very caller: name, need, coming appointments. Of nobody else, whatever is asked."""

from __future__ import annotations

from agentlocator.assistant import hebrew
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, leads
from agentlocator.domain.receipts import Receipt

NOBODY = "זו הפנייה הראשונה מהמספר הזה."


class SearchLeads(Arguments, frozen=True):
    pass


async def run(scope: Scope, context: ToolContext, _nothing: SearchLeads, _key: str) -> ToolReply:
    lead = await leads.show(scope, context.lead_id)
    if lead is None:
        return ToolReply(NOBODY, ok=False, code="unknown_lead")
    coming = await appointments.upcoming_of(scope, context.lead_id, now=context.now)
    data = {
        "name": lead.name,
        "city": lead.city,
        "need": lead.need,
        "appointments": [{"start": f"{one.wall:%Y-%m-%dT%H:%M}", "service": one.service} for one in coming],
    }
    known = [f"השם שרשום אצלנו: {lead.name}."] if lead.name else []
    return ToolReply(" ".join([*known, _coming(coming)]), ok=True, data=data, known=tuple(coming))


def _coming(coming: list[Receipt]) -> str:
    if not coming:
        return "אין תור עתידי."
    spoken = "; ".join(hebrew.spoken_slot(one.wall) for one in coming[:3])
    return f"התור הבא: {spoken}." if len(coming) == 1 else f"התורים הבאים: {spoken}."


TOOL = Tool(
    name="leads_search",
    description="What is known of the person on this call: name, need and coming appointments. It takes no arguments.",
    arguments=SearchLeads,
    run=run,
)
