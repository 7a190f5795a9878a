"""An operator says where a business is written to; nobody else's address can be taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agentlocator.cli import app

CLINIC, GARAGE = "+97235550101", "+97235550202"


@pytest.fixture(autouse=True)
def _two_businesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("DATABASE_URL", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    agentlocator("business", "add", "מרפאה", "--number", CLINIC)
    agentlocator("business", "add", "מוסך", "--number", GARAGE)


def agentlocator(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.requirement("R40")
def test_a_number_that_a_provider_gave_becomes_a_businesss_and_the_way_to_it_is_told() -> None:
    cloud = agentlocator("whatsapp", "add", CLINIC, "cloud", "100200300400", "--url", "https://voice.example.com")
    assert cloud.exit_code == 0
    assert "https://voice.example.com/webhook/whatsapp/cloud" in cloud.output
    assert "already" in agentlocator("whatsapp", "add", CLINIC, "cloud", "100200300400").output
    agentlocator("whatsapp", "add", GARAGE, "twilio", "+972 3 372 4567")
    listed = agentlocator("whatsapp", "list").output
    assert "100200300400" in listed
    assert "whatsapp:+97233724567" in listed


@pytest.mark.requirement("R30")
def test_an_address_that_is_anothers_cannot_be_taken() -> None:
    agentlocator("whatsapp", "add", CLINIC, "cloud", "100200300400")
    for verb in ("add", "remove"):
        refused = agentlocator("whatsapp", verb, GARAGE, "cloud", "100200300400")
        assert refused.exit_code == 1
    assert agentlocator("whatsapp", "list").output.count("100200300400") == 1


def test_a_mistake_is_taken_back() -> None:
    agentlocator("whatsapp", "add", CLINIC, "twilio", "whatsapp:+97233724567")
    assert agentlocator("whatsapp", "remove", CLINIC, "twilio", "+97233724567").exit_code == 0
    assert agentlocator("whatsapp", "add", GARAGE, "twilio", "+97233724567").exit_code == 0


@pytest.mark.parametrize(
    ("provider", "address", "remedy"),
    [("cloud", CLINIC, "phone number id"), ("twilio", "03-5550101", "whatsapp:+97233724567")],
)
def test_what_is_no_address_is_answered_with_one(provider: str, address: str, remedy: str) -> None:
    refused = agentlocator("whatsapp", "add", "1", provider, address)
    assert refused.exit_code == 1
    assert remedy in refused.output


@pytest.mark.requirement("R1")
def test_a_verb_of_the_command_loads_no_text_agent() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from agentlocator.cli import app; print('agents' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
