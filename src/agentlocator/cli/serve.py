"""`agentlocator serve`: the server that answers calls."""

from __future__ import annotations

from typing import Annotated

import typer

from agentlocator import app, telemetry
from agentlocator.cli.setting import fail, run, server_settings
from agentlocator.config import Settings, SettingsError
from agentlocator.db.engine import Database


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the carrier's webhooks and media streams until told to stop."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = server_settings(**given)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    tokens = [settings.openai_api_key.get_secret_value(), *settings.twilio_auth_tokens()]
    log = telemetry.configure(level=settings.log_level, console=settings.log_console, secrets=tokens)
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
    deployment = app.Deployment(settings, db)
    await app.server(deployment, settings.host, settings.port).serve()
