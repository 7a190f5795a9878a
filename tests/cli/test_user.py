"""People are added, let in and given passwords from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agentlocator.cli import business, user

APP = typer.Typer()
APP.add_typer(user.app, name="user")
APP.add_typer(business.app, name="business")


@pytest.fixture(autouse=True)
def _a_fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "DATA_DIR", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)


def agentlocator(*words: str) -> Result:
    return CliRunner().invoke(APP, list(words))


def test_an_owner_is_added_and_gets_links_and_a_password() -> None:
    agentlocator("business", "add", "מרפאה", "--number", "+97235550101")
    added = agentlocator("user", "add", "noa@example.com", "--business", "+97235550101")
    assert re.fullmatch(r"http://127.0.0.1:8000/entry/[\w-]{43}\n", added.output)
    other = agentlocator("user", "link", "noa@example.com", "--url", "https://d.example.com")
    assert re.fullmatch(r"https://d.example.com/entry/[\w-]{43}\n", other.output)
    assert agentlocator("user", "password", "noa@example.com", "--new", "a long enough one").exit_code == 0


def test_an_operator_gets_a_second_factor() -> None:
    assert (
        "otpauth://totp/AgentLocator:op%40example.com?secret="
        in agentlocator("user", "add", "op@example.com", "--operator").output
    )


def test_an_operator_who_lost_his_phone_gets_a_new_second_factor() -> None:
    first = agentlocator("user", "add", "op@example.com", "--operator").output.splitlines()[0]
    second = agentlocator("user", "authenticator", "op@example.com").output.splitlines()[0]
    assert second.startswith("Authenticator: otpauth://totp/AgentLocator:op%40example.com?secret=")
    assert second != first
    agentlocator("user", "add", "noa@example.com")
    assert agentlocator("user", "authenticator", "noa@example.com").exit_code == 1


def test_what_cannot_be_is_said_in_a_sentence() -> None:
    agentlocator("user", "add", "noa@example.com")
    for words in (
        ("add", "noa@example.com"),
        ("add", "nobody"),
        ("link", "stranger@example.com"),
        ("password", "noa@example.com", "--new", "short"),
    ):
        refused = agentlocator("user", *words)
        assert refused.exit_code == 1
        assert refused.output.endswith(".\n")
