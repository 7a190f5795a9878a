"""`agentlocator serve`: the server that answers calls."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from typing import Annotated

import typer

from agentlocator import telemetry
from agentlocator.app import Deployment
from agentlocator.cli.setting import fail, run, server_settings
from agentlocator.config import Settings, SettingsError
from agentlocator.db.engine import Database
from agentlocator.server import Server

# A certification is over within a minute.
CERTIFY_S = 300


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the carrier's webhooks and media streams until told to stop."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = server_settings(**given)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    tokens = [settings.openai_api_key.get_secret_value(), *settings.twilio_auth_tokens()]
    log = telemetry.configure(
        level=settings.log_level,
        console=settings.log_console,
        secrets=tokens,
        milestones=settings.milestones(),
    )
    try:
        run(_serve(settings))
    except SettingsError as fault:
        fail(str(fault))
    finally:
        log.close()


async def _serve(settings: Settings) -> None:
    try:
        db = await Database.open(settings.database())
    except ValueError as fault:
        raise SettingsError(f"DATABASE_URL cannot be used: {fault}. Leave it out to use SQLite in DATA_DIR.") from None
    deployment = Deployment(settings, db, certify=partial(_certify_beside, settings))
    await Server(deployment, settings.host, settings.port).serve()


async def _certify_beside(settings: Settings, business_id: int, key: str) -> None:
    """A certification in a process of its own: the caller it plays must not take the calls' time."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    command = "from agentlocator.cli import app; app()"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        command,
        "certify",
        str(business_id),
        "--nightly",
        key,
        "--url",
        f"http://{host}:{settings.port}",
        "--json",
        stdout=asyncio.subprocess.DEVNULL,
        preexec_fn=lambda: os.nice(10),
    )
    try:
        async with asyncio.timeout(CERTIFY_S):
            await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
