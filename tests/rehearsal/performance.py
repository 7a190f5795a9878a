"""A scenario that was played in virtual time, as its tests look at it: every event, every command, every row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import select

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Lead, Turn
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses
from agentlocator.rehearsal import stage
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.scenarios import CLINIC
from agentlocator.simulator.speech import Voice

R = TypeVar("R", Lead, Appointment, Call, Turn)


class Seen(msgspec.Struct, frozen=True):
    """One event of a call and what the core did about it."""

    business: str
    at_ms: int
    event: on.Event
    commands: list[do.Command]


class Rows(msgspec.Struct, frozen=True):
    """What a business's part of the database holds after the performance."""

    leads: list[Lead]
    appointments: list[Appointment]
    calls: list[Call]
    turns: list[Turn]


class Performance:
    """A scenario that was played in virtual time, and everything it left."""

    def __init__(self, scenario: Scenario, folder: Path, voice: Voice) -> None:
        self.scenario = scenario
        self.folder = folder
        self.seen: list[Seen] = []
        self.calls: list[Evidence] = asyncio.run(stage.perform(scenario, folder, watch=self._watch, voice=voice))

    @property
    def call(self) -> Evidence:
        """The first caller's call."""
        return self.calls[0]

    def said(self, speaker: str) -> list[str]:
        """What one side said in the first call, turn by turn."""
        return [turn.text for turn in self.call.turns if turn.speaker == speaker]

    def commands(self, *kinds: type[do.Command]) -> list[do.Command]:
        return [command for seen in self.seen for command in seen.commands if isinstance(command, kinds)]

    def rows(self, number: str = CLINIC) -> Rows:
        """The rows of the business that answers this number."""
        return asyncio.run(_rows(self.folder, number))

    def _watch(self, business: str, at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
        self.seen.append(Seen(business, at_ms, event, commands))


Perform = Callable[[str], Performance]
"""Gives a scenario's performance by its name."""


async def _rows(folder: Path, number: str) -> Rows:
    db = await Database.open(f"sqlite:///{folder / 'agentlocator.db'}")
    try:
        async with db.operator() as operator:
            business_id = await businesses.find_by_number(operator, number)
        assert business_id is not None, f"no business has the number {number}"
        async with db.reading(business_id) as scope:
            return Rows(
                leads=await _all(scope, Lead),
                appointments=await _all(scope, Appointment),
                calls=await _all(scope, Call),
                turns=await _all(scope, Turn),
            )
    finally:
        await db.close()


async def _all(scope: Scope, table: type[R]) -> list[R]:
    return list(await scope.all(select(table)))
