"""Writes down what the caller told of himself, on his own lead. What a person typed stays."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.db.scope import Scope
from agentlocator.domain import leads

WRITTEN = "תודה, רשמתי."
KEPT = "תודה, אעביר את זה לבדיקה."
WHOSE_NAME = "המספר הזה רשום אצלנו על שם אחר. לעדכן את השם?"
NOTHING_SAID = "מה כדאי לרשום?"
NO_LEAD = "לא הצלחתי לרשום את זה כרגע."


class UpsertLead(Arguments, frozen=True):
    name: Annotated[str | None, Meta(description="The caller's name, as said.")] = None
    name_confirmed: Annotated[
        bool, Meta(description="True only after the caller agreed to replace the name on file.")
    ] = False
    email: Annotated[str | None, Meta(description="E-mail address.")] = None
    city: Annotated[str | None, Meta(description="Town.")] = None
    need: Annotated[str | None, Meta(description="What the caller needs, in a few words.")] = None
    notes: Annotated[str | None, Meta(description="Anything else worth keeping.")] = None


async def run(scope: Scope, context: ToolContext, told: UpsertLead, _key: str) -> ToolReply:
    lead = await leads.show(scope, context.lead_id)
    if lead is None:
        return ToolReply(NO_LEAD, ok=False, code="unknown_lead")
    patch = leads.Patch(name=told.name, email=told.email, city=told.city, need=told.need, notes=told.notes)
    if patch == leads.Patch():
        return ToolReply(NOTHING_SAID, ok=False, code="nothing_said")
    is_other = lead.name and told.name and not leads.is_same_name(lead.name, told.name)
    if is_other and not told.name_confirmed:
        return ToolReply(WHOSE_NAME, ok=False, code="name_differs")
    by = leads.By("assistant", "assistant", context.call_sid)
    written = await leads.upsert(scope, context.lead_id, patch, by=by, now=context.now)
    assert written is not None, "the lead was there a moment ago"
    data = {"written": list(written.taken), "kept": list(written.kept)}
    return ToolReply(KEPT if written.kept else WRITTEN, ok=True, code="kept" if written.kept else "ok", data=data)


TOOL = Tool(
    name="leads_upsert",
    description="Write down details the caller gave: name, e-mail, town, need, notes. Only what was really said.",
    arguments=UpsertLead,
    run=run,
)
