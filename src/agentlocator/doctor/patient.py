"""A deployment as the doctor finds it: what it says of itself, and ways to look at it. Nothing is migrated or made."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import msgspec

from agentlocator import config
from agentlocator.clock import Clock, utc_now
from agentlocator.config import Settings, SettingsError, StorageSettings
from agentlocator.db.engine import Database, newest_revision
from agentlocator.domain import vault
from agentlocator.domain.vault import Vault, WrongKey


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class Patient(msgspec.Struct, frozen=True):
    """`complete` are the server's settings; None when they are not, and `incomplete` says why.

    `tls` is whom to trust at the public address, instead of whom this machine trusts.
    """

    storage: StorageSettings
    complete: Settings | None
    incomplete: str
    db: Database | None
    http: httpx2.AsyncClient
    env_file: Path = Path(".env")
    tls: ssl.SSLContext | None = None
    now: Clock = utc_now
    free_bytes: Callable[[Path], int] = _free_bytes

    @property
    def settings(self) -> Settings:
        assert self.complete is not None, "a check that needs the settings says so"
        return self.complete

    @property
    def database(self) -> Database:
        assert self.db is not None, "a check that needs the database says so"
        return self.db


@asynccontextmanager
async def admitted(env_file: Path, http: httpx2.AsyncClient) -> AsyncIterator[Patient]:
    """The deployment configured here. Raises SettingsError when not even its database can be named."""
    storage = config.load_storage(env_file)
    try:
        db = await Database.open(storage.database())
    except ValueError:
        db = None
    try:
        complete, incomplete = None, ""
        try:
            complete = config.load_with_kept(await _kept(storage, db, env_file), env_file)
        except SettingsError as fault:
            incomplete = str(fault)
        yield Patient(storage, complete, incomplete, db, http, env_file)
    finally:
        if db is not None:
            await db.close()


async def _kept(storage: StorageSettings, db: Database | None, env_file: Path) -> dict[str, str]:
    """What is kept sealed, where it can be read; that it cannot is for another check to say."""
    # Asking for the key would make one, and the doctor makes nothing.
    has_key = storage.vault_key is not None or (storage.data_dir / "vault_key").exists()
    if db is None or not has_key:
        return {}
    try:
        if await db.revision() != newest_revision():
            return {}
        async with db.operator() as operator:
            return await vault.kept(operator, Vault(storage.sealing_key()), besides=config.outspoken(env_file))
    except (OSError, WrongKey, SettingsError):
        return {}
