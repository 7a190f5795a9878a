"""Three businesses and the people who call them, for tests of the business ground.

The clinic and the garage are the demonstration's own; Charlie is a third business that must never see anything of
theirs. The clock stands on Saturday, 2026-11-21, 19:00 in Jerusalem, unless a test moves it.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from agentlocator.assistant.registry import Registry
from agentlocator.assistant.tool import ToolContext, ToolReply
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, calls, leads, schedules
from agentlocator.domain.businesses import NewBusiness
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER, seed_demo

NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
DANA = "+972541234567"
MOSHE = "+972521112233"
CHARLIE_NUMBER = "+97235550303"


class Town(msgspec.Struct, frozen=True):
    """A database with the clinic, the garage and Charlie in it."""

    db: Database
    clinic: int
    garage: int
    charlie: int


class Caller(msgspec.Struct):
    """Somebody on the line with a business's assistant."""

    town: Town
    business_id: int
    lead_id: int
    call_sid: str
    now: datetime = NOW
    calls_made: int = 0

    async def asks(self, tool: str, key: str | None = None, **arguments: object) -> ToolReply:
        """The assistant calls a tool for this caller."""
        return await self.asks_raw(tool, msgspec.json.encode(arguments).decode(), key)

    async def asks_raw(self, tool: str, arguments_json: str, key: str | None = None) -> ToolReply:
        self.calls_made += 1
        context = ToolContext(self.town.db, self.business_id, self.lead_id, self.call_sid, None, "call", self.now)
        return await Registry().invoke(context, tool, arguments_json, key or f"{self.call_sid}:{self.calls_made}")


async def settle(db: Database) -> None:
    """The three businesses move into an empty database."""
    await seed_demo(db, now=NOW)
    async with db.operator(writing=True) as operator:
        charlie = await businesses.add(
            operator,
            NewBusiness(name="צ׳רלי", kind="מספרה", numbers=(CHARLIE_NUMBER,), greeting="שלום, כאן צ׳רלי."),
            now=NOW,
        )
    async with db.scope(charlie) as scope:
        await schedules.set_week(scope, {day: [(540, 1020)] for day in range(6)}, actor="test", now=NOW)


@pytest.fixture
async def town(db: Database) -> Town:
    """`databases.migrated_url` sees that the town is asked for, and gives a database in which it has settled."""
    return await town_of(db)


async def town_of(db: Database) -> Town:
    """The town that has settled in a database."""
    ids: list[int] = []
    async with db.operator() as operator:
        for number in (CLINIC_NUMBER, GARAGE_NUMBER, CHARLIE_NUMBER):
            business_id = await businesses.find_by_number(operator, number)
            assert business_id is not None, number
            ids.append(business_id)
    return Town(db, *ids)


async def ring(
    town: Town, business_id: int, from_raw: str = DANA, call_sid: str = "CA1", now: datetime = NOW
) -> Caller:
    """A call comes in: the call and its lead exist."""
    async with town.db.scope(business_id) as scope:
        await calls.open_call(scope, call_sid=call_sid, from_raw=from_raw, to_e164="+97235550101", now=now)
        lead = await leads.find_or_create_for_call(scope, from_raw=from_raw, call_sid=call_sid, now=now)
        return Caller(town, business_id, lead.id, call_sid, now)
