"""`agentlocator simulate`: any scenario of the repertoire, over sockets or in virtual time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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

PHONE_THEN_WHATSAPP = "phone-then-whatsapp"


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
    if scenario == PHONE_THEN_WHATSAPP:
        _phone_then_whatsapp(data_dir, seed, network_ms, as_json)
        return
    played = SCENARIOS.get(scenario)
    if played is None:
        fail(f"There is no scenario “{scenario}”. There are: {', '.join(SCENARIOS)}.")
    with _quietly_in(data_dir) as folder:
        calls = run(_play(played, folder, virtual, seed, network_ms, quiet=as_json))
    if as_json:
        for call in calls:
            typer.echo(msgspec.json.encode(call).decode())
    if any(call.complaints or call.outcome != played.outcome for call in calls):
        fail("The scenario did not go as written: see its complaints and its outcome.")


def _phone_then_whatsapp(data_dir: Path | None, seed: int, network_ms: int, as_json: bool) -> None:
    # Only this verb loads the written assistant, and the agents' library with it.
    from agentlocator.cli import phone_then_whatsapp

    with _quietly_in(data_dir) as folder:
        phone_then_whatsapp.play(folder, seed=seed, network_ms=network_ms, as_json=as_json)


@contextmanager
def _quietly_in(data_dir: Path | None) -> Iterator[Path]:
    """A folder for what is played, by default one that is gone afterwards; the log has nothing but errors."""
    log = telemetry.configure(level="error")
    try:
        with tempfile.TemporaryDirectory() as nowhere:
            folder = data_dir or Path(nowhere)
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
    finally:
        log.close()


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
    table.add_row(PHONE_THEN_WHATSAPP, "One person books by phone and moves the appointment in writing")
    Console().print(table)
