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

T = TypeVar("T")


def fail(sentence: str) -> NoReturn:
    """Ends the command with a message for people and exit code 1."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def server_settings(**given: object) -> config.Settings:
    """The settings of a server that answers calls."""
    try:
        return config.load(Path(".env"), **given)
    except config.SettingsError as fault:
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
