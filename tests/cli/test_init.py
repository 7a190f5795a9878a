"""Setting a deployment up at a terminal: what is asked, what is checked when typed, what is shown before it is done."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import httpx2
import msgspec
import pytest
from typer.testing import CliRunner, Result

from agentlocator.cli import app, init, setting
from agentlocator.config import Settings
from provision.peers import ACCOUNT, MODEL_KEY, SECONDARY, TOKEN, Peers

pytestmark = pytest.mark.requirement("R52")

NUMBER = "+97235550101"
HERE = "https://localhost:9"
BIN = "https://handler.twilio.com/twiml/EH0123456789abcdef0123456789abcdef"
SECRETS = (MODEL_KEY, TOKEN, SECONDARY, "canary")
BUSINESS = ("מרפאת שיניים", "מרפאה", "+97235550199", "noa@example.com", BIN)


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peers:
    """An empty machine, and the peers' accounts with three numbers on two pages."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    found = Peers()
    for number in (NUMBER, "+97235550102", "+97235550103"):
        found.twilio.add(number)

    def client() -> httpx2.AsyncClient:
        return found.client()

    monkeypatch.setattr(init, "new_client", client)
    return found


def run(*words: str, typed: tuple[str, ...] = ()) -> Result:
    done = CliRunner().invoke(app, ["init", *words], input="".join(f"{line}\n" for line in typed))
    assert not [secret for secret in SECRETS if secret in done.output], done.output
    return done


def set_up(*words: str) -> Result:
    return run(*words, typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE, NUMBER, *BUSINESS, "y"))


def test_from_nothing_to_a_number_that_rings_here(peers: Peers, tmp_path: Path) -> None:
    done = set_up()
    assert done.exit_code == 0, done.output
    assert (
        "voice_url: https://demo.twilio.com/welcome/voice/ → https://localhost:9/webhook/incoming_call" in done.output
    )
    assert "status_callback: (empty) → https://localhost:9/webhook/call_status" in done.output
    assert f"voice_fallback_url: (empty) → {BIN}" in done.output
    assert "<Number>+97235550199</Number>" in done.output
    assert re.search(r"https://localhost:9/entry/[\w-]{43}", done.output)
    wired = next(iter(peers.twilio.numbers.values()))
    assert wired["voice_url"] == "https://localhost:9/webhook/incoming_call"
    assert (wired["status_callback"], wired["voice_fallback_url"]) == ("https://localhost:9/webhook/call_status", BIN)
    assert [e164 for e164, _ in peers.twilio.changes] == [NUMBER]
    # What was typed lies on the disk, and nobody reads it there.
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or not [one for one in SECRETS if one.encode() in file.read_bytes()], file
    shown = CliRunner().invoke(app, ["business", "show", NUMBER]).output
    assert "מרפאת שיניים" in shown


def test_what_was_kept_is_what_the_server_takes_and_the_environment_still_wins(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up()
    settings = setting.server_settings()
    assert settings.openai_api_key.get_secret_value() == MODEL_KEY
    assert settings.twilio_auth_tokens() == [TOKEN]
    assert settings.public_url == HERE
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "canary-of-the-environment")
    assert setting.server_settings().twilio_auth_tokens() == ["canary-of-the-environment"]


def test_a_second_run_asks_nothing_and_changes_nothing(peers: Peers) -> None:
    set_up()
    changes = len(peers.twilio.changes)
    again = run()
    assert again.exit_code == 0, again.output
    assert "Every number is wired already." in again.output
    assert len(peers.twilio.changes) == changes


def test_undo_brings_the_number_back(peers: Peers) -> None:
    before = msgspec.json.encode(peers.twilio.numbers)
    set_up()
    assert msgspec.json.encode(peers.twilio.numbers) != before
    undone = run("--undo", typed=("y",))
    assert undone.exit_code == 0, undone.output
    assert "incoming_call → https://demo.twilio.com/welcome/voice/" in undone.output
    assert msgspec.json.encode(peers.twilio.numbers) == before
    assert "Nothing was changed that is not undone." in run("--undo").output


def test_undo_leaves_what_somebody_else_has_set_since(peers: Peers) -> None:
    set_up()
    number = next(iter(peers.twilio.numbers.values()))
    number["voice_url"] = "https://somebody.example.com/voice"
    undone = run("--undo", "--yes")
    assert "voice_url was set by somebody since, and stays" in undone.output
    assert number["voice_url"] == "https://somebody.example.com/voice"
    assert number["status_callback"] == ""


def test_a_number_that_an_application_or_a_trunk_has_is_taken_from_it_and_given_back(peers: Peers) -> None:
    number = next(iter(peers.twilio.numbers.values()))
    number |= {"voice_application_sid": "AP" + "0" * 32, "trunk_sid": "TK" + "0" * 32}
    done = set_up()
    assert "trunk_sid: TK" in done.output
    assert (number["voice_application_sid"], number["trunk_sid"]) == ("", "")
    run("--undo", "--yes")
    assert (number["voice_application_sid"], number["trunk_sid"]) == ("AP" + "0" * 32, "TK" + "0" * 32)


def test_a_dry_run_shows_and_does_nothing(peers: Peers, tmp_path: Path) -> None:
    shown = run("--dry-run", typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE, NUMBER))
    assert shown.exit_code == 0, shown.output
    assert "→ https://localhost:9/webhook/incoming_call" in shown.output
    assert peers.twilio.changes == []
    with sqlite3.connect(tmp_path / "data" / "agentlocator.db") as db:
        for table in ("sealed_secret", "number_wiring", "business"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - names of our own
    db.close()


def test_no_changes_nothing(peers: Peers) -> None:
    done = run(typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE, NUMBER, *BUSINESS, "n"))
    assert done.exit_code == 1
    assert peers.twilio.changes == []


def test_each_credential_is_checked_as_it_is_typed_and_asked_for_again(peers: Peers) -> None:
    typed = ("sk-canary-typo", MODEL_KEY, "AC12", "x", ACCOUNT, SECONDARY, ACCOUNT, TOKEN)
    done = run(typed=(*typed, "voice.example.com", HERE, NUMBER, *BUSINESS, "y"))
    assert done.exit_code == 0, done.output
    assert "OpenAI does not know the key." in done.output
    assert "This is no account's SID." in done.output
    assert "only that one signs requests" in done.output
    assert "no https origin" in done.output


def test_after_three_wrong_keys_it_stops_and_keeps_none(peers: Peers) -> None:
    done = run(typed=("sk-canary-1", "sk-canary-2", "sk-canary-3"))
    assert done.exit_code == 1
    assert "Nothing was kept." in done.output


def test_a_kept_key_that_was_revoked_is_asked_for_anew(peers: Peers) -> None:
    set_up()
    peers.openai.key = "sk-canary-new"
    again = run(typed=("sk-canary-new",))
    assert again.exit_code == 0, again.output
    assert setting.server_settings().openai_api_key.get_secret_value() == "sk-canary-new"


def test_a_wrong_key_of_the_environment_is_to_be_corrected_there(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-the-environment")
    done = run()
    assert done.exit_code == 1
    assert "correct it there" in done.output


def test_a_trial_account_is_prepared_and_told(peers: Peers) -> None:
    peers.twilio.kind = "Trial"
    done = set_up()
    assert done.exit_code == 0
    assert "media streams are blocked" in done.output


def test_a_number_that_is_not_the_account_s_is_refused(peers: Peers) -> None:
    done = run("--number", "+97299999999", typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE))
    assert done.exit_code == 1
    assert "is not a number of the account" in done.output
    assert "no phone number" in run("--number", "abc").output


def test_the_carriers_refusal_is_told_and_leaves_nothing_to_undo(peers: Peers) -> None:
    done = run(
        "--fallback-url", "handler.twilio.com", typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE, NUMBER, *BUSINESS[:4], "y")
    )
    assert done.exit_code == 1
    assert "21502" in done.output
    assert "Nothing was changed that is not undone." in run("--undo").output


def test_a_key_lost_with_its_folder_is_survived_by_typing_again(peers: Peers, tmp_path: Path) -> None:
    set_up()
    (tmp_path / "data" / "vault_key").unlink()
    again = run(typed=(MODEL_KEY, ACCOUNT, TOKEN, HERE))
    assert again.exit_code == 0, again.output
    assert "does not open" in again.output
    assert setting.server_settings().twilio_auth_tokens() == [TOKEN]


def test_for_a_script_nothing_is_asked(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", MODEL_KEY)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("PUBLIC_URL", HERE)
    done = run("--yes", "--number", NUMBER, "--name", "מרפאה", "--owner", "noa@example.com")
    assert done.exit_code == 0, done.output
    assert peers.twilio.changes[0][1]["voice_url"] == f"{HERE}/webhook/incoming_call"
    assert "--yes asks for nothing" in run("--yes", "--number", "+97235550102").output
