"""A dashboard to look at: the town's businesses with people who may see them, and calls that were made.

The owner, the viewer and Charlie are of different businesses or roles; the operator sees all; nobody is logged out.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
from sqlalchemy import select
from starlette.applications import Starlette

from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallPolicy
from agentlocator.db.accounts import Account
from agentlocator.db.engine import Database
from agentlocator.db.schema import Certificate, Conversation
from agentlocator.db.scope import Scope
from agentlocator.domain import accounts, appointments, calls, leads, readiness, second_factor, services
from agentlocator.domain.appointments import Booking
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.seed import CLINIC_NUMBER
from agentlocator.domain.vault import Vault
from agentlocator.voice import preparation
from agentlocator.web import House, routes
from agentlocator.whatsapp import lines, outgoing, thread
from agentlocator.whatsapp.messages import Inbound
from provision.peers import Peers
from town import DANA, MOSHE, NOW, Town, ring, town_of

PASSWORD = "correct horse battery"
FREE_NUMBER = "+97235550404"
SEATS = {"owner": "owner", "staff": "staff", "viewer": "viewer", "charlie": "owner", "operator": None}
VAULT = Vault("the office's own key")
ORIGIN = "http://dashboard.test"
HOSTILE = "<script>alert(1)</script>\u202e\u2066😀\"'><img src=x onerror=alert(2)> {{ 7*7 }} "


class Hands:
    """The clock on the office's wall."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **stretch: float) -> None:
        self.now += timedelta(**stretch)


async def csrf(browser: httpx2.AsyncClient) -> str:
    """The token that this browser's own first page holds."""
    page = await browser.get("/", follow_redirects=True)
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found is not None, page.url
    return found[1]


class Office(msgspec.Struct):
    """The dashboard's application, its clock, and the ids of what is in the clinic."""

    town: Town
    app: Starlette
    house: House
    hands: Hands
    lead_id: int
    conversation_id: int
    appointment_id: int = 0
    service_id: int = 0
    resource_id: int = 0
    people: dict[str, Account] = {}
    peers: Peers = msgspec.field(default_factory=Peers)
    certificate_id: int = 0

    def browser(self) -> httpx2.AsyncClient:
        """A browser that nobody is logged in with."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app), base_url=ORIGIN, headers={"Sec-Fetch-Site": "same-origin"}
        )

    async def browser_of(self, name: str) -> httpx2.AsyncClient:
        """A browser in which somebody is logged in."""
        async with self.house.db.operator(writing=True) as operator:
            token = await accounts.open_session(operator, self.people[name].id, browser="test", now=self.hands.now)
        browser = self.browser()
        browser.cookies.set("agentlocator", token, domain="dashboard.test")
        return browser


async def live_a_day(db: Database) -> None:
    """Let the town's clinic have its day, and everybody in; the rows that `furnish` finds."""
    town = await town_of(db)
    await _have_a_day(town)
    await _certify(town)
    passwords = Passwords()
    await let_in(town, VAULT, passwords)
    passwords.close()


async def furnish(town: Town, folder: Path, public_url: str = ORIGIN) -> Office:
    """Open the dashboard on a town whose clinic has had a day."""
    hands = Hands()
    peers = Peers()
    peers.twilio.add(CLINIC_NUMBER)
    peers.twilio.add(FREE_NUMBER)
    house = House(
        db=town.db,
        public_url=public_url,
        passwords=Passwords(),
        vault=VAULT,
        journal_of=lambda business_id, call_sid: folder / str(business_id) / f"{call_sid}.jsonl",
        now=hands,
        write_as_person=outgoing.write_as_person,
        session_of=lambda profile, now: preparation.session(
            profile,
            preparation.policy_of(profile, CallPolicy(), neural_ear=True),
            Registry(),
            now,
            "gpt-realtime-2.1",
            "shimmer",
        ),
        setup=peers.setup(public_url),
    )
    async with town.db.reading(town.clinic) as scope:
        dana = await leads.find_by_phone(scope, DANA)
        moshe = await leads.find_by_phone(scope, MOSHE)
        assert dana is not None, "nobody has lived here: ask for `office`"
        assert moshe is not None, "nobody has lived here: ask for `office`"
        return Office(
            town,
            Starlette(routes=routes(house)),
            house,
            hands,
            lead_id=dana.id,
            conversation_id=await scope.first(select(Conversation.id).where(Conversation.lead_id == moshe.id)),
            appointment_id=(await appointments.upcoming_of(scope, dana.id, now=NOW))[0].appointment_id,
            service_id=(await services.offered(scope))[0].service_id,
            resource_id=(await services.resources(scope))[0].id,
            people=await people_of(town.db),
            peers=peers,
            certificate_id=await scope.first(select(Certificate.id)),
        )


async def _certify(town: Town) -> None:
    """Last night's certification of the clinic, which failed in its eighth section."""
    verdicts = {str(number): "failed" if number == 8 else "passed" for number in range(1, 11)}
    async with town.db.scope(town.clinic) as scope:
        row_id = await readiness.begin(scope, key="night", caller_e164="+972500000000", version="0.1.0", now=NOW)
        assert row_id is not None
        page = "<!doctype html><title>תעודה</title><p>מרפאת שיניים ד״ר לוי"
        await readiness.end(
            scope, row_id, passed=False, verdicts=verdicts, document="{}", page=page, now=NOW + timedelta(minutes=1)
        )


async def _have_a_day(town: Town) -> None:
    early = NOW - timedelta(hours=3)
    dana = await ring(town, town.clinic, DANA, "CA-dana", early)
    async with town.db.scope(town.clinic) as scope:
        by = By("assistant", "assistant", "CA-dana")
        await leads.upsert(scope, dana.lead_id, Patch(name="דנה כהן", need="כאב שיניים"), by=by, now=early)
        booked = await appointments.book(
            scope, Booking("2026-11-22T10:00", lead_id=dana.lead_id, call_sid="CA-dana"), now=early
        )
        assert isinstance(booked, Receipt)
        await _talk(scope, "CA-dana", early)
        await calls.finish_call(
            scope,
            call_sid="CA-dana",
            outcome="caller_hung_up",
            now=early + timedelta(seconds=94),
            tx=2140,
            rx=4700,
            cost_micro_usd=412_000,
            summary="דנה קבעה תור ליום ראשון בעשר.",
        )
    await ring(town, town.clinic, MOSHE, "CA-moshe", NOW - timedelta(minutes=50))
    async with town.db.scope(town.clinic) as scope:
        await calls.finish_call(
            scope,
            call_sid="CA-moshe",
            outcome="transferred",
            now=NOW - timedelta(minutes=48),
            tx=900,
            cost_micro_usd=90_000,
        )
        await lines.add(scope, "bridge", "clinic", now=early)
    letter = Inbound(
        "bridge", "clinic", ("972541234567@s.whatsapp.net",), "1", NOW, text="אפשר לדבר עם נציג?", phone_raw=MOSHE
    )
    assert await thread.receive(town.db, letter, now=NOW) is not None
    await ring(town, town.clinic, "anonymous", "CA-live", NOW - timedelta(seconds=40))


async def _talk(scope: Scope, call_sid: str, at: datetime) -> None:
    lines: tuple[tuple[calls.Speaker, str, str | None, int], ...] = (
        ("assistant", "שלום, הגעתם למרפאת השיניים של דוקטור לוי. במה אפשר לעזור?", None, 0),
        ("caller", "שלום, כואבת לי השן ואני צריכה תור דחוף.", None, 6),
        ("assistant", "יש תור ביום ראשון בעשר, ויש גם ביום שני בתשע.", "יש תור ביום ראשון בעשר", 9),
        ("caller", "ראשון בעשר מצוין.", None, 14),
    )
    for key, (speaker, text, heard, second) in enumerate(lines):
        await calls.record_turn(
            scope,
            call_sid=call_sid,
            key=str(key),
            speaker=speaker,
            text=text,
            heard_text=heard,
            interrupted=heard is not None,
            latency_ms=820 if speaker == "assistant" else None,
            at=at + timedelta(seconds=second),
        )


async def let_in(town: Town, vault: Vault, passwords: Passwords) -> None:
    """Accounts for everybody, each with the same password."""
    password_hash = await passwords.hash(PASSWORD)
    for name, role in SEATS.items():
        async with town.db.operator(writing=True) as operator:
            person = await accounts.add(
                operator,
                email=f"{name}@example.com",
                name={"owner": "נועה לוי"}.get(name, name),
                password_hash=password_hash,
                now=NOW,
                is_operator=name == "operator",
            )
            if name == "operator":
                await second_factor.enrol(operator, vault, person)
            if role is not None:
                business_id = town.charlie if name == "charlie" else town.clinic
                await accounts.set_role(operator, business_id, person.id, role, actor="test", now=NOW)


async def people_of(db: Database) -> dict[str, Account]:
    """Everybody who was let in."""
    people = {}
    async with db.operator() as operator:
        for name in SEATS:
            person = await accounts.find_by_email(operator, f"{name}@example.com")
            assert person is not None, name
            people[name] = person
    return people
