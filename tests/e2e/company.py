"""Several scenarios at once, each in a theatre of its own, over real sockets and in real time; and what was logged."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from agentlocator import telemetry
from agentlocator.assistant import instructions
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.db.schema import Appointment, Call, Turn
from agentlocator.domain import businesses
from agentlocator.rehearsal import theatre
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice

NETWORK_MS = 20
JITTER_MS = 10


class Played(msgspec.Struct, frozen=True):
    """One caller's call: the evidence, its business's rows, and the prompt that its business stands for."""

    evidence: Evidence
    call: Call
    turns: list[Turn]
    appointments: int
    prompt_due: str
    events: list[tuple[int, on.Event, list[do.Command]]]


class Season(msgspec.Struct, frozen=True):
    """All that was played: the calls by scenario, how many model connections each scenario's hub saw, and the log."""

    calls: dict[str, list[Played]]
    connections: dict[str, int]
    log: list[dict[str, Any]]

    def logged(self, call_sid: str) -> list[str]:
        """The log's lines about one call."""
        return [str(record["event"]) for record in self.log if record.get("call_id") == call_sid]


def play(scenarios: Iterable[Scenario], folder: Path, voice: Voice) -> Season:
    """Plays all scenarios at the same time; takes as long as the longest."""
    stream = io.StringIO()
    log = telemetry.configure(stream=stream)
    try:
        calls, connections = asyncio.run(_play(list(scenarios), folder, voice))
    finally:
        log.close()
    records = [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    return Season(calls, connections, records)


async def _play(
    scenarios: list[Scenario], folder: Path, voice: Voice
) -> tuple[dict[str, list[Played]], dict[str, int]]:
    async with AsyncExitStack() as stack:
        houses: list[theatre.Theatre] = []
        for scenario in scenarios:
            (folder / scenario.name).mkdir()
            opening = theatre.opened(folder / scenario.name, scenario, voice=voice)
            houses.append(await stack.enter_async_context(opening))
        played = await asyncio.gather(
            *(
                _perform(house, scenario, seed)
                for seed, (house, scenario) in enumerate(zip(houses, scenarios, strict=True))
            )
        )
        connections = [house.hub.connections if house.hub else 0 for house in houses]
    names = [scenario.name for scenario in scenarios]
    return dict(zip(names, played, strict=True)), dict(zip(names, connections, strict=True))


async def _perform(house: theatre.Theatre, scenario: Scenario, number: int) -> list[Played]:
    events: dict[str, list[tuple[int, on.Event, list[do.Command]]]] = {}

    def watch(business: str, at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
        events.setdefault(business, []).append((at_ms, event, commands))

    # The carrier names its calls by the seed: two houses must not have the same names.
    all_evidence = await house.perform(
        scenario, seed=1 + 10 * number, network_ms=NETWORK_MS, jitter_ms=JITTER_MS, watch=watch
    )
    return [
        await _with_rows(house, role.business, evidence, events[evidence.business])
        for role, evidence in zip(scenario.roles, all_evidence, strict=True)
    ]


async def _with_rows(
    house: theatre.Theatre, number: str, evidence: Evidence, events: list[tuple[int, on.Event, list[do.Command]]]
) -> Played:
    db = house.deployment.db
    async with db.operator() as operator:
        business_id = await businesses.find_by_number(operator, number)
    assert business_id is not None, f"no business has the number {number}"
    async with db.reading(business_id) as scope:
        call = await scope.first(select(Call).where(Call.call_sid == evidence.call_sid))
        turns = await scope.all(select(Turn).where(Turn.call_id == call.id).order_by(Turn.at, Turn.id))
        appointments = len(await scope.all(select(Appointment)))
        profile = await businesses.show(scope)
    prompt_due = instructions.build(profile, "call", call.started_at)
    return Played(evidence, call, list(turns), appointments, prompt_due, events)
