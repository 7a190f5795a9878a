"""The command's verbs, as somebody at a terminal uses them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from agentlocator.cli import app

CLINIC = "+97235550101"
RUNNER = CliRunner()
SETTINGS = ("OPENAI_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_URL", "DATABASE_URL", "DATA_DIR")


@pytest.fixture(autouse=True)
def _a_fresh_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, no `.env`, an empty folder, and a terminal wide enough for a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def agentlocator(*words: str) -> Result:
    return RUNNER.invoke(app, list(words))


def test_without_a_verb_it_says_what_it_can_do() -> None:
    shown = agentlocator().output

    for verb in ("demo", "serve", "simulate", "replay", "migrate", "business", "prompt"):
        assert verb in shown


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R20")
def test_the_demo_prints_one_json_object_with_the_evidence(tmp_path: Path) -> None:
    # In a process of its own: what it prints on a terminal must be the object and nothing else.
    demo = subprocess.run(
        [sys.executable, "-c", "from agentlocator.cli import app; app()", "demo", "--headless", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )

    assert demo.returncode == 0, demo.stderr
    call = msgspec.json.decode(demo.stdout)
    assert call["call_sid"].startswith("CA")
    assert call["tx"] > 500
    assert call["rx"] > 500
    assert call["frame_bytes"] == [160]
    assert call["bit_exact"] is True
    assert call["greeting_ms"] > 0
    assert [turn["speaker"] for turn in call["turns"]][:2] == ["assistant", "caller"]
    assert call["lead"]["name"] == "דנה כהן"
    assert call["lead"]["last_call_sid"] == call["call_sid"]
    assert call["appointment"]["call_sid"] == call["call_sid"]
    assert "ויצמן 14" in call["prompt"]
    assert (tmp_path / call["recording"]).read_bytes().startswith(b"RIFF")
    assert agentlocator("replay", str(tmp_path / call["journal"])).exit_code == 0


def test_the_demo_empties_only_a_folder_that_a_demo_made(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")

    demo = agentlocator("demo", "--data-dir", "mine")

    assert demo.exit_code == 1
    assert "--data-dir" in demo.stderr
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_the_repertoire_is_listed() -> None:
    shown = agentlocator("simulate").output

    assert "happy-booking" in shown
    assert "slot-taken" in shown


def test_a_scenario_is_played_in_virtual_time(tmp_path: Path) -> None:
    played = agentlocator("simulate", "impatient", "--virtual", "--json", "--data-dir", str(tmp_path))

    assert played.exit_code == 0, played.output
    call = msgspec.json.decode(played.stdout)
    assert call["outcome"] == "caller_hung_up"
    assert Path(call["journal"]).parent == tmp_path


def test_of_two_businesses_there_are_two_objects() -> None:
    played = agentlocator("simulate", "two-businesses", "--virtual", "--json")

    clinic, garage = (msgspec.json.decode(line) for line in played.stdout.splitlines())
    assert (clinic["business"], garage["business"]) == ("מרפאת שיניים ד״ר לוי", "מוסך הצפון")


def test_a_person_sees_the_transcript_and_the_evidence() -> None:
    shown = agentlocator("simulate", "barge-in", "--virtual").output

    assert "אני מעדיפה תור מוקדם יותר" in shown
    assert re.search(r"interrupted: \d+ of \d+ ms heard", shown)
    assert re.search(r"answered in \d+ ms", shown)
    assert re.search(r"tool calendar_find_slots", shown)
    assert "sizes [160]" in shown


def test_an_unknown_scenario_is_told_which_there_are() -> None:
    played = agentlocator("simulate", "armageddon")

    assert played.exit_code == 1
    assert "happy-booking" in played.stderr


def test_a_journal_replays_and_an_altered_one_does_not(tmp_path: Path) -> None:
    played = agentlocator("simulate", "impatient", "--virtual", "--json", "--data-dir", str(tmp_path))
    path = Path(msgspec.json.decode(played.stdout)["journal"])

    same = agentlocator("replay", str(path))
    assert same.exit_code == 0
    assert re.search(r"\d+ events replayed", same.output)

    # One frame that was played says it was another one.
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    altered = next(n for n, line in enumerate(lines) if '"PlayFrame"' in line)
    lines[altered] = re.sub(r'"crc32":\d+', '"crc32":1', lines[altered], count=1)
    path.write_text("".join(lines), encoding="utf-8")

    other = agentlocator("replay", str(path))
    assert other.exit_code == 1
    assert f"line {altered + 1}," in other.output


@pytest.mark.parametrize("content", [None, "", "{}\n", "hello\n"])
def test_what_is_no_journal_is_refused_with_a_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "call.jsonl"
    if content is not None:
        path.write_text(content)

    refused = agentlocator("replay", str(path))

    assert refused.exit_code == 1
    assert "call.jsonl" in refused.stderr
    assert "Traceback" not in refused.output


def test_a_journal_that_was_cut_short_is_replayed_as_far_as_it_goes(tmp_path: Path) -> None:
    played = agentlocator("simulate", "impatient", "--virtual", "--json", "--data-dir", str(tmp_path))
    path = Path(msgspec.json.decode(played.stdout)["journal"])
    path.write_bytes(path.read_bytes()[:-20])

    assert agentlocator("replay", str(path)).exit_code == 0


def test_migrate_makes_the_database_in_the_data_folder(tmp_path: Path) -> None:
    assert agentlocator("migrate").exit_code == 0
    assert agentlocator("migrate").exit_code == 0

    assert (tmp_path / "data" / "agentlocator.db").stat().st_size > 0


@pytest.mark.requirement("R30")
def test_a_business_is_added_listed_and_shown() -> None:
    added = agentlocator("business", "add", "פיצה רומא", "--number", "+97239876543", "--kind", "פיצרייה")
    assert added.exit_code == 0, added.output

    assert "+97239876543" in agentlocator("business", "list").output
    for name in ("1", "+97239876543"):
        shown = agentlocator("business", "show", name)
        assert shown.exit_code == 0
        assert "פיצה רומא" in shown.output
        assert "שלום, הגעתם אל פיצה רומא" in shown.output


def test_a_number_rings_at_one_business_only() -> None:
    agentlocator("business", "add", "ראשון", "--number", "+97239876543")

    second = agentlocator("business", "add", "שני", "--number", "+97239876543")

    assert second.exit_code == 1
    assert "Traceback" not in second.output
    assert "שני" not in agentlocator("business", "list").output


@pytest.mark.requirement("R30")
def test_a_business_has_as_many_numbers_as_it_is_dialled_at() -> None:
    agentlocator("business", "add", "ראשון", "--number", "+97239876543")
    agentlocator("business", "add", "שני", "--number", "+97239876544")

    assert agentlocator("business", "number", "1", "+97239876545").exit_code == 0
    assert "ראשון" in agentlocator("business", "show", "+97239876545").output
    taken = agentlocator("business", "number", "1", "+97239876544")
    assert (taken.exit_code, taken.stderr.strip()) == (1, "+97239876544 rings at a business already.")
    no_number = agentlocator("business", "number", "1", "call me")
    assert no_number.exit_code == 1
    assert "Traceback" not in no_number.output

    assert agentlocator("business", "number", "1", "03-9876543", "--remove").exit_code == 0
    assert agentlocator("business", "show", "+97239876543").exit_code == 1
    assert agentlocator("business", "number", "1", "+97239876544", "--remove").exit_code == 1, "it is another's"


def test_a_number_that_is_none_is_refused_with_a_sentence() -> None:
    refused = agentlocator("business", "add", "ראשון", "--number", "call me")

    assert refused.exit_code == 1
    assert refused.stderr.strip()
    assert "Traceback" not in refused.output


def test_a_business_that_does_not_exist_is_told_where_to_look() -> None:
    refused = agentlocator("business", "show", "7")

    assert refused.exit_code == 1
    assert "business list" in refused.stderr


@pytest.mark.requirement("R31")
def test_the_system_prompt_can_be_seen() -> None:
    agentlocator("business", "add", "פיצה רומא", "--number", "+97239876543", "--prompt", "אין משלוחים בשבת.")

    shown = agentlocator("prompt", "show", "1")

    assert shown.exit_code == 0
    assert "פיצה רומא" in shown.output
    assert "אין משלוחים בשבת." in shown.output
    assert agentlocator("prompt", "show", "1", "--channel", "whatsapp").output != shown.output
    assert agentlocator("prompt", "show", "1", "--channel", "fax").exit_code == 2


@pytest.mark.parametrize("missing", SETTINGS[:4])
def test_a_missing_setting_names_itself_and_the_remedy(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _complete().items():
        if name != missing:
            monkeypatch.setenv(name, value)

    refused = agentlocator("serve", "--port", "0")

    assert refused.exit_code == 1
    assert f"{missing} is not set." in refused.stderr
    assert ".env" in refused.stderr
    assert sum(name in refused.stderr for name in SETTINGS) == 1


def test_a_wrong_setting_is_described_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**_complete(), "PUBLIC_URL": "http://user:hunter2@example.com/x"}.items():
        monkeypatch.setenv(name, value)

    refused = agentlocator("serve", "--port", "0")

    assert refused.exit_code == 1
    assert "PUBLIC_URL is refused" in refused.stderr
    assert "hunter2" not in refused.output


def test_an_unusable_database_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://example/db")

    refused = agentlocator("business", "list")

    assert refused.exit_code == 1
    assert "DATABASE_URL cannot be used" in refused.stderr
    assert "Traceback" not in refused.output


def _complete() -> dict[str, str]:
    assert not os.environ.get("OPENAI_API_KEY"), "the tests start without settings"
    return {
        "OPENAI_API_KEY": "sk-of-nobody",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token",
        "PUBLIC_URL": "https://voice.example.com",
    }
