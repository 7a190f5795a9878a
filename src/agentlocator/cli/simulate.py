"""`agentlocator simulate`: any scenario of the repertoire, over sockets or in virtual time."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from agentlocator import telemetry
from agentlocator.cli.programme import Programme
from agentlocator.cli.setting import fail, run
from agentlocator.rehearsal import stage, theatre
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.scenarios import SCENARIOS


def simulate(
    scenario: Annotated[str, typer.Argument(help="Its name; without one, the repertoire is listed.")] = "",
    virtual: Annotated[bool, typer.Option("--virtual", help="In virtual time: no sockets, no waiting.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per call and nothing else.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed, other accidents.")] = 1,
    network_ms: Annotated[int, typer.Option(help="One-way delay between carrier and server.")] = 40,
    data_dir: Annotated[Path | None, typer.Option(help="Where its data stays; by default nowhere.")] = None,
) -> None:
    """Play one scenario against the product."""
    if not scenario:
        _list()
        return
    played = SCENARIOS.get(scenario)
    if played is None:
        fail(f"There is no scenario “{scenario}”. There are: {', '.join(SCENARIOS)}.")
    log = telemetry.configure(level="error")
    try:
        with tempfile.TemporaryDirectory() as nowhere:
            folder = data_dir or Path(nowhere)
            folder.mkdir(parents=True, exist_ok=True)
            calls = run(_play(played, folder, virtual, seed, network_ms, quiet=as_json))
    finally:
        log.close()
    if as_json:
        for call in calls:
            typer.echo(msgspec.json.encode(call).decode())
    if any(call.complaints or call.outcome != played.outcome for call in calls):
        fail("The scenario did not go as written: see its complaints and its outcome.")


async def _play(
    scenario: Scenario, folder: Path, virtual: bool, seed: int, network_ms: int, quiet: bool
) -> list[Evidence]:
    programme = Programme(Console(quiet=quiet))
    programme.title(scenario)
    if virtual:
        calls = await stage.perform(scenario, folder, seed=seed, watch=programme.watch)
    else:
        async with theatre.opened(folder, scenario, seed=seed) as house:
            calls = await house.perform(scenario, seed=seed, network_ms=network_ms, watch=programme.watch)
    for call in calls:
        programme.evidence(call)
    return calls


def _list() -> None:
    table = Table("scenario", "what happens")
    for scenario in SCENARIOS.values():
        table.add_row(scenario.name, scenario.title)
    Console().print(table)
