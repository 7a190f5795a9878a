"""`agentlocator demo`: a caller phones a seeded Hebrew clinic, on real sockets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from agentlocator import telemetry
from agentlocator.cli.programme import Programme
from agentlocator.cli.setting import fail, run
from agentlocator.config import Settings, SettingsError, load
from agentlocator.rehearsal import theatre
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice

FOLDER = Path("data/demo")


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Show nothing while it runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the evidence as one JSON object.")] = False,
    data_dir: Annotated[Path, typer.Option(help="Where the demo's data goes; emptied first.")] = FOLDER,
    seed: Annotated[int, typer.Option(help="Another seed, other accidents.")] = 1,
) -> None:
    """Watch a call from greeting to hang-up, then the evidence.

    The caller and the carrier are simulated. So is the model, unless OPENAI_API_KEY is set.
    """
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
