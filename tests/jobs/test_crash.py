"""Killed with -9 between commit and delivery: told exactly once after the restart, or again with the same key."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from agentlocator.db.schema import Outbox
from agentlocator.domain import businesses, outbox
from jobs.receiver import listening
from town import NOW, Town

SERVER = Path(__file__).parent / "crashing_server.py"
KILLED = -9
# Longer than a claim lasts: what was claimed by the dead may be claimed again.
AHEAD_S = 61


async def serve(town: Town, url: str, folder: Path, point: str, ahead_s: int = 0) -> int:
    """Runs the server until it dies or has told everything; answers how it ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SERVER),
        url,
        str(folder),
        point,
        str(ahead_s),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SERVER.parents[1])},
    )
    _, said = await process.communicate()
    assert process.returncode in (0, KILLED), said.decode()
    return process.returncode


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ("claimed", 1),
        ("telling", 1),
        ("answered", 2),
        ("noted", 1),
        ("settled", 1),
    ],
)
async def test_a_kill_at_any_point_loses_nothing_and_repeats_only_with_the_same_key(
    town: Town, migrated_url: str, tmp_path: Path, point: str, told: int
) -> None:
    async with listening() as receiver:
        async with town.db.scope(town.clinic) as scope:
            policy = {"background": {"webhook_url": receiver.url()}}
            await businesses.change(scope, actor="dana", now=NOW, policy=policy)
            await outbox.put(scope, kind="appointment.booked", key="a", payload={"x": 1}, now=datetime.now(UTC))

        assert await serve(town, migrated_url, tmp_path, point) == KILLED
        assert await serve(town, migrated_url, tmp_path, "never", AHEAD_S) == 0

        # Only between the receiver's answer and its note can a crash repeat a telling, and the key says so.
        assert receiver.keys == {f"{town.clinic}.a": told}
    async with town.db.reading(town.clinic) as scope:
        row = await scope.first(select(Outbox))
    assert row.done_at is not None
    assert row.failed_at is None
