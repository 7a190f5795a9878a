"""The whole server on real sockets, with both peers simulated around it: an audience of one process.

The server is the product's own, wired by `app`; it is reached through its webhook and its media WebSocket as the
carrier would reach it, and it reaches the model's server over a WebSocket of its own.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from agentlocator import config
from agentlocator.app import Deployment
from agentlocator.assistant.registry import Registry, ToolContext, ToolReply
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain import businesses
from agentlocator.domain.seed import seed_demo
from agentlocator.rehearsal import evidence, meanwhile
from agentlocator.rehearsal.evidence import Evidence, Observer
from agentlocator.rehearsal.wired_number import carrier_of
from agentlocator.server import Server
from agentlocator.simulator.network import Link
from agentlocator.simulator.person import Person
from agentlocator.simulator.play import Role, Scenario
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.realtime_socket import serving
from agentlocator.simulator.speech import Voice
from agentlocator.voice.session import CallSession

if TYPE_CHECKING:
    from agents import Model

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "simulated-auth-token"  # noqa: S105 - both peers are in this process
MODEL_KEY = "sk-simulated"
# Twilio gives a webhook about 15 s before it turns to the fallback.
CARRIER_PATIENCE_S = 15.0

_WRITTEN = ("whatsapp_access_token", "whatsapp_app_secret", "whatsapp_verify_token", "bridge_url", "bridge_secret")

Watch = Callable[[str, int, on.Event, list[do.Command]], None]
"""Sees every event of every call, with the name of its business."""


class Theatre:
    """A running server with seeded businesses, and the voices of those who call it. `served` ends with it."""

    def __init__(
        self,
        deployment: Deployment,
        hub: RealtimeHub | None,
        origin: str,
        voice: Voice,
        served: asyncio.Task[None],
    ) -> None:
        self.deployment = deployment
        self.hub = hub
        self.origin = origin
        self.served = served
        self._voice = voice

    async def perform(
        self,
        scenario: Scenario,
        *,
        seed: int = 1,
        network_ms: int = 0,
        jitter_ms: int = 0,
        watch: Watch | None = None,
    ) -> list[Evidence]:
        """Plays a scenario's roles at once; one evidence each, in their order."""
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(self._play(scenario, role, seed + number, network_ms, jitter_ms, watch))
                for number, role in enumerate(scenario.roles)
            ]
        return [call.result() for call in calls]

    async def _play(
        self, scenario: Scenario, role: Role, seed: int, network_ms: int, jitter_ms: int, watch: Watch | None
    ) -> Evidence:
        rng = random.Random(f"theatre/{seed}")  # noqa: S311 - seeded on purpose, guards nothing
        person = Person(role.lines, self._voice, rng)
        observer = Observer()
        deployment = self.deployment
        async with deployment.db.operator() as operator:
            business_id = await businesses.find_by_number(operator, role.business)
        assert business_id is not None, f"no business has the number {role.business}"
        async with deployment.db.reading(business_id) as scope:
            profile = await businesses.show(scope)

        events = _Meanwhile(scenario.meanwhile, deployment.db, business_id)
        sessions: list[CallSession] = []

        def attend(session: CallSession, of_business: int) -> None:
            if of_business != business_id or sessions:
                return
            sessions.append(session)
            session.watchers.append(observer)
            session.watchers.append(events)
            if watch is not None:
                session.watchers.append(partial(watch, profile.name))

        deployment.switchboard.on_call.append(attend)
        before = len(self.hub.servers) if self.hub else 0
        try:
            async with httpx2.AsyncClient(timeout=CARRIER_PATIENCE_S) as http:
                seed = rng.getrandbits(32)
                shell = carrier_of(ACCOUNT_SID, AUTH_TOKEN, http=http, public_origin=self.origin, seed=seed)
                report = await shell.place_call(
                    from_e164=role.from_e164,
                    to_e164=role.business,
                    watch=person.tick,
                    uplink=Link(network_ms, jitter_ms, rng),
                    downlink=Link(network_ms, jitter_ms, rng),
                    faults=scenario.carrier_faults,
                )
        finally:
            deployment.switchboard.on_call.remove(attend)
        for session in sessions:
            await session.written.wait()
        await events.settled()
        carrier = report.carriers[-1] if report.carriers else None
        servers = self.hub.servers[before:] if self.hub else []
        mine = [server for server in servers if profile.name in str(server.session.get("instructions", ""))]
        gathered = evidence.gather(scenario.name, profile.name, observer, carrier, person, mine or servers)
        gathered.complaints += report.notes
        gathered.refused_messages = sum(s.carrier.refused_messages for s in sessions if s.carrier is not None)
        await evidence.add_rows(gathered, deployment.db, profile)
        folder = deployment.settings.data_dir
        gathered.journal = str(folder / "calls" / str(business_id) / f"{report.call.call_sid}.jsonl")
        if carrier is not None:
            evidence.record(gathered, folder / "recordings" / f"{report.call.call_sid}.wav", observer, carrier)
        return gathered


@asynccontextmanager
async def opened(
    data_dir: Path,
    scenario: Scenario,
    *,
    voice: Voice | None = None,
    seed: int = 1,
    real_model: Settings | None = None,
    port: int = 0,
    text_model: Model | None = None,
    **given: object,
) -> AsyncIterator[Theatre]:
    """A server for a scenario on a free loopback port, its data in `data_dir`; `given` settings win over the usual.

    With `real_model`, the model is OpenAI's (or whatever those settings name); the carrier is always simulated.
    `text_model` answers in writing, if `given` has a transport for it.
    """
    voice = voice or Voice(data_dir / "voices")
    hub = None
    if not real_model:
        hub = RealtimeHub(scenario.brain, voice, seed=seed, faults=scenario.model_faults, unworded=scenario.unworded)
    listener = _listener(port)
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with _model_url(hub, real_model) as model_url:
        # What is given here wins over the environment: a rehearsal never touches the user's own data or account.
        usual = {
            "openai_api_key": real_model.openai_api_key if real_model else MODEL_KEY,
            "openai_realtime_url": model_url,
            "openai_realtime_model": real_model.openai_realtime_model if real_model else "gpt-realtime-2.1",
            "twilio_account_sid": ACCOUNT_SID,
            "twilio_auth_token": AUTH_TOKEN,
            "public_url": origin,
            "data_dir": data_dir,
            "database_url": f"sqlite:///{data_dir / 'agentlocator.db'}",
            **dict.fromkeys(_WRITTEN),
            "whatsapp_over_twilio": False,
        }
        settings = config.load(None, **(usual | given))
        db = await Database.open(settings.database())
        deployment = Deployment(settings, db, text_model=text_model)
        if scenario.tool_ms:
            deployment.switchboard.registry = _SlowRegistry(scenario.tool_ms)
        async with _serving(deployment, listener) as served:
            await seed_demo(db)
            yield Theatre(deployment, hub, origin, voice, served)


@asynccontextmanager
async def _model_url(hub: RealtimeHub | None, real_model: Settings | None) -> AsyncIterator[str]:
    if hub is None:
        assert real_model is not None, "without a simulated model there is a real one"
        yield real_model.openai_realtime_url
        return
    async with serving(hub) as url:
        yield url


@asynccontextmanager
async def _serving(deployment: Deployment, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    server = Server(deployment, "127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    try:
        starting = asyncio.create_task(server.ready.wait(), name="server start")
        await asyncio.wait((starting, running), return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if running.done():
            await running  # it could not start, and says why
        yield running
    finally:
        server.should_exit = True
        await running


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


class _SlowRegistry(Registry):
    """Tools that take their time, as a busy database would."""

    def __init__(self, takes_ms: int) -> None:
        super().__init__()
        self._takes_ms = takes_ms

    async def invoke(self, context: ToolContext, name: str, arguments_json: str, key: str) -> ToolReply:
        await asyncio.sleep(self._takes_ms / 1000)
        return await super().invoke(context, name, arguments_json, key)


class _Meanwhile:
    """Lets happen, during the call, what the scenario says happens to the business."""

    def __init__(self, name: str, db: Database, business_id: int) -> None:
        self._name = name
        self._db = db
        self._business_id = business_id
        self._tasks: list[asyncio.Task[None]] = []

    def __call__(self, _at_ms: int, event: on.Event, _commands: list[do.Command]) -> None:
        if self._name == "first_slot_taken" and isinstance(event, on.ToolFinished) and not self._tasks:
            work = meanwhile.take_first_slot(self._db, self._business_id, event.output, datetime.now(UTC))
            self._tasks.append(asyncio.create_task(work, name="meanwhile"))

    async def settled(self) -> None:
        await asyncio.gather(*self._tasks)
