"""`agentlocator certify --verify`: whose certificate this is, and whether anybody has changed it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from agentlocator.certificate import seal
from agentlocator.cli import app
from agentlocator.config import Settings

pytestmark = pytest.mark.requirement("R52")

SECRET = "a media secret of this deployment"
BODY = {"passed": True, "version": "0.1.0", "at": "2026-11-21T19:00", "business": "Clinic", "sections": []}


@pytest.fixture(autouse=True)
def _a_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in {
        "PUBLIC_URL": "https://calls.example.com",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token",
        "OPENAI_API_KEY": "sk-something",
        "MEDIA_TOKEN_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)


def verify(path: Path) -> Result:
    return CliRunner().invoke(app, ["certify", "--verify", str(path)])


def test_ours_as_it_was_issued(tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    file.write_bytes(msgspec.json.encode({**BODY, "signature": seal.signature(BODY, SECRET)}))
    shown = verify(file)
    assert shown.exit_code == 0, shown.output
    assert "signed here and unchanged; passed" in shown.output


def test_one_of_several_was_changed(tmp_path: Path) -> None:
    ours = {**BODY, "signature": seal.signature(BODY, SECRET)}
    file = tmp_path / "certificates.json"
    file.write_bytes(msgspec.json.encode([ours, {**ours, "business": "Garage"}]))
    shown = verify(file)
    assert shown.exit_code == 1
    assert "Garage" in shown.output
    assert "changed since" in shown.output


@pytest.mark.parametrize("content", ["", "<!doctype html>", "[1]"])
def test_what_is_no_certificate_is_told_from_one(tmp_path: Path, content: str) -> None:
    file = tmp_path / "certificate.html"
    file.write_text(content)
    shown = verify(file)
    assert shown.exit_code == 1
    assert "is no certificate" in shown.output
