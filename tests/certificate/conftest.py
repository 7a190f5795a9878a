"""One good certification call for all tests that look at one, and a way to hold another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agentlocator.certificate import place as places
from agentlocator.certificate.certification import Certified, certify
from agentlocator.db.engine import Database
from agentlocator.domain import businesses
from agentlocator.domain.seed import CLINIC_NUMBER
from certificate.saboteurs import PATIENT


async def clinic_of(db: Database) -> int:
    async with db.operator() as operator:
        found = await businesses.find_by_number(operator, CLINIC_NUMBER)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """The certification of a deployment as it should be."""
    return asyncio.run(_good(tmp_path_factory.mktemp("good")))


async def _good(folder: Path) -> Certified:
    async with places.own(folder) as (place, _):
        return await certify(place, await clinic_of(place.db), key="good", limits=PATIENT)
