"""The leads on a board, a column for each step of the pipeline, so that one look says where everybody stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from agentlocator.db.schema import Lead
from agentlocator.domain import leads, stages
from agentlocator.domain.stages import StageSeen
from agentlocator.web.visit import Visit

# Of each step, the latest; whoever is further down is found by searching the list.
_CARDS: Final = 20
# Counted no further: whoever has so many looks at the list.
MOST: Final = 999


class Column(msgspec.Struct, frozen=True):
    """One step with whoever stands on it; `count` is of all of them, at most one more than MOST."""

    step: StageSeen
    cards: Sequence[Lead]
    count: int


async def show(visit: Visit) -> Response:
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
    return visit.render("board.html", section="leads", columns=columns, steps=steps, most=MOST)
