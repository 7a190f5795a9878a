"""A running server with the clinic and the garage in it, a simulated model behind it, and a stranger in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from sqlalchemy import select

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.db.schema import Appointment, Call, Lead, Turn
from agentlocator.domain import businesses
from agentlocator.rehearsal import theatre
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.speech import Voice
from agentlocator.voice.session import CallSession
from voice.stranger import CLINIC, Stranger

R = TypeVar("R", Appointment, Call, Lead, Turn)

NOBODY = Scenario("nobody", "Nobody acts: the test itself is the carrier", ())


class House:
    """`sessions` are all calls that were ever taken, `events` everything that happened in them."""

    def __init__(self, running: theatre.Theatre, http: httpx2.AsyncClient) -> None:
        self.stranger = Stranger(http, running.origin, theatre.AUTH_TOKEN)
        self.deployment = running.deployment
        self.sessions: list[CallSession] = []
        self.events: list[on.Event] = []
        self.commands: list[do.Command] = []
        assert running.hub is not None, "the model is simulated"
        self.hub: RealtimeHub = running.hub
        running.deployment.switchboard.on_call.append(self._attend)

    @property
    def connections(self) -> int:
        """How many connections to the model were attempted."""
        return self.hub.connections

    def session(self, call_sid: str) -> CallSession:
        return next(session for session in self.sessions if session.brief.call_sid == call_sid)

    async def business_id(self, number: str = CLINIC) -> int:
        async with self.deployment.db.operator() as operator:
            business_id = await businesses.find_by_number(operator, number)
        assert business_id is not None, f"no business has the number {number}"
        return business_id

    async def rows(self, table: type[R], number: str = CLINIC) -> list[R]:
        """A business's rows."""
        async with self.deployment.db.reading(await self.business_id(number)) as scope:
            return list(await scope.all(select(table)))

    async def written(self, call_sid: str) -> Call:
        """The call's row, once everything of the call is written."""
        await self.session(call_sid).written.wait()
        return next(call for call in await self.rows(Call) if call.call_sid == call_sid)

    async def change(self, number: str = CLINIC, **settings: Any) -> None:
        """Changes a business as its owner would."""
        async with self.deployment.db.scope(await self.business_id(number)) as scope:
            await businesses.change(scope, actor="owner", now=datetime.now(UTC), **settings)

    def _attend(self, session: CallSession, _business_id: int) -> None:
        self.sessions.append(session)
        session.watchers.append(self._see)

    def _see(self, _at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
        self.events.append(event)
        self.commands.extend(commands)


@asynccontextmanager
async def opened(folder: Path, voice: Voice, scenario: Scenario = NOBODY) -> AsyncIterator[House]:
    async with (
        theatre.opened(folder, scenario, voice=voice) as running,
        httpx2.AsyncClient(timeout=theatre.CARRIER_PATIENCE_S) as http,
    ):
        yield House(running, http)
