"""The leads on a board, a column for each step of the pipeline, so that one look says where everybody stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.db.schema import Lead
from agentlocator.domain import leads, stages
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.stages import StageSeen
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

# Of each step, the latest; whoever is further down is found by searching the list.
_CARDS: Final = 20
# Counted no further: whoever has so many looks at the list.
MOST: Final = 999
_FAULTS: Final = {
    "empty": said("A step needs a name."),
    "taken": said("Another step has this name. Choose another."),
}


class Column(msgspec.Struct, frozen=True):
    """One step with whoever stands on it; `count` is of all of them, at most one more than MOST."""

    step: StageSeen
    cards: Sequence[Lead]
    count: int


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def rename(visit: Visit) -> Response:
    """Gives a step the name that this business has for it."""
    wanted, name = visit.text("stage"), visit.text("name")
    async with visit.writing() as scope:
        known = [step.stage_id for step in await stages.listed(scope) if str(step.stage_id) == wanted]
        if not known:
            visit.missing()
        try:
            await stages.rename(scope, known[0], name, actor=visit.actor, now=visit.now)
        except BadSetting as no:
            fault = _FAULTS[no.code]
        else:
            return visit.redirect(visit.url("leads/board"))
    return await _page(visit, known[0], name, fault)


async def _page(visit: Visit, refused_id: int = 0, name: str = "", fault: str = "") -> Response:
    """The board; where a name was refused, that name stands in its field with the fault beside it."""
    async with visit.reading() as scope:
        steps = await stages.listed(scope)
        columns = [
            Column(
                step,
                await leads.search(scope, stage_id=step.stage_id, limit=_CARDS),
                await leads.count(scope, step.stage_id, most=MOST + 1),
            )
            for step in steps
        ]
    return visit.render(
        "board.html",
        422 if fault else 200,
        section="leads",
        columns=columns,
        steps=steps,
        most=MOST,
        refused_id=refused_id,
        name=name,
        fault=visit.gettext(fault) if fault else "",
        most_letters=stages.MOST_LETTERS,
    )
