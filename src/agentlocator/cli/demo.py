"""`agentlocator demo`: a caller phones a seeded Hebrew clinic, on real sockets."""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from agentlocator import telemetry
from agentlocator.cli.programme import Programme
from agentlocator.cli.setting import fail, run
from agentlocator.config import Settings, SettingsError, load
from agentlocator.rehearsal import showcase, theatre
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice

FOLDER = Path("data/demo")


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Show nothing while it runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as one JSON object.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Where the demo's data goes; emptied first.")] = FOLDER,
    seed: Annotated[int, typer.Option(help="Another seed, other accidents.")] = 1,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the dashboard of two businesses with a past.")] = False,
    port: Annotated[int, typer.Option(help="With --serve: the port; 0 takes any free one.")] = 8000,
) -> None:
    """Watch a call from greeting to hang-up, then the evidence. With --serve, look around instead.

    The caller and the carrier are simulated. So is the model, unless OPENAI_API_KEY is set.
    """
    if serve:
        _look_around(data_dir, seed, port)
        return
    real_model = _real_model()
    _empty(data_dir)
    quiet = headless or as_json
    log = telemetry.configure(level="error")
    try:
        call = run(_call(data_dir, seed, Console(quiet=quiet), real_model))
    finally:
        log.close()
    if as_json:
        typer.echo(msgspec.json.encode(call).decode())
    if call.appointment is None or call.complaints:
        fail("The call did not go as written: see its complaints.")


def _look_around(data_dir: Path, seed: int, port: int) -> None:
    """Serves until Ctrl-C."""
    _empty(data_dir)
    log = telemetry.configure(level="error")
    try:
        run(_serve(data_dir, seed, port))
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    except OSError as fault:
        fail(f"Port {port} cannot be used: {fault.strerror}. Choose another with --port.")
    finally:
        log.close()


async def _serve(folder: Path, seed: int, port: int) -> None:
    voice = Voice(folder.parent / "voices")
    typer.echo("Five weeks go by at a clinic and at a garage …")
    await showcase.furnish(folder, voice, seed=seed, now=datetime.now(UTC))
    async with theatre.opened(folder, SCENARIOS["demo"], voice=voice, seed=seed, port=port) as house:
        db = house.deployment.db
        typer.echo(f"Dashboard: {house.origin}")
        for who, email in (("Owner", showcase.OWNER), ("Operator", showcase.OPERATOR)):
            link = await showcase.entry_link(db, house.origin, email, now=datetime.now(UTC))
            typer.echo(f"{who}, once: {link}")
        typer.echo("Ctrl-C ends it.")
        await asyncio.wait({house.served})


async def _call(folder: Path, seed: int, console: Console, real_model: Settings | None) -> Evidence:
    scenario = SCENARIOS["demo"]
    programme = Programme(console)
    programme.title(scenario)
    async with theatre.opened(
        folder, scenario, voice=Voice(folder.parent / "voices"), seed=seed, real_model=real_model
    ) as house:
        (call,) = await house.perform(scenario, seed=seed, network_ms=40, jitter_ms=15, watch=programme.watch)
    programme.evidence(call)
    return call


def _real_model() -> Settings | None:
    """The user's own settings of the model, if he has a key: then the same call speaks with the real one."""
    if not os.environ.get("OPENAI_API_KEY"):
        return None
    try:
        return load(
            twilio_account_sid=theatre.ACCOUNT_SID, twilio_auth_token=theatre.AUTH_TOKEN, public_url="http://127.0.0.1"
        )
    except SettingsError as fault:
        fail(str(fault))


def _empty(folder: Path) -> None:
    """Forgets the last demo. Only a folder that a demo has made is emptied."""
    mark = folder / ".demo"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        fail(f"{folder} holds something that is not a demo's. Choose another folder with --data-dir.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    mark.touch()
