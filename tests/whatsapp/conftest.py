"""The town's correspondence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from town import Town
from whatsapp.people import Correspondence


@pytest.fixture
async def letters(town: Town) -> AsyncIterator[Correspondence]:
    correspondence = await Correspondence(town).opens()
    yield correspondence
    await correspondence.http.aclose()
