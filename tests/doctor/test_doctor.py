"""A healthy deployment passes; each thing that can be broken is broken, and the doctor finds that and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update

from agentlocator.config import Settings, load_storage
from agentlocator.db.engine import Database
from agentlocator.db.schema import Business, BusinessNumber, PromptVersion
from agentlocator.doctor import Finding, Patient, examine, is_healthy
from agentlocator.domain import accounts, businesses, second_factor, vault
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER
from agentlocator.domain.vault import Vault
from agentlocator.rehearsal import theatre
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from agentlocator.voice.session import CallSession
from agentlocator.voice.webhook import number_wiring
from provision.peers import MODEL_KEY, SECONDARY, TOKEN, Peers

pytestmark = pytest.mark.requirement("R52")

NOBODY = Scenario("nobody", "Nobody acts: the doctor looks", ())
BIN = "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef"
GIB = 1024**3


class Ward:
    """A running deployment, the peers around it, and what to change before the doctor looks."""

    def __init__(self, running: theatre.Theatre, peers: Peers) -> None:
        self.deployment = running.deployment
        self.peers = peers
        self.free_bytes = 100 * GIB
        self.changes: dict[str, object] = {}
        self.today = timedelta()

    @property
    def db(self) -> Database:
        return self.deployment.db

    @property
    def settings(self) -> Settings:
        return self.deployment.settings

    async def examined(self) -> dict[str, Finding]:
        settings = self.settings.model_copy(update={"port": _port(self.settings.public_url), **self.changes})
        async with self.peers.client() as http:
            patient = Patient(
                storage=settings,
                complete=settings,
                incomplete="",
                db=self.db,
                http=http,
                env_file=self.settings.data_dir / ".env",
                now=lambda: datetime.now(UTC) + self.today,
                free_bytes=lambda _: self.free_bytes,
            )
            return {finding.check: finding for finding in await examine(patient)}


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


@asynccontextmanager
async def _opened(folder: Path, voice: Voice) -> AsyncIterator[Ward]:
    async with theatre.opened(folder, NOBODY, voice=voice) as running:
        peers = Peers()
        ward = Ward(running, peers)
        ours = number_wiring(ward.settings.public_url)
        for number in (CLINIC_NUMBER, GARAGE_NUMBER):
            peers.twilio.add(
                number, voice_url=ours.voice_url, status_callback=ours.status_callback, voice_fallback_url=BIN
            )
        peers.twilio.add("+97235550999")
        async with ward.db.operator(writing=True) as operator:
            opened = Vault(ward.settings.sealing_key())
            op = await accounts.add(
                operator, email="op@example.com", name="", password_hash=None, now=datetime.now(UTC), is_operator=True
            )
            await second_factor.enrol(operator, opened, op)
            await vault.keep(operator, opened, "twilio_auth_token", TOKEN, actor="test", now=datetime.now(UTC))
        yield ward


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with _opened(tmp_path, Voice(tmp_path / "voices")) as opened:
        yield opened


async def test_a_healthy_deployment_passes_every_check(ward: Ward) -> None:
    findings = await ward.examined()
    assert {name: one.said for name, one in findings.items() if one.verdict != "ok"} == {
        # The rehearsal's own address is this machine, which no carrier reaches.
        "public address": "The public address is this machine itself: no carrier reaches it."
    }
    assert is_healthy(list(findings.values()))


# What is broken, and how.


async def open_key_file(ward: Ward) -> None:
    await asyncio.to_thread((ward.settings.data_dir / "vault_key").chmod, 0o644)


async def full_disk(ward: Ward) -> None:
    ward.free_bytes = 10 * 1024 * 1024


async def data_dir_is_a_file(ward: Ward) -> None:
    (ward.settings.data_dir / "file").touch()
    ward.changes["data_dir"] = ward.settings.data_dir / "file"
    ward.changes["vault_key"] = SecretStr(ward.settings.sealing_key())


async def older_tables(ward: Ward) -> None:
    await ward.db.migrate("0005")


async def another_vault_key(ward: Ward) -> None:
    (ward.settings.data_dir / "vault_key").write_text("another key, from nowhere, quite long")


async def lost_vault_key(ward: Ward) -> None:
    (ward.settings.data_dir / "vault_key").unlink()


async def unknown_time_zone(ward: Ward) -> None:
    async with ward.db.operator(writing=True) as operator:
        await operator.changed(update(Business).values(timezone="Asia/Atlantis"))


async def no_greeting(ward: Ward) -> None:
    business_id = await _clinic(ward)
    async with ward.db.scope(business_id) as scope:
        await scope.changed(update(PromptVersion).values(greeting=" "))


async def business_without_a_number(ward: Ward) -> None:
    async with ward.db.operator(writing=True) as operator:
        await operator.changed(delete(BusinessNumber).where(BusinessNumber.e164 == CLINIC_NUMBER))


async def clock_behind(ward: Ward) -> None:
    ward.peers.ahead = timedelta(minutes=2)


async def unknown_model_key(ward: Ward) -> None:
    ward.peers.openai.key = "sk-revoked-and-replaced"


async def no_credit(ward: Ward) -> None:
    ward.peers.openai.has_credit = False


async def retired_model(ward: Ward) -> None:
    del ward.peers.openai.models["gpt-realtime-2.1"]


async def model_api_down(ward: Ward) -> None:
    ward.peers.openai.down = True


async def expired_model(ward: Ward) -> None:
    ward.changes["openai_realtime_model"] = "gpt-realtime"
    ward.peers.openai.models["gpt-realtime"] = None
    ward.today = datetime(2027, 1, 20, 12, tzinfo=UTC) - datetime.now(UTC)
    ward.peers.ahead = ward.today


async def model_that_its_maker_ends(ward: Ward) -> None:
    ward.peers.openai.models["gpt-realtime-2.1"] = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


async def closed_model_socket(ward: Ward) -> None:
    ward.changes["openai_realtime_url"] = "ws://127.0.0.1:9/v1/realtime"


async def unknown_voice(ward: Ward) -> None:
    ward.changes["openai_realtime_voice"] = "galit"


async def wrong_token(ward: Ward) -> None:
    ward.peers.twilio.tokens = ["rotated-away"]


async def suspended_account(ward: Ward) -> None:
    ward.peers.twilio.status = "suspended"


async def trial_account(ward: Ward) -> None:
    ward.peers.twilio.kind = "Trial"


async def carrier_down(ward: Ward) -> None:
    ward.peers.twilio.down = True


async def promoted_token(ward: Ward) -> None:
    # The secondary token was promoted at the carrier; ours still lets us in, and signs nothing any more.
    ward.peers.twilio.tokens = [SECONDARY, TOKEN]


async def number_of_nobody(ward: Ward) -> None:
    ours = number_wiring(ward.settings.public_url)
    ward.peers.twilio.add("+97235550888", voice_url=ours.voice_url)


async def number_not_bought(ward: Ward) -> None:
    async with ward.db.scope(await _clinic(ward)) as scope:
        await businesses.add_number(scope, "+97235550777", actor="test", now=datetime.now(UTC))


async def number_rings_elsewhere(ward: Ward) -> None:
    _number(ward)["voice_url"] = "https://old.example.com/voice"


async def number_by_get(ward: Ward) -> None:
    _number(ward)["voice_method"] = "GET"


async def number_of_a_trunk(ward: Ward) -> None:
    _number(ward)["trunk_sid"] = "TK" + "0" * 32


async def no_status_callback(ward: Ward) -> None:
    _number(ward)["status_callback"] = ""


async def fallback_to_ourselves(ward: Ward) -> None:
    _number(ward)["voice_fallback_url"] = ward.settings.public_url + "/webhook/incoming_call"


async def closed_port(ward: Ward) -> None:
    ward.changes["port"] = 9


async def stopping_server(ward: Ward) -> None:
    # It waits for its last call.
    last = cast(CallSession, SimpleNamespace(stop=lambda: None))
    ward.deployment.switchboard.live["CA-last"] = last
    ward.deployment.draining = True


async def address_without_a_name(ward: Ward) -> None:
    await _move(ward, "https://no-such-host.invalid")


async def address_where_nobody_listens(ward: Ward) -> None:
    await _move(ward, "https://127.0.0.1:9")


async def server_with_another_token(ward: Ward) -> None:
    # The settings were changed, and the server was not started again; the carrier knows the new token.
    ward.changes["twilio_auth_token"] = SecretStr("rotated-since")
    ward.peers.twilio.tokens = ["rotated-since"]


Sabotage = Callable[[Ward], Awaitable[None]]

SABOTAGES: tuple[tuple[Sabotage, str, str], ...] = (
    (open_key_file, "files", "chmod 600"),
    (full_disk, "disk", "Make room"),
    (data_dir_is_a_file, "disk", "DATA_DIR|mkdir"),
    (older_tables, "database", "agentlocator migrate"),
    (another_vault_key, "vault", "vault_key"),
    (lost_vault_key, "vault", "vault_key"),
    (unknown_time_zone, "time zones", "tzdata"),
    (no_greeting, "businesses", "Publish"),
    (business_without_a_number, "businesses", "Add one to"),
    (clock_behind, "clock", "timedatectl"),
    (unknown_model_key, "model", "OpenAI console"),
    (no_credit, "model", "credit"),
    (retired_model, "model", "OPENAI_REALTIME_MODEL"),
    (model_api_down, "model", "api.openai.com"),
    (expired_model, "model lifetime", "OPENAI_REALTIME_MODEL"),
    (model_that_its_maker_ends, "model lifetime", "OPENAI_REALTIME_MODEL"),
    (closed_model_socket, "model session", "WebSockets"),
    (unknown_voice, "voice", "shimmer"),
    (wrong_token, "carrier account", "Twilio console"),
    (suspended_account, "carrier account", "Twilio console"),
    (trial_account, "carrier account", "Upgrade"),
    (carrier_down, "carrier account", "api.twilio.com"),
    (promoted_token, "signature secret", "primary"),
    (number_of_nobody, "numbers", "business add"),
    (number_not_bought, "numbers", "Buy or port"),
    (number_rings_elsewhere, "number webhooks", "agentlocator init"),
    (number_by_get, "number webhooks", "agentlocator init"),
    (number_of_a_trunk, "number webhooks", "agentlocator init"),
    (no_status_callback, "number webhooks", "agentlocator init"),
    (fallback_to_ourselves, "number fallback", "TwiML Bin"),
    (closed_port, "server", "agentlocator serve"),
    (stopping_server, "server", "Start it again"),
    (address_without_a_name, "public address", "DNS|A or AAAA"),
    (address_where_nobody_listens, "public address", "443"),
    (server_with_another_token, "signed requests", "Restart"),
)


@pytest.mark.parametrize(("sabotage", "check", "remedy"), SABOTAGES, ids=lambda one: getattr(one, "__name__", None))
async def test_what_is_broken_is_found_and_nothing_else(
    ward: Ward, sabotage: Sabotage, check: str, remedy: str
) -> None:
    await sabotage(ward)
    findings = await ward.examined()
    failed = {name: one for name, one in findings.items() if one.verdict == "failure"}
    assert set(failed) == {check}, failed
    assert any(word in failed[check].remedy for word in remedy.split("|")), failed[check]
    assert not is_healthy(list(findings.values()))
    for name, one in findings.items():
        assert one.verdict != "skipped" or "Not looked at, because of" in one.said, name
        assert one.verdict not in ("failure", "warning") or one.remedy, name
    printed = msgspec.json.encode(findings).decode()
    assert not [secret for secret in (TOKEN, SECONDARY, MODEL_KEY, "sk-revoked", "rotated") if secret in printed]


async def test_what_will_break_is_a_warning_and_stops_nothing(ward: Ward) -> None:
    ward.changes["openai_realtime_model"] = "gpt-realtime"
    ward.peers.openai.models["gpt-realtime"] = None
    ward.free_bytes = GIB
    ward.peers.ahead = timedelta(seconds=8)
    _number(ward)["voice_fallback_url"] = ""
    async with ward.db.operator(writing=True) as operator:
        await operator.changed(update(Business).values(fallback_number=None))
    findings = await ward.examined()
    warned = {name for name, one in findings.items() if one.verdict == "warning"}
    assert warned - {"model lifetime"} == {
        "disk",
        "clock",
        "prices",
        "businesses",
        "number fallback",
        "public address",
    }
    assert is_healthy(list(findings.values()))


async def test_settings_that_are_missing_are_named_and_what_needs_no_settings_is_still_examined(
    tmp_path: Path,
) -> None:
    storage = load_storage(None, data_dir=tmp_path)
    async with Peers().client() as http:
        db = await Database.open(storage.database())
        patient = Patient(storage, None, "The settings are not complete:\n  OPENAI_API_KEY is not set. x", db, http)
        findings = {one.check: one for one in await examine(patient)}
        await db.close()
    assert "OPENAI_API_KEY is not set" in findings["settings"].said
    assert "agentlocator init" in findings["settings"].remedy
    assert findings["disk"].verdict in ("ok", "warning")
    assert findings["database"].said == "There is no database yet."
    assert not (tmp_path / "agentlocator.db").exists()
    assert findings["model"].said == "Not looked at, because of: settings."


async def _clinic(ward: Ward) -> int:
    async with ward.db.operator() as operator:
        found = await businesses.find_by_number(operator, CLINIC_NUMBER)
    assert found is not None
    return found


def _number(ward: Ward) -> dict[str, str | None]:
    return next(iter(ward.peers.twilio.numbers.values()))


async def _move(ward: Ward, public_url: str) -> None:
    """The deployment says it is somewhere else, and its numbers say so too."""
    ward.changes["port"] = _port(ward.settings.public_url)
    ward.changes["public_url"] = public_url
    ours = number_wiring(public_url)
    for number in list(ward.peers.twilio.numbers.values())[:2]:
        number |= {"voice_url": ours.voice_url, "status_callback": ours.status_callback}
