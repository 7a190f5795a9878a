"""The demonstration, furnished: businesses with weeks behind them, calls that can be heard, people who may look.

The calls of the last hour are played in virtual time, so their journals hold real sound. Nothing here serves anything.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from agentlocator.db.engine import Database
from agentlocator.domain import absences, accounts, calls, leads, localtime, services
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER, seed_demo
from agentlocator.rehearsal import weeks
from agentlocator.rehearsal.kept import play_and_keep
from agentlocator.rehearsal.stage import Played
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice

OWNER: Final = "noa@example.com"
OPERATOR: Final = "operator@example.com"
# name, e-mail, number of the business, role
_PEOPLE: Final = (
    ("נועה לוי", OWNER, CLINIC_NUMBER, "owner"),
    ("מאיה רוזן", "maya@example.com", CLINIC_NUMBER, "staff"),
    ("רון שפירא", "ron@example.com", CLINIC_NUMBER, "viewer"),
    ("יוסי נחום", "yossi@example.com", GARAGE_NUMBER, "owner"),
)
_MOST_APART: Final = timedelta(minutes=9)
_LEAST_APART: Final = timedelta(minutes=1)


class Heard(msgspec.Struct, frozen=True):
    """A call of the last hour: which scenario and role, from which phone, and what there is to tell of it.

    `name` is that of somebody the business knew before.
    """

    scenario: str
    from_e164: str
    summary: str
    role: int = 0
    name: str = ""


_LAST_HOUR: Final = (
    Heard("happy-booking", "+972545550117", "נקבע תור, המועד הראשון שהוצע.", name="רותם אברהמי"),
    Heard("asks-for-a-person", "+972525550142", "ביקשו לדבר עם אדם, והשיחה הועברה.", name="עידו ברנר"),
    Heard("two-businesses", "+972505550163", "נקבע תור, המועד הראשון שהוצע.", role=1, name="סאלח חורי"),
    Heard("barge-in", "+972545550188", "ביקשו מועד מוקדם יותר."),
    Heard("demo", "+972501234567", "דנה כהן קבעה תור לשיננית."),
)


async def furnish(folder: Path, voice: Voice, *, seed: int, now: datetime) -> None:
    """Fill an empty folder: the database of a deployment, and its journals."""
    db = await Database.open(f"sqlite:///{folder / 'agentlocator.db'}")
    try:
        await db.migrate()
        ids = await seed_demo(db, now=now - timedelta(weeks=weeks.WEEKS + 1))
        await weeks.fill(db, seed=seed, now=now - _MOST_APART * (len(_LAST_HOUR) + 1))
        for number, (heard, at) in enumerate(zip(_LAST_HOUR, _moments(now), strict=True)):
            await _call(db, heard, voice, folder / "calls", seed=seed * 100 + number, at=at)
        await _goes_away(db, ids[CLINIC_NUMBER], now)
        await _let_in(db, ids, now - timedelta(weeks=weeks.WEEKS))
    finally:
        await db.close()


async def entry_link(db: Database, origin: str, email: str, *, now: datetime) -> str:
    """A link that lets one of the people in once."""
    async with db.operator(writing=True) as operator:
        account = await accounts.find_by_email(operator, email)
        assert account is not None, f"{email} was let in when the house was furnished"
        token = await accounts.login_link(operator, account.id, actor="demo", now=now)
    return f"{origin}/entry/{token}"


def _moments(now: datetime) -> list[datetime]:
    """When the last hour's calls came in: nearer to each other when the day is young, so that they are today's."""
    wall = localtime.to_wall(now, "Asia/Jerusalem")
    since_midnight = now - localtime.closest_instant(wall.replace(hour=0, minute=0, second=0), "Asia/Jerusalem")
    apart = max(_LEAST_APART, min(_MOST_APART, since_midnight / (len(_LAST_HOUR) + 1)))
    return [now - apart * number for number in range(len(_LAST_HOUR), 0, -1)]


async def _call(db: Database, heard: Heard, voice: Voice, journals: Path, *, seed: int, at: datetime) -> Played:
    scenario = SCENARIOS[heard.scenario]
    role = msgspec.structs.replace(scenario.roles[heard.role], from_e164=heard.from_e164)
    played = await play_and_keep(scenario, role, db, voice, journals, seed=seed, at=at)
    async with db.scope(played.business_id) as scope:
        row = await calls.find(scope, played.evidence.call_sid)
        assert row is not None, "the call was kept just now"
        row.summary = heard.summary
        if heard.name and row.lead_id is not None:
            typed = By("person", OWNER)
            await leads.upsert(scope, row.lead_id, Patch(name=heard.name), by=typed, now=at)
    return played


async def _goes_away(db: Database, business_id: int, now: datetime) -> None:
    """One of the staff is away for an afternoon next week."""
    wall = localtime.to_wall(now + timedelta(days=6), "Asia/Jerusalem").replace(minute=0, second=0, microsecond=0)
    starts_at = localtime.closest_instant(wall.replace(hour=14), "Asia/Jerusalem")
    async with db.scope(business_id) as scope:
        staff = await services.resources(scope)
        await absences.add(
            scope,
            staff[-1].id,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=4),
            note="השתלמות",
            actor=OWNER,
            now=now,
        )


async def _let_in(db: Database, ids: dict[str, int], at: datetime) -> None:
    async with db.operator(writing=True) as operator:
        await accounts.add(operator, email=OPERATOR, name="מפעילת המערכת", password_hash=None, now=at, is_operator=True)
    for name, email, number, role in _PEOPLE:
        async with db.operator(writing=True) as operator:
            account = await accounts.add(operator, email=email, name=name, password_hash=None, now=at)
            await accounts.set_role(operator, ids[number], account.id, role, actor="demo", now=at)
