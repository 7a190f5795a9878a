"""The bridge itself, as a process: killed, restarted, replayed; nothing is lost and nobody is answered twice.

WhatsApp is simulated where Baileys' socket would be; the process, its HTTP contract and its files are the real ones.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from agentlocator.correspondence import BridgedPhones
from agentlocator.db.schema import Message, Outbox
from agentlocator.simulator.whatsapp_http import serving
from agentlocator.simulator.whatsapp_phones import PAIRING_TEXT, Phones
from agentlocator.web.house import NoAnswer
from agentlocator.whatsapp import bridge, lines, outgoing
from agentlocator.whatsapp.bridge_api import BridgeApi
from agentlocator.whatsapp.messages import NotYet, Outgoing, Refused, Unreachable
from agentlocator.whatsapp.outgoing import Job, Told
from agentlocator.whatsapp.thread import Received
from agentlocator.whatsapp.webhooks import Secrets, WhatsAppWebhooks
from databases import ON_ONE_DATABASE
from jobs.patience import until
from town import DANA, Town
from whatsapp.bridge_process import SECRET, BridgeProcess

# What the bridge does is the same on every database, and its process takes its time.
pytestmark = [
    pytest.mark.requirement("R40"),
    pytest.mark.skipif(shutil.which("node") is None, reason="the bridge is a Node process"),
    ON_ONE_DATABASE,
]

DANA_ID = DANA.lstrip("+")
DANA_JID = f"{DANA_ID}@s.whatsapp.net"


class House:
    """The server's webhook, the bridge's process, and the phones of the people."""

    def __init__(self, town: Town, state: Path, phones: Phones, phones_url: str) -> None:
        self.town = town
        self.phones = phones
        self.noticed: list[Received] = []
        self.is_up = True
        self.posted = 0
        self.http = httpx2.AsyncClient()
        self._state = state
        self._phones_url = phones_url
        self._url = ""
        self._process: BridgeProcess | None = None
        self.api = BridgeApi(self.http, "http://127.0.0.1:1", SECRET, clock=now)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[House]:
        hooks = WhatsAppWebhooks(self.town.db, Secrets("", bridge_secret=SECRET), self.noticed.append, clock=now)
        app = Starlette(routes=hooks.routes())

        async def front(scope: object, receive: object, send: object) -> None:
            self.posted += 1
            if not self.is_up:
                raise RuntimeError("the server is being restarted")
            await app(scope, receive, send)  # type: ignore[arg-type]  # handed on as it came

        async with serving(front) as self._url:
            try:
                yield self
            finally:
                await self.kill()
                await self.http.aclose()

    async def start(self) -> None:
        self._process = BridgeProcess(self._state, server_url=self._url, phones_url=self._phones_url)
        self.api = BridgeApi(self.http, await self._process.start(), SECRET, clock=now)

    async def pair(self) -> None:
        await self.api.pair("clinic")
        await until(lambda: self.is_in("open"))

    async def kill(self) -> None:
        """As a machine that loses its power."""
        if self._process is not None:
            await self._process.kill()

    async def is_in(self, state: str) -> bool:
        return (await self.api.health("clinic")).state == state

    async def thread(self) -> list[str]:
        async with self.town.db.reading(self.town.clinic) as scope:
            rows = await scope.all(select(Message.body).order_by(Message.id))
        return list(rows)

    async def has(self, *texts: str) -> bool:
        return await self.thread() == list(texts)

    def answer(self, text: str, key: str) -> Outgoing:
        return Outgoing("clinic", DANA_JID, text, key)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def house(town: Town, tmp_path: Path) -> AsyncIterator[House]:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "bridge", "clinic", now=now())
    phones = Phones()
    async with serving(phones.app) as url, House(town, tmp_path / "state", phones, url).opened() as opened:
        await opened.start()
        await opened.pair()
        yield opened


async def test_a_message_comes_and_its_answer_goes(house: House, town: Town) -> None:
    house.phones.writes(DANA_ID, "יש תור מחר?", id="3A01", at=now())
    await until(lambda: house.has("יש תור מחר?"))
    (received,) = house.noticed
    async with town.db.scope(town.clinic) as scope:
        contact_id = await outgoing.latest_contact(scope, received.conversation_id)
        assert contact_id is not None
        await outgoing.write(scope, received.conversation_id, contact_id, "כן, בעשר", reason="reply", now=now())
        row = await scope.first(select(Outbox).where(Outbox.kind == outgoing.KIND))
    job = Job(town.clinic, row.payload, row.key)
    assert await outgoing.deliver(town.db, {"bridge": house.api}, job, now=now()) == Told("sent")
    assert [one.text for one in house.phones.delivered] == ["כן, בעשר"]


async def test_killed_before_the_server_took_it_nothing_is_lost(house: House) -> None:
    """The server is down, the bridge takes two messages, and dies."""
    house.is_up = False
    before = house.posted
    house.phones.writes(DANA_ID, "ראשונה", id="3A01", at=now())
    house.phones.writes(DANA_ID, "שנייה", id="3A02", at=now())
    await until(lambda: tried(house, before))
    await house.kill()
    house.is_up = True
    await house.start()
    await until(lambda: house.has("ראשונה", "שנייה"))


async def test_killed_and_replayed_nobody_is_answered_twice(house: House) -> None:
    """WhatsApp brings a message again that the server has taken already."""
    house.phones.writes(DANA_ID, "שלום", id="3A01", at=now())
    await until(lambda: house.has("שלום"))
    for _ in range(2):
        await house.kill()
        await house.start()
        house.phones.writes(DANA_ID, "שלום", id="3A01", at=now())
    house.phones.writes(DANA_ID, "ועוד", id="3A02", at=now())
    await until(lambda: house.has("שלום", "ועוד"))
    assert len(house.noticed) == 2


async def test_what_comes_in_one_breath_with_the_connection_is_handed_over(house: House) -> None:
    await house.kill()
    house.phones.writes(DANA_ID, "נכתב כשהגשר היה כבוי", id="3A01", at=now())
    await house.start()
    await until(lambda: house.has("נכתב כשהגשר היה כבוי"), within_s=10)


async def test_one_key_is_one_message_even_across_a_kill(house: House) -> None:
    house.phones.writes(DANA_ID, "שלום", id="3A01", at=now())
    await until(lambda: house.has("שלום"))
    first = await house.api.send(house.answer("היי", "1.whatsapp.1"))
    assert await house.api.send(house.answer("היי", "1.whatsapp.1")) == first
    await house.kill()
    await house.start()
    await until(lambda: house.is_in("open"))
    assert await house.api.send(house.answer("היי", "1.whatsapp.1")) == first
    assert house.phones.attempts == 1


async def test_nobody_is_written_to_first(house: House) -> None:
    with pytest.raises(Refused, match="never_wrote"):
        await house.api.send(house.answer("מבצע!", "1.whatsapp.1"))


async def test_a_number_that_is_new_goes_slowly(house: House) -> None:
    house.phones.writes(DANA_ID, "שלום", id="3A01", at=now())
    await until(lambda: house.has("שלום"))
    for number in range(8):
        await house.api.send(house.answer("היי", f"1.whatsapp.{number}"))
    with pytest.raises(NotYet) as patience:
        await house.api.send(house.answer("היי", "1.whatsapp.9"))
    assert 0 < patience.value.wait_s <= 60
    health = await house.api.health("clinic")
    assert (health.score, health.sent_today, health.day_limit) == (100, 8, 20)


async def test_what_is_not_signed_is_refused(house: House) -> None:
    stranger = BridgeApi(house.http, house.api._base_url, "another secret", clock=now)
    with pytest.raises(Unreachable, match="403"):
        await stranger.health("clinic")
    body = b'{"session":"clinic"}'
    old = bridge.headers("POST", "/status", body, secret=SECRET, now=datetime(2026, 1, 1, tzinfo=UTC))
    answer = await house.http.post(f"{house.api._base_url}/status", content=body, headers=old)
    assert answer.status_code == 403


@pytest.mark.parametrize(("code", "state"), [(515, "open"), (428, "open"), (440, "stopped"), (403, "stopped")])
async def test_a_closed_connection_is_what_its_code_says(house: House, code: int, state: str) -> None:
    house.phones.closes(code)
    seen = itertools.count()

    async def is_settled() -> bool:
        # It may still be open from before for the first look.
        return next(seen) > 10 and await house.is_in(state)

    await until(is_settled)
    if state == "stopped":
        assert (await house.api.health("clinic")).score == 0


async def test_logged_out_it_forgets_its_keys(house: House, tmp_path: Path) -> None:
    keys = list((tmp_path / "state" / "sessions" / "clinic" / "auth").iterdir())
    assert keys
    assert b"clinic" not in keys[0].read_bytes()
    await house.api.log_out("clinic")
    assert not (tmp_path / "state" / "sessions" / "clinic").exists()
    assert await house.is_in("stopped")


async def test_a_phone_is_paired_by_a_picture_or_by_a_code_that_is_asked_for_meanwhile(house: House) -> None:
    await house.api.log_out("clinic")
    house.phones.must_be_paired = True
    await house.api.pair("clinic")
    await until(lambda: house.is_in("pairing"))
    shown = await house.api.health("clinic")
    assert (shown.qr, shown.code) == (PAIRING_TEXT, "")
    wrong = await house.api.pair("clinic", phone="12")
    assert (wrong.qr, wrong.code, wrong.reason) == (PAIRING_TEXT, "", "no_code")
    right = await house.api.pair("clinic", phone="972501234567")
    assert (right.qr, right.code, right.reason) == (PAIRING_TEXT, "ABCD1234", "")
    house.phones.scans()
    await until(lambda: house.is_in("open"))
    paired = await house.api.health("clinic")
    assert (paired.qr, paired.code, paired.score) == ("", "", 100)


async def test_a_picture_that_nobody_scans_is_not_shown_for_ever(house: House) -> None:
    await house.api.log_out("clinic")
    house.phones.must_be_paired = True
    await house.api.pair("clinic")
    await until(lambda: house.is_in("pairing"))
    house.phones.closes(408)
    await until(lambda: house.is_in("stopped"))
    assert (await house.api.health("clinic")).reason == "not_scanned"
    await house.api.pair("clinic")
    await until(lambda: house.is_in("pairing"))


async def test_what_the_owner_types_on_his_phone_is_his(house: House, town: Town) -> None:
    house.phones.writes(DANA_ID, "שלום", id="3A01", at=now())
    house.phones.upserts({"conversation": "כאן נועה"}, phone=DANA_ID, id="3A02", at=now(), own=True)
    house.phones.upserts({"protocolMessage": {}}, phone=DANA_ID, id="3A03", at=now())
    house.phones.upserts({"imageMessage": {"caption": "הצילום"}}, phone=DANA_ID, id="3A04", at=now())
    await until(lambda: house.has("שלום", "כאן נועה", "[תמונה] הצילום"))


async def test_the_dashboard_pairs_looks_and_disconnects(house: House, town: Town) -> None:
    phones = BridgedPhones(town.db)
    phones.bridge = house.api
    assert (await phones.look(town.garage)).state == "stopped"
    await phones.pair(town.garage, phone="")

    async def is_open() -> bool:
        return (await phones.look(town.garage)).state == "open"

    await until(is_open)
    async with town.db.reading(town.garage) as scope:
        assert [(one.channel, one.address) for one in await lines.listed(scope)] == [("bridge", "business-2")]
    await phones.log_out(town.garage)
    assert (await phones.look(town.garage)).state == "stopped"
    assert await house.is_in("open")
    await house.kill()
    with pytest.raises(NoAnswer):
        await phones.look(town.garage)


async def tried(house: House, before: int) -> bool:
    return house.posted > before
