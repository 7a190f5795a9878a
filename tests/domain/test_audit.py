"""What was changed is written down, and only what was changed."""

from __future__ import annotations

from agentlocator.domain import audit
from town import NOW, Town


async def test_only_real_changes_are_written(town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        changes = {"voice": ("shimmer", "marin"), "name": ("א", "א"), "closed_at": (None, NOW), "limit": (3, None)}
        audit.record(scope, actor="person:noa", entity="test", entity_id=7, changes=changes, at=NOW, call_sid="CA1")
        await scope.flush()
        lines = await audit.history(scope, "test", 7)
    assert [(line.field, line.old, line.new) for line in lines] == [
        ("voice", "shimmer", "marin"),
        ("closed_at", None, "2026-11-21T17:00:00+00:00"),
        ("limit", "3", None),
    ]
    assert {(line.actor, line.call_sid, line.at) for line in lines} == {("person:noa", "CA1", NOW)}
