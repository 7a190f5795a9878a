"""WhatsApp through the whole server: wired as it serves, its peers simulated, over sockets."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from agentlocator.db.schema import Message
from agentlocator.domain import businesses
from agentlocator.rehearsal import theatre
from agentlocator.rehearsal.whatsapp import perform
from agentlocator.simulator.scenarios import CLINIC, DANA, SCENARIOS
from agentlocator.simulator.whatsapp_http import serving
from agentlocator.simulator.whatsapp_model import SimulatedTextModel
from agentlocator.simulator.whatsapp_phones import Phones
from agentlocator.simulator.whatsapp_twilio import TwilioServer
from agentlocator.whatsapp import lines, webhooks
from jobs.patience import until
from whatsapp.bridge_process import SECRET, BridgeProcess

DANA_ID = DANA.lstrip("+")
SENDER = "whatsapp:+97233724567"
PATIENCE_S = 15

PHONE_ONLY = """
import asyncio, sys
from pathlib import Path
from agentlocator import app, config
from agentlocator.db.engine import Database

async def main():
    settings = config.load(
        None, openai_api_key="sk", twilio_account_sid="AC" + "0" * 32, twilio_auth_token="token",
        public_url="https://voice.example.com", data_dir=Path(sys.argv[1]),
    )
    app.Deployment(settings, await Database.open(settings.database()))
    print(sorted(name for name in sys.modules if name in ("agents", "openai", "agentlocator.whatsapp.agent")))

asyncio.run(main())
"""


@pytest.mark.requirement("R40")
async def test_one_person_books_by_phone_and_moves_the_appointment_in_writing(tmp_path: Path) -> None:
    played = await perform(tmp_path)
    assert played.complaints == []
    assert played.lead["source"] == "call"
    assert played.appointment["lead_id"] == played.lead["id"]
    assert (played.booked["times_moved"], played.appointment["times_moved"]) == (0, 1)
    assert [one.who for one in played.threads["whatsapp"]] == ["lead", "assistant"] * 3
    assert "הועבר" in played.threads["whatsapp"][3].text


@pytest.mark.requirement("R40")
async def test_a_letter_that_came_by_twilio_is_answered_by_twilio(tmp_path: Path) -> None:
    twilio = TwilioServer(theatre.ACCOUNT_SID, theatre.AUTH_TOKEN, clock=lambda: datetime.now(UTC))
    scenario = SCENARIOS["happy-booking"]
    async with (
        serving(twilio.app) as twilio_url,
        theatre.opened(
            tmp_path,
            scenario,
            text_model=SimulatedTextModel(),
            whatsapp_over_twilio=True,
            twilio_api_url=twilio_url,
        ) as house,
        httpx2.AsyncClient() as http,
    ):
        db = house.deployment.db
        async with db.operator() as operator:
            clinic = await businesses.find_by_number(operator, CLINIC)
        assert clinic is not None
        async with db.scope(clinic) as scope:
            await lines.add(scope, "twilio", SENDER, now=datetime.now(UTC))
        url = house.origin + webhooks.TWILIO
        for _twice in range(2):
            taken = await twilio.writes(
                http, url, line=SENDER, phone=DANA, text="שלום, אפשר לקבוע תור?", MessageSid="SM1"
            )
            assert taken.status_code == 200
        async with asyncio.timeout(PATIENCE_S):
            await twilio.sent.wait()
        assert [(one["From"], one["To"]) for one in twilio.delivered] == [(SENDER, f"whatsapp:{DANA}")]
        assert "הפנוי הקרוב" in twilio.delivered[0]["Body"]


@pytest.mark.requirement("R40")
@pytest.mark.skipif(shutil.which("node") is None, reason="the bridge is a Node process")
async def test_bridge_and_server_die_in_turn_and_everybody_is_answered_once(tmp_path: Path) -> None:
    """Three letters: one while all is well, one while the bridge is dead, one while the server is."""
    phones = Phones()
    server_port, bridge_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        phones_url = await stack.enter_async_context(serving(phones.app))
        bridge = BridgeProcess(
            tmp_path / "bridge", server_url=f"http://127.0.0.1:{server_port}", phones_url=phones_url, port=bridge_port
        )
        bridge_url = await bridge.start()
        stack.push_async_callback(bridge.kill)
        answering = partial(
            theatre.opened,
            tmp_path / "data",
            SCENARIOS["happy-booking"],
            port=server_port,
            text_model=SimulatedTextModel(),
            bridge_url=bridge_url,
            bridge_secret=SECRET,
        )

        async with answering() as house:
            await pair(house)
            phones.writes(DANA_ID, "שלום, אפשר לקבוע תור?", id="3A01", at=datetime.now(UTC))
            await until(lambda: has_sent(house, 1), within_s=PATIENCE_S)
            await bridge.kill()
            phones.writes(DANA_ID, "השני מתאים לי", id="3A02", at=datetime.now(UTC))
            await bridge.start()
            # WhatsApp brings again what was taken and answered long ago.
            phones.writes(DANA_ID, "שלום, אפשר לקבוע תור?", id="3A01", at=datetime.now(UTC))
            await until(lambda: has_sent(house, 2), within_s=PATIENCE_S)

        phones.writes(DANA_ID, "תודה רבה", id="3A03", at=datetime.now(UTC))
        await bridge.kill()
        await bridge.start()
        async with answering() as house:
            await until(lambda: has_sent(house, 3))
            assert await thread_of(house) == [("lead", "received"), ("assistant", "sent")] * 3
    assert len(phones.delivered) == phones.attempts == 3


async def pair(house: theatre.Theatre) -> None:
    """The clinic's owner pairs his phone on the dashboard."""
    correspondence = house.deployment.correspondence
    assert correspondence is not None
    assert correspondence.phones is not None
    paired, clinic = correspondence.phones, await clinic_of(house)
    await paired.pair(clinic, phone="")

    async def is_open() -> bool:
        return (await paired.look(clinic)).state == "open"

    await until(is_open)


async def clinic_of(house: theatre.Theatre) -> int:
    async with house.deployment.db.operator() as operator:
        clinic = await businesses.find_by_number(operator, CLINIC)
    assert clinic is not None
    return clinic


async def thread_of(house: theatre.Theatre) -> list[tuple[str, str]]:
    """Who wrote, and how far it came."""
    async with house.deployment.db.reading(await clinic_of(house)) as scope:
        rows = await scope.rows(select(Message.author, Message.delivery).order_by(Message.id))
    return [(author, delivery) for author, delivery in rows]


async def has_sent(house: theatre.Theatre, count: int) -> bool:
    return (await thread_of(house)).count(("assistant", "sent")) >= count


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.requirement("R1")
def test_a_server_that_only_answers_the_phone_loads_no_text_agent(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PHONE_ONLY, str(tmp_path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert told.stdout.strip() == "[]"
