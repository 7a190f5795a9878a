"""Where a certification takes place: a deployment that serves already, or one that is started for it.

Never decides what is tried; it says how the server is reached, and where it keeps what is looked at afterwards.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from agentlocator import telemetry
from agentlocator.certificate import script
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, leads
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER
from agentlocator.rehearsal import theatre
from agentlocator.simulator.play import Role, Scenario
from agentlocator.simulator.realtime_faults import Fault
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.speech import Voice

DECOY = "יעל פלדמן-ארז"
DECOY_PHONE = "+972587766554"


class Place(msgspec.Struct, frozen=True):
    """A server to certify. `url` is where it is reached from here; `hub` is the simulated model, if it is one."""

    settings: Settings
    db: Database
    url: str
    voice: Voice
    hub: RealtimeHub | None = None

    @property
    def real_model(self) -> bool:
        return self.hub is None

    @property
    def journals(self) -> Path:
        return self.settings.data_dir / "calls"


@asynccontextmanager
async def own(
    folder: Path,
    *,
    voice: Voice | None = None,
    model_faults: tuple[Fault, ...] = (),
    given: Mapping[str, object] | None = None,
) -> AsyncIterator[tuple[Place, theatre.Theatre]]:
    """The demo's businesses on a server of our own, against the simulator, its data in `folder`."""
    scenario = Scenario(
        "certification",
        "A caller tries everything",
        (Role(CLINIC_NUMBER, script.CALLER, ()),),
        brain=script.brain,
        model_faults=model_faults,
    )
    voice = voice or Voice(folder / "voices")
    log = telemetry.configure(level="info", stream=io.StringIO(), milestones=folder / "calls.log")
    try:
        async with theatre.opened(folder, scenario, voice=voice, **dict[str, Any](given or {})) as house:
            deployment = house.deployment
            await _plant_a_stranger(deployment.db)
            yield Place(deployment.settings, deployment.db, house.origin, voice, house.hub), house
    finally:
        log.close()


@asynccontextmanager
async def deployed(settings: Settings, url: str | None = None) -> AsyncIterator[Place]:
    """The configured deployment, which serves already."""
    db = await Database.open(settings.database())
    try:
        there = (url or f"http://{settings.host}:{settings.port}").rstrip("/")
        yield Place(settings, db, there, Voice(settings.data_dir / "voices"))
    finally:
        await db.close()


async def _plant_a_stranger(db: Database) -> None:
    """Somebody of the other business, whose name must turn up nowhere."""
    async with db.operator() as operator:
        garage = await businesses.find_by_number(operator, GARAGE_NUMBER)
    assert garage is not None, "the demo has a garage"
    now = datetime.now(UTC)
    async with db.scope(garage) as scope:
        lead = await leads.find_or_create(scope, phone_raw=DECOY_PHONE, source="call", now=now)
        assert lead is not None, "the number identifies a person"
        lead.name = DECOY
