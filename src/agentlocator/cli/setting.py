"""What every verb does first: read the settings, or say in one sentence what is wrong with them and leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
import uvloop

from agentlocator import config
from agentlocator.db.engine import Database
from agentlocator.domain import vault
from agentlocator.domain.vault import Vault

T = TypeVar("T")

ENV_FILE = Path(".env")


def fail(sentence: str) -> NoReturn:
    """Ends the command with a message for people and exit code 1."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def server_settings(**given: object) -> config.Settings:
    """The settings of a server that answers calls; what nobody says otherwise is taken from the vault."""
    try:
        return config.load_with_kept(with_database(_sealed), ENV_FILE, **given)
    except config.SettingsError as fault:
        fail(str(fault))


def opened_vault() -> Vault:
    """The deployment's vault, with its key."""
    try:
        return Vault(config.load_storage().sealing_key())
    except config.SettingsError as fault:
        fail(str(fault))


async def _sealed(db: Database) -> dict[str, str]:
    try:
        async with db.operator() as operator:
            return await vault.kept(operator, opened_vault(), besides=config.outspoken(ENV_FILE))
    except vault.WrongKey as fault:
        fail(str(fault))


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a verb's work on the loop that calls use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Runs a verb's work on the configured database, migrated."""
    try:
        settings = config.load_storage()
    except config.SettingsError as fault:
        fail(str(fault))
    settings.data_dir.mkdir(parents=True, exist_ok=True)

    async def opened() -> T:
        try:
            db = await Database.open(settings.database())
        except ValueError as fault:
            fail(f"DATABASE_URL cannot be used: {fault}. Leave it out to use SQLite in DATA_DIR.")
        try:
            await db.migrate()
            return await work(db)
        finally:
            await db.close()

    return run(opened())
