"""One person phones a business and then writes to it: the same lead, the same appointment, one thread.

The phone call is the theatre's; the writing goes through the server's own webhooks, its outbox and a simulated Cloud
API, over sockets. The model that answers in writing is simulated too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from sqlalchemy import select

from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Conversation, Lead, Message, Outbox, Turn
from agentlocator.domain import businesses, localtime, outbox
from agentlocator.rehearsal import theatre
from agentlocator.rehearsal.theatre import Theatre
from agentlocator.simulator.scenarios import CLINIC, DANA, SCENARIOS
from agentlocator.simulator.whatsapp_cloud import CloudServer
from agentlocator.simulator.whatsapp_http import serving
from agentlocator.simulator.whatsapp_model import SimulatedTextModel
from agentlocator.whatsapp import lines, outgoing, webhooks
from agentlocator.whatsapp.agent import TextAgent
from agentlocator.whatsapp.answering import Responder
from agentlocator.whatsapp.cloud_api import CloudApi
from agentlocator.whatsapp.messages import Unreachable
from agentlocator.whatsapp.outgoing import Job
from agentlocator.whatsapp.webhooks import Secrets, WhatsAppWebhooks

NAME: Final = "phone-then-whatsapp"
TITLE: Final = "A caller books by phone, and moves the appointment in writing"

LINE: Final = "100200300"
APP_SECRET: Final = "simulated-app-secret"  # noqa: S105 - both peers are in this process
ACCESS_TOKEN: Final = "simulated-access-token"  # noqa: S105 - both peers are in this process
# A simulated person waits for the answer, so nobody else's second message has to be waited for.
SETTLE: Final = timedelta(milliseconds=60)
PACE_S: Final = 0.05
PATIENCE_S: Final = 20.0

LETTERS: Final = (
    "היי, כאן דנה. דיברנו בטלפון, אפשר להזיז את התור שלי?",
    "השני מתאים לי",
    "תודה רבה",
)

Watch = Callable[[str, str], None]
"""Sees every message in writing: who, and what."""


class Said(msgspec.Struct, frozen=True):
    """One turn of a thread. `delivery` is how far a written answer came."""

    who: str
    text: str
    at: str
    delivery: str = ""


class PhoneThenWhatsApp(msgspec.Struct):
    """What came of it. The appointments are the same row, before and after the writing."""

    scenario: str
    business: str
    outcome: str
    lead: dict[str, Any]
    booked: dict[str, Any]
    appointment: dict[str, Any]
    threads: dict[str, list[Said]]
    complaints: list[str]


async def perform(
    folder: Path,
    *,
    seed: int = 1,
    network_ms: int = 40,
    call_watch: theatre.Watch | None = None,
    watch: Watch | None = None,
) -> PhoneThenWhatsApp:
    """Plays the call, then the writing, with all data in `folder`."""
    scenario = SCENARIOS["happy-booking"]
    async with theatre.opened(folder, scenario, seed=seed) as house:
        (call,) = await house.perform(scenario, seed=seed, network_ms=network_ms, watch=call_watch)
        db = house.deployment.db
        business_id = await _business(db)
        booked = await _appointment(db, business_id)
        async with _correspondence(house, business_id) as (cloud, http):
            complaints = [*call.complaints, *await _write_all(cloud, http, watch)]
            if cloud.delivered:
                await cloud.reports(http, cloud.delivered[-1], "read")
        played = await _gather(db, business_id, call.business, booked, complaints)
    played.outcome = call.outcome
    played.complaints += _faults(played)
    return played


async def _business(db: Database) -> int:
    async with db.operator() as operator:
        found = await businesses.find_by_number(operator, CLINIC)
    assert found is not None, "the clinic is seeded"
    return found


@asynccontextmanager
async def _correspondence(house: Theatre, business_id: int) -> AsyncIterator[tuple[CloudServer, httpx2.AsyncClient]]:
    """The server's WhatsApp side, and Meta's, while the context is open."""
    db = house.deployment.db
    async with db.scope(business_id) as scope:
        await lines.add(scope, "cloud", LINE, now=_now())
    cloud = CloudServer(APP_SECRET, ACCESS_TOKEN, clock=_now, webhook_url=house.origin + webhooks.CLOUD)
    responder = Responder(db, TextAgent(db, house.deployment.registry, SimulatedTextModel()), clock=_now, settle=SETTLE)
    hooks = WhatsAppWebhooks(db, Secrets(house.origin, cloud_app_secret=APP_SECRET), responder.notice, clock=_now)
    house.deployment.app.router.routes.extend(hooks.routes())
    async with serving(cloud.app) as origin, httpx2.AsyncClient() as http:
        api = CloudApi(http, ACCESS_TOKEN, base_url=origin)
        working = [
            asyncio.create_task(responder.run(), name="responder"),
            asyncio.create_task(_deliver(db, business_id, api), name="courier"),
        ]
        try:
            yield cloud, http
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)


async def _deliver(db: Database, business_id: int, api: CloudApi) -> None:
    """The outbox's written part, row by row, until cancelled."""
    while True:
        async with db.reading(business_id) as scope:
            rows: Sequence[Outbox] = await scope.all(
                select(Outbox)
                .where(Outbox.kind == outgoing.KIND, Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
                .order_by(Outbox.id)
            )
        for row in rows:
            job = Job(business_id, row.payload, row.key)
            try:
                told = await outgoing.deliver(db, {"cloud": api}, job, now=_now())
            except Unreachable:
                continue
            if told.became != "wait":
                async with db.scope(business_id) as scope:
                    await outbox.delivered(scope, row.id, now=_now())
        await asyncio.sleep(PACE_S)


async def _write_all(cloud: CloudServer, http: httpx2.AsyncClient, watch: Watch | None) -> list[str]:
    """Dana writes, and waits for each answer; the carrier of her letters brings each one twice."""
    for text in LETTERS:
        cloud.sent.clear()
        if watch is not None:
            watch("lead", text)
        await cloud.writes(http, LINE, DANA.lstrip("+"), text, times=2)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await cloud.sent.wait()
        except TimeoutError:
            return [f"nobody answered “{text}”"]
        if watch is not None:
            watch("assistant", cloud.delivered[-1].text)
    return []


async def _gather(
    db: Database, business_id: int, business: str, booked: dict[str, Any], complaints: list[str]
) -> PhoneThenWhatsApp:
    async with db.reading(business_id) as scope:
        people: Sequence[Lead] = await scope.all(select(Lead).order_by(Lead.id))
        spoken: Sequence[Turn] = await scope.all(select(Turn).join(Call, Call.id == Turn.call_id).order_by(Turn.at))
        written: Sequence[Message] = await scope.all(
            select(Message).join(Conversation, Conversation.id == Message.conversation_id).order_by(Message.id)
        )
    lead = people[0]
    if len(people) != 1:
        complaints.append(f"one person became {len(people)} leads")
    return PhoneThenWhatsApp(
        scenario=NAME,
        business=business,
        outcome="",
        lead={"id": lead.id, "name": lead.name, "phone": lead.phone_e164, "source": lead.source},
        booked=booked,
        appointment=await _appointment(db, business_id),
        threads={
            "phone": [Said(one.speaker, one.heard_text or one.text, one.at.isoformat()) for one in spoken],
            "whatsapp": [Said(one.author, one.body, one.at.isoformat(), one.delivery) for one in written],
        },
        complaints=complaints,
    )


async def _appointment(db: Database, business_id: int) -> dict[str, Any]:
    async with db.reading(business_id) as scope:
        rows: Sequence[Appointment] = await scope.all(select(Appointment).order_by(Appointment.id))
    if not rows:
        return {}
    row = rows[-1]
    return {
        "id": row.id,
        "lead_id": row.lead_id,
        "call_sid": row.call_sid,
        "status": row.status,
        "starts_at": row.starts_at.isoformat(),
        "starts_local": localtime.to_wall(row.starts_at, row.timezone).isoformat(),
        "times_moved": row.sequence,
    }


def _faults(played: PhoneThenWhatsApp) -> list[str]:
    """What did not come out as it must."""
    booked, now = played.booked, played.appointment
    answers = [one for one in played.threads["whatsapp"] if one.who == "assistant"]
    found = {
        "nothing was booked by phone": not booked,
        "the appointment is not the same one": booked.get("id") != now.get("id"),
        "the appointment was not moved": booked.get("starts_at") == now.get("starts_at"),
        "the appointment is not the lead's": now.get("lead_id") != played.lead["id"],
        f"{len(LETTERS)} letters got {len(answers)} answers": len(answers) != len(LETTERS),
        "the last answer was not read": bool(answers) and answers[-1].delivery != "read",
    }
    return [fault for fault, is_so in found.items() if is_so]


def _now() -> datetime:
    return datetime.now(UTC)
