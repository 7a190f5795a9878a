"""The dashboard, opened on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from town import Town
from web.office import Office, furnish


@pytest.fixture
async def office(town: Town, tmp_path: Path) -> AsyncIterator[Office]:
    opened = await furnish(town, tmp_path)
    yield opened
    opened.house.passwords.close()
