"""One person phones a business and then writes to it: the same lead, the same appointment, one thread.

Everything goes through the very server that serves: the call, the webhooks, the outbox; only the peers are simulated,
over sockets: the carrier, the Cloud API and both models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from sqlalchemy import select

from agentlocator.clock import utc_now
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Conversation, Lead, Message, Turn
from agentlocator.domain import businesses, localtime
from agentlocator.rehearsal import theatre
from agentlocator.simulator.scenarios import CLINIC, DANA, SCENARIOS
from agentlocator.simulator.whatsapp_cloud import CloudServer
from agentlocator.simulator.whatsapp_http import serving
from agentlocator.simulator.whatsapp_model import SimulatedTextModel
from agentlocator.whatsapp import lines, webhooks

NAME: Final = "phone-then-whatsapp"
TITLE: Final = "A caller books by phone, and moves the appointment in writing"

LINE: Final = "100200300"
APP_SECRET: Final = "simulated-app-secret"  # noqa: S105 - both peers are in this process
VERIFY_TOKEN: Final = "simulated-verify-token"  # noqa: S105 - both peers are in this process
ACCESS_TOKEN: Final = "simulated-access-token"  # noqa: S105 - both peers are in this process
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
    cloud = CloudServer(APP_SECRET, ACCESS_TOKEN, clock=utc_now)
    async with (
        serving(cloud.app) as cloud_url,
        theatre.opened(
            folder,
            scenario,
            seed=seed,
            text_model=SimulatedTextModel(),
            whatsapp_access_token=ACCESS_TOKEN,
            whatsapp_app_secret=APP_SECRET,
            whatsapp_verify_token=VERIFY_TOKEN,
            whatsapp_api_url=cloud_url,
        ) as house,
        httpx2.AsyncClient() as http,
    ):
        cloud.webhook_url = house.origin + webhooks.CLOUD
        (call,) = await house.perform(scenario, seed=seed, network_ms=network_ms, watch=call_watch)
        db = house.deployment.db
        business_id = await _business(db)
        booked = await _appointment(db, business_id)
        async with db.scope(business_id) as scope:
            await lines.add(scope, "cloud", LINE, now=utc_now())
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
