"""What a deployment is told to be, and what it is told when that makes no sense."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from agentlocator.config import Settings, SettingsError, StorageSettings, load, load_storage, load_with_kept

COMPLETE = {
    "OPENAI_API_KEY": "sk-canary-openai",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": "canary-twilio",
    "PUBLIC_URL": "https://voice.example.com/",
}
EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def an_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.requirement("R3")
def test_the_defaults_of_a_deployment_that_says_only_who_it_is(deployed: pytest.MonkeyPatch) -> None:
    settings = load(None)
    assert settings.openai_realtime_url == "wss://api.openai.com/v1/realtime"
    assert settings.openai_realtime_model == "gpt-realtime-2.1"
    assert settings.openai_realtime_voice == "shimmer"
    assert settings.twilio_api_url == "https://api.twilio.com"
    assert settings.public_url == "https://voice.example.com"
    assert settings.stream_url("/twilio/media/7") == "wss://voice.example.com/twilio/media/7"
    assert settings.database() == "sqlite+aiosqlite:///data/agentlocator.db"
    assert settings.twilio_auth_tokens() == ["canary-twilio"]


def test_the_second_speech_engine_is_off_unless_asked_for(deployed: pytest.MonkeyPatch) -> None:
    assert load(None).enable_streaming_stt is False
    deployed.setenv("ENABLE_STREAMING_STT", "true")
    assert load(None).enable_streaming_stt is True


def test_the_file_fills_in_and_the_environment_wins(deployed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OPENAI_REALTIME_VOICE=marin\nPORT=9000\nSOMETHING_ELSE=1\nTWILIO_AUTH_TOKEN_NEXT=\n")
    deployed.setenv("PORT", "9001")
    settings = load(file)
    assert settings.openai_realtime_voice == "marin"
    assert settings.port == 9001
    assert settings.twilio_auth_token_next is None
    assert load(file, port=9002).port == 9002


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("WHATSAPP_ACCESS_TOKEN", "WHATSAPP_APP_SECRET and WHATSAPP_VERIFY_TOKEN"),
        ("BRIDGE_SECRET", "BRIDGE_URL"),
    ],
)
def test_half_a_transport_is_refused_with_what_it_lacks(deployed: pytest.MonkeyPatch, name: str, missing: str) -> None:
    deployed.setenv(name, "canary-" * 5)
    with pytest.raises(SettingsError, match=missing) as refused:
        load(None)
    assert "canary" not in str(refused.value)


def test_nothing_is_written_unless_a_transport_is_configured(deployed: pytest.MonkeyPatch) -> None:
    assert not load(None).writes
    deployed.setenv("WHATSAPP_OVER_TWILIO", "true")
    assert load(None).writes


def test_both_tokens_of_a_rotation_count(deployed: pytest.MonkeyPatch) -> None:
    deployed.setenv("TWILIO_AUTH_TOKEN_NEXT", "next")
    assert load(None).twilio_auth_tokens() == ["canary-twilio", "next"]


def test_everything_that_is_missing_is_named_at_once_with_its_remedy() -> None:
    with pytest.raises(SettingsError) as raised:
        load(None)
    message = str(raised.value)
    for name in COMPLETE:
        assert f"{name} is not set." in message
    assert "Twilio console" in message


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("PUBLIC_URL", "http://voice.example.com", "https origin"),
        ("PUBLIC_URL", "https://voice.example.com/app", "https origin"),
        ("PUBLIC_URL", "https://user:pw@voice.example.com", "https origin"),
        ("PUBLIC_URL", "https://voice.example.com?a=1", "https origin"),
        ("TWILIO_ACCOUNT_SID", "canary-sid", "begins with AC"),
        ("OPENAI_REALTIME_URL", "https://api.openai.com", "wss://"),
        ("MEDIA_TOKEN_SECRET", "canary-short", "32 characters"),
        ("PORT", "canary-port", "integer"),
        ("PORT", "70000", "65535"),
        ("REALTIME_CONNECT_TIMEOUT_S", "0", "greater than 0"),
    ],
)
def test_a_refused_setting_is_named_without_its_value(
    deployed: pytest.MonkeyPatch, name: str, value: str, fault: str
) -> None:
    deployed.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} is refused.*{fault}") as raised:
        load(None)
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_secrets_do_not_show(deployed: pytest.MonkeyPatch) -> None:
    deployed.setenv("DATABASE_URL", "postgresql+asyncpg://me:canary-db@host/name")
    settings = load(None)
    assert settings.database().endswith("canary-db@host/name")
    assert "canary" not in repr(settings)


def test_a_command_of_the_database_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/srv/agentlocator")
    storage = load_storage(None)
    assert type(storage) is StorageSettings
    assert storage.database() == "sqlite+aiosqlite:////srv/agentlocator/agentlocator.db"


def test_a_media_secret_is_made_once_and_kept_from_others(deployed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deployed.setenv("DATA_DIR", str(tmp_path / "data"))
    first, second = load(None).media_secret(), load(None).media_secret()
    assert first == second
    assert len(first) >= 32
    (kept,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_servers_that_start_together_agree_on_one_secret(deployed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(None, data_dir=tmp_path)
    together = threading.Barrier(8)
    made: list[str] = []

    def start() -> None:
        together.wait()
        made.append(settings.media_secret())

    servers = [threading.Thread(target=start) for _ in range(8)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert len(made) == 8
    assert len(set(made)) == 1


def test_a_configured_media_secret_is_used_and_an_unkeepable_one_is_explained(
    deployed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load(None, media_token_secret="s" * 32).media_secret() == "s" * 32
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        load(None, data_dir=file).media_secret()


def test_the_example_explains_every_setting_and_no_other() -> None:
    named = {
        line.lstrip("#").partition("=")[0]
        for line in EXAMPLE.read_text(encoding="utf-8").splitlines()
        if "=" in line and line.lstrip("#")[:1].isupper()
    }
    assert named == {name.upper() for name in Settings.model_fields}


def test_what_was_kept_counts_only_where_nobody_says_otherwise(deployed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("OPENAI_REALTIME_VOICE=marin\n")
    deployed.delenv("TWILIO_AUTH_TOKEN")
    kept = {"twilio_auth_token": "kept", "openai_api_key": "kept", "openai_realtime_voice": "kept"}
    settings = load_with_kept(kept, file)
    assert settings.twilio_auth_tokens() == ["kept"]
    assert settings.openai_api_key.get_secret_value() == "sk-canary-openai"
    assert settings.openai_realtime_voice == "marin"
    assert load_with_kept(kept, file, openai_realtime_voice="given").openai_realtime_voice == "given"


def test_the_vault_s_key_is_made_once_and_a_short_one_is_refused(tmp_path: Path) -> None:
    storage = load_storage(None, data_dir=tmp_path)
    assert storage.sealing_key() == storage.sealing_key()
    assert stat.S_IMODE((tmp_path / "vault_key").stat().st_mode) == 0o600
    assert load_storage(None, vault_key="s" * 32).sealing_key() == "s" * 32
    with pytest.raises(SettingsError, match=r"VAULT_KEY is refused.*32 characters"):
        load_storage(None, vault_key="canary-short")
