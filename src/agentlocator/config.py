"""The deployment's settings, from the environment and `.env`: read once, checked whole, then plain values.

A business's own settings are rows of the database, never here. A refused setting is described without its value.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict


class SettingsError(Exception):
    """The deployment is not configured. The message names each setting, its fault and the remedy."""


def _is_long_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 32:
        raise ValueError("must have 32 characters or more")
    return secret


class StorageSettings(BaseSettings):
    """What a command needs that only touches the database."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore")

    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    """Empty means SQLite in `data_dir`; `database()` is what to connect to."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_console: bool = False
    vault_key: Annotated[SecretStr, AfterValidator(_is_long_secret)] | None = None

    def database(self) -> str:
        """The database to connect to. It may hold a password: not for logs."""
        return self.database_url.get_secret_value() or f"sqlite+aiosqlite:///{self.data_dir / 'agentlocator.db'}"

    def sealing_key(self) -> str:
        """What the vault seals with: the configured key, or one made once and kept in `data_dir`.

        Raises SettingsError when it can neither be read nor kept.
        """
        return self._secret("vault_key", self.vault_key)

    def _secret(self, name: str, configured: SecretStr | None) -> str:
        if configured is not None:
            return configured.get_secret_value()
        try:
            return _kept_secret(self.data_dir / name)
        except OSError as fault:
            raise SettingsError(
                f"{name.upper()} is not set and none can be kept in DATA_DIR ({fault.strerror}). "
                f"Make DATA_DIR writable, or set {name.upper()}."
            ) from None

    def milestones(self) -> Path:
        """Where the log lines that every good call has are kept."""
        return self.data_dir / "calls.log"


def _is_public_origin(url: str) -> str:
    parts = urlsplit(url)
    # Without TLS only on this machine itself: a carrier elsewhere would refuse it, and a caller's voice is private.
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not secure or not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
        raise ValueError("must be an https origin, such as https://voice.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _is_socket_url(url: str) -> str:
    if urlsplit(url).scheme not in ("wss", "ws") or "?" in url:
        raise ValueError("must be a wss:// URL without a query")
    return url


def _is_http_url(url: str) -> str:
    if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname or "?" in url:
        raise ValueError("must be an https:// URL without a query")
    return url.rstrip("/")


def _is_hour(hour: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", hour):
        raise ValueError("must be an hour such as 03:30")
    return hour


def _is_account_sid(sid: str) -> str:
    if not re.fullmatch("AC[0-9a-zA-Z]{8,62}", sid):
        raise ValueError("must be the account's SID, which begins with AC")
    return sid


_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_TimeoutS = Annotated[float, Field(gt=0, le=60)]


class Settings(StorageSettings):
    """Everything a server that answers calls needs. Timeouts are in seconds."""

    openai_api_key: SecretStr
    openai_realtime_url: Annotated[str, AfterValidator(_is_socket_url)] = "wss://api.openai.com/v1/realtime"
    openai_realtime_model: str = "gpt-realtime-2.1"
    openai_realtime_voice: str = "shimmer"
    openai_api_url: Annotated[str, AfterValidator(_is_http_url)] = "https://api.openai.com/v1"
    realtime_connect_timeout_s: _TimeoutS = 5.0
    realtime_session_timeout_s: _TimeoutS = 5.0

    twilio_account_sid: Annotated[str, AfterValidator(_is_account_sid)]
    twilio_auth_token: SecretStr
    twilio_auth_token_next: SecretStr | None = None
    twilio_api_url: str = "https://api.twilio.com"
    stream_start_timeout_s: _TimeoutS = 5.0
    media_token_secret: Annotated[SecretStr, AfterValidator(_is_long_secret)] | None = None

    whatsapp_model: str = "gpt-5.6-luna"
    whatsapp_access_token: SecretStr | None = None
    whatsapp_app_secret: SecretStr | None = None
    whatsapp_verify_token: SecretStr | None = None
    whatsapp_api_url: Annotated[str, AfterValidator(_is_http_url)] = "https://graph.facebook.com"
    whatsapp_over_twilio: bool = False
    bridge_url: Annotated[str, AfterValidator(_is_http_url)] | None = None
    bridge_secret: Annotated[SecretStr, AfterValidator(_is_long_secret)] | None = None

    oidc_issuer: Annotated[str, AfterValidator(_is_http_url)] | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_label: str = "SSO"

    public_url: Annotated[str, AfterValidator(_is_public_origin)]
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    enable_streaming_stt: bool = False

    certify_at: Annotated[str, AfterValidator(_is_hour)] | None = None
    operator_webhook_url: Annotated[str, AfterValidator(_is_http_url)] | None = None
    operator_email: str = ""
    operator_whatsapp: str = ""
    operator_whatsapp_from: str = ""
    smtp_url: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _are_whole(self) -> Self:
        """A transport or a provider with half of its settings would look alive and answer nobody."""
        together = (
            ("whatsapp_access_token", "whatsapp_app_secret", "whatsapp_verify_token"),
            ("bridge_url", "bridge_secret"),
            ("oidc_issuer", "oidc_client_id", "oidc_client_secret"),
        )
        for names in together:
            missing = [name.upper() for name in names if getattr(self, name) is None]
            if 0 < len(missing) < len(names):
                raise ValueError(f"{' and '.join(missing)} must be set too, or none of those settings")
        if self.operator_email and not self.smtp_url.get_secret_value():
            raise ValueError("SMTP_URL must be set too, or OPERATOR_EMAIL has nobody to send it")
        if self.operator_whatsapp and not (self.whatsapp_over_twilio and self.operator_whatsapp_from):
            raise ValueError("OPERATOR_WHATSAPP needs OPERATOR_WHATSAPP_FROM and WHATSAPP_OVER_TWILIO=true")
        return self

    @property
    def writes(self) -> bool:
        """Whether any WhatsApp transport is configured."""
        return self.whatsapp_access_token is not None or self.whatsapp_over_twilio or self.bridge_url is not None

    def twilio_auth_tokens(self) -> list[str]:
        """The tokens a request may be signed with: two during a rotation."""
        tokens = [self.twilio_auth_token, self.twilio_auth_token_next]
        return [token.get_secret_value() for token in tokens if token is not None]

    def stream_url(self, path: str) -> str:
        """The public WebSocket URL of a path of ours: `wss://`, or `ws://` on this machine itself."""
        return "ws" + self.public_url.removeprefix("http") + path

    def media_secret(self) -> str:
        """What stream tokens are sealed with: the configured secret, or one made once and kept in `data_dir`.

        Raises SettingsError when it can neither be read nor kept.
        """
        return self._secret("media_token_secret", self.media_token_secret)


def load(env_file: Path | None = Path(".env"), **given: object) -> Settings:
    """The server's settings; `given` ones win over the environment, which wins over the file.

    Raises SettingsError, with every fault in one message.
    """
    return _loaded(Settings, env_file, given)


def load_with_kept(kept: Mapping[str, str], env_file: Path | None = Path(".env"), **given: object) -> Settings:
    """The server's settings, where whatever is said otherwise wins over what was kept. Raises SettingsError."""
    said = outspoken(env_file)
    return _loaded(Settings, env_file, {name: text for name, text in kept.items() if name not in said} | given)


def outspoken(env_file: Path | None = Path(".env")) -> dict[str, Any]:
    """The settings that the environment or the file has a value for, unchecked. Some of the values are secrets."""
    sources = (DotEnvSettingsSource(Settings, env_file=env_file), EnvSettingsSource(Settings))
    return {name: value for source in sources for name, value in source().items() if name in Settings.model_fields}


def public_origin(url: str) -> str:
    """An address as PUBLIC_URL takes it. Raises ValueError."""
    return _is_public_origin(url)


def load_storage(env_file: Path | None = Path(".env"), **given: object) -> StorageSettings:
    """The settings of a command that needs no account anywhere. Raises SettingsError."""
    return _loaded(StorageSettings, env_file, given)


_Loaded = TypeVar("_Loaded", bound=StorageSettings)


def _loaded(kind: type[_Loaded], env_file: Path | None, given: dict[str, Any]) -> _Loaded:
    try:
        return kind(**{"_env_file": env_file, **given})
    except ValidationError as refused:
        # The original error quotes the values, and some of them are secrets.
        faults = [_sentence(error["loc"], error["type"], error["msg"]) for error in refused.errors()]
    raise SettingsError("\n".join(["The settings are not complete:", *faults]))


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return f"  {message.removeprefix('Value error, ')}."
    name = str(location[0]).upper()
    if kind == "missing":
        return f"  {name} is not set. {_REMEDIES.get(name, 'Set it in the environment or in .env.')}"
    fault = message.removeprefix("Value error, ")
    remedy = _REMEDIES.get(name, "Correct it in the environment or in .env; .env.example explains it.")
    return f"  {name} is refused: {fault[:1].lower()}{fault[1:]}. {remedy}"


_MADE = "Leave it out, and one is made; or give the output of: openssl rand -hex 32"
_REMEDIES = {
    "OPENAI_API_KEY": "Make a key in the OpenAI console; `agentlocator init` asks for it, or put it in .env.",
    "TWILIO_ACCOUNT_SID": "See the Twilio console; `agentlocator init` asks for it, or put it in .env.",
    "TWILIO_AUTH_TOKEN": "The primary one of the Twilio console; `agentlocator init` asks for it, or put it in .env.",
    "PUBLIC_URL": "Where Twilio reaches this server; `agentlocator init` asks for it, or put it in .env.",
    "MEDIA_TOKEN_SECRET": _MADE,
    "VAULT_KEY": _MADE,
}


def _kept_secret(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600. Linking it is atomic: of two processes starting at once, one secret wins whole.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    return path.read_text(encoding="ascii").strip()
