"""The steps of a business's pipeline, and how a lead moves along them.

The code moves a lead only forward and only among open steps; where a person put a lead, no booking moves it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from agentlocator.db.schema import Lead, Stage
from agentlocator.db.scope import Scope
from agentlocator.domain import audit
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean

# A column of the board is no wider.
MOST_LETTERS = 40

# key, name, kind: what a new business starts with, in order.
DEFAULT_STAGES = (
    ("new", "חדש", "open"),
    ("in_progress", "בטיפול", "open"),
    ("booked", "נקבע תור", "open"),
    ("won", "לקוח", "won"),
    ("lost", "לא רלוונטי", "lost"),
)


class StageSeen(msgspec.Struct, frozen=True):
    """One step as shown to a person."""

    stage_id: int
    key: str | None
    name: str
    position: int
    kind: str


def furnish(scope: Scope) -> None:
    """Give a new business its steps."""
    for position, (key, name, kind) in enumerate(DEFAULT_STAGES):
        scope.add(Stage(key=key, name=name, position=position, kind=kind))


async def listed(scope: Scope) -> list[StageSeen]:
    rows: Sequence[Stage] = await scope.all(select(Stage).order_by(Stage.position))
    return [StageSeen(row.id, row.key, row.name, row.position, row.kind) for row in rows]


async def first_id(scope: Scope) -> int:
    """Where a new lead begins."""
    return int(await scope.first(select(Stage.id).order_by(Stage.position)))


async def rename(scope: Scope, stage_id: int, name: str, *, actor: str, now: datetime) -> bool:
    """Call a step what its owner calls it; leads stay where they are. False for an unknown one. Raises BadSetting."""
    stage = await scope.get(Stage, stage_id)
    if stage is None:
        return False
    wanted = clean(name)[:MOST_LETTERS]
    if not wanted:
        raise BadSetting("name", "empty")
    if await scope.first(select(Stage.id).where(Stage.name == wanted)) not in (None, stage_id):
        raise BadSetting("name", "taken")
    changes = {"name": (stage.name, wanted)}
    audit.record(scope, actor=actor, entity="stage", entity_id=stage_id, changes=changes, at=now)
    stage.name = wanted
    await scope.flush()
    return True


async def move(
    scope: Scope, lead_id: int, stage_id: int, *, actor: str, now: datetime, lost_reason: str | None = None
) -> bool:
    """A person puts a lead on a step, forward or back. False when either does not exist."""
    lead, stage = await scope.get(Lead, lead_id), await scope.get(Stage, stage_id)
    if lead is None or stage is None:
        return False
    _put(scope, lead, stage, actor=actor, now=now)
    lead.lost_reason = lost_reason if stage.kind == "lost" else None
    return True


async def advance(scope: Scope, lead: Lead, key: str, *, actor: str, now: datetime) -> None:
    """Move a lead forward to the step with this key; never backward, never out of won or lost."""
    target: Stage | None = await scope.first(select(Stage).where(Stage.key == key))
    current = await scope.get(Stage, lead.stage_id)
    assert current is not None, "a lead always stands on a step"
    if target is None or current.kind != "open" or current.position >= target.position:
        return
    _put(scope, lead, target, actor=actor, now=now)


def _put(scope: Scope, lead: Lead, stage: Stage, *, actor: str, now: datetime) -> None:
    if lead.stage_id == stage.id:
        return
    changes = {"stage_id": (lead.stage_id, stage.id)}
    audit.record(scope, actor=actor, entity="lead", entity_id=lead.id, changes=changes, at=now)
    lead.stage_id = stage.id
    lead.stage_changed_at = now
