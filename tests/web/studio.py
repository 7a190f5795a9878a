"""The whole server with calls on it, and the office's people in front of its dashboard.

Both peers of a call are simulated: the model by the simulator, the carrier by the stranger of the voice tests.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from agentlocator.domain import accounts, businesses, prompts
from agentlocator.domain.businesses import NewBusiness
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.vault import Vault
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from agentlocator.web import House
from town import Town
from voice import house as houses
from voice.house import NOBODY
from voice.stranger import DANA, GARAGE, greeted
from web.office import Hands, Office, let_in, people_of

ASKS = "אני רוצה לקבוע תור לבדיקה"
PATIENCE_S = 15.0


class Wall(Hands):
    """A clock that shows the real time: what runs here runs in it."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


class Studio:
    """`office` is who may look, `house` what runs."""

    def __init__(self, house: houses.House, office: Office, voice: Voice) -> None:
        self.house = house
        self.office = office
        self.voice = voice

    @property
    def clinic(self) -> str:
        """The address of the clinic's pages."""
        return f"{self.office.house.public_url}/b/{self.office.town.clinic}"

    @asynccontextmanager
    async def call(self, call_sid: str, *, says: str = "", from_: str = DANA) -> AsyncIterator[None]:
        """Somebody is on the line with the clinic: he is greeted, and says one thing."""
        over = asyncio.Event()
        speech = self.voice.say(says, "caller").audio if says else b""
        stranger = self.house.stranger
        async with stranger.line(await stranger.ticket(call_sid, from_=from_), call_sid) as line:
            await line.converse(greeted)
            await line.converse(lambda _: "assistant" in self.spoken(call_sid))
            talking = asyncio.create_task(line.converse(lambda _: over.is_set(), speech), name=f"caller of {call_sid}")
            try:
                yield
            finally:
                over.set()
                await talking

    def spoken(self, call_sid: str) -> list[str]:
        """Who has spoken so far, turn by turn."""
        return [turn.speaker for turn in self.house.session(call_sid).call.transcript.turns]

    async def browser_of(self, name: str) -> httpx2.AsyncClient:
        """A browser in which somebody is logged in."""
        async with self.office.house.db.operator(writing=True) as operator:
            token = await accounts.open_session(
                operator, self.office.people[name].id, browser="test", now=datetime.now(UTC)
            )
        browser = self.browser()
        browser.cookies.set("agentlocator", token, domain="127.0.0.1")
        return browser

    def browser(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self.office.house.public_url,
            headers={"Sec-Fetch-Site": "same-origin"},
            timeout=PATIENCE_S,
        )


@asynccontextmanager
async def opened(folder: Path, voice: Voice, template: Path, scenario: Scenario = NOBODY) -> AsyncIterator[Studio]:
    """The server with the demonstration's businesses, Charlie's, and everybody's accounts."""
    shutil.copy(template, folder / "agentlocator.db")
    async with houses.opened(folder, voice, scenario) as house:
        db = house.deployment.db
        async with db.operator(writing=True) as operator:
            charlie = await businesses.add(
                operator,
                NewBusiness(name="צ׳רלי", kind="מספרה", numbers=("+97235550303",), greeting="שלום, כאן צ׳רלי."),
                now=datetime.now(UTC),
            )
        async with db.scope(await house.business_id()) as scope:
            # One word, so that a test is a short call.
            await prompts.draft(
                scope, greeting="שלום.", custom_prompt="", actor="owner@example.com", now=datetime.now(UTC)
            )
            await prompts.publish(scope, actor="test", now=datetime.now(UTC))
        town = Town(db, await house.business_id(), await house.business_id(GARAGE), charlie)
        passwords = Passwords()
        front = House(
            db=db,
            public_url=house.stranger.origin,
            passwords=passwords,
            vault=Vault("the studio's own key"),
            journal_of=lambda business_id, call_sid: folder / str(business_id) / f"{call_sid}.jsonl",
        )
        await let_in(town, front.vault, passwords)
        office = Office(town, house.deployment.app, front, Wall(), 0, 0, people=await people_of(db))
        yield Studio(house, office, voice)
        passwords.close()


async def eventually(true: Callable[[], bool]) -> None:
    """Waits until something has become true."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + PATIENCE_S
    while not true():
        assert loop.time() < give_up_s, "it never became true"
        await asyncio.sleep(0.02)
