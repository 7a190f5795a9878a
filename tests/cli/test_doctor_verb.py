"""`agentlocator doctor` at a terminal and for a machine, on a deployment that is not one yet."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from agentlocator.cli import app
from agentlocator.config import Settings

pytestmark = pytest.mark.requirement("R52")


@pytest.fixture(autouse=True)
def _a_fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def doctor(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words])


def test_on_a_fresh_machine_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    shown = doctor()
    assert shown.exit_code == 1
    assert "OPENAI_API_KEY is not set" in shown.output
    assert "→ agentlocator migrate" in shown.output
    assert list(tmp_path.iterdir()) == []


def test_a_machine_gets_one_object() -> None:
    shown = doctor("--json")
    told = msgspec.json.decode(shown.stdout)
    assert shown.exit_code == 1
    assert told["healthy"] is False
    assert {"check", "verdict", "said", "remedy"} == set(told["findings"][0])
    assert [one["check"] for one in told["findings"]][:4] == ["settings", "files", "disk", "database"]


def test_a_database_that_does_not_open_is_a_finding_and_its_password_stays_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:canary-password@127.0.0.1:9/name")
    shown = doctor("--json")
    found = {one["check"]: one for one in msgspec.json.decode(shown.stdout)["findings"]}
    assert found["database"]["said"].startswith("The database does not open")
    assert "canary" not in shown.output


def test_settings_that_make_no_sense_are_a_finding_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    shown = doctor("--json")
    assert shown.exit_code == 1
    assert "LOG_LEVEL is refused" in msgspec.json.decode(shown.stdout)["findings"][0]["said"]


def test_the_remedy_for_a_missing_fallback_is_one_that_works() -> None:
    CliRunner().invoke(app, ["business", "add", "מרפאה", "--number", "+97235550101"])
    found = {one["check"]: one for one in msgspec.json.decode(doctor("--json").stdout)["findings"]}
    assert found["businesses"]["remedy"] == "agentlocator business fallback 1 NUMBER"
    assert CliRunner().invoke(app, ["business", "fallback", "1", "no number"]).exit_code == 1
    assert CliRunner().invoke(app, ["business", "fallback", "1", "+97235550199"]).exit_code == 0
    found = {one["check"]: one for one in msgspec.json.decode(doctor("--json").stdout)["findings"]}
    assert found["businesses"]["verdict"] == "ok"
