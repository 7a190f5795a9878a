"""What the tests of the carrier's doors share."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentlocator.simulator.speech import Voice
from voice import house as houses
from voice.house import House


@pytest.fixture
async def house(tmp_path: Path, voice: Voice, sqlite_template: Path) -> AsyncIterator[House]:
    shutil.copy(sqlite_template, tmp_path / "agentlocator.db")
    async with houses.opened(tmp_path, voice) as opened:
        yield opened
