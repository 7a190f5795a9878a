"""`agentlocator replay`: a recorded call through today's core, and where it would act differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentlocator.call import journal
from agentlocator.cli.setting import fail

SHOWN = 20


def replay(
    path: Annotated[Path, typer.Argument(metavar="JOURNAL", help="A call's journal, a .jsonl file.")],
) -> None:
    """Re-run a recorded call and show every command that differs. Exit code 1 if one does."""
    try:
        with path.open("rb") as lines:
            events, divergences = journal.replay(lines)
    except OSError as fault:
        fail(f"{path} cannot be read: {fault.strerror}.")
    except journal.JournalError as fault:
        fail(f"{path}: {fault}.")
    for divergence in divergences[:SHOWN]:
        typer.secho(f"line {divergence.line}, at {divergence.at_ms} ms", bold=True)
        for recorded in divergence.recorded:
            if recorded not in divergence.replayed:
                typer.secho(f"  - {recorded}", fg=typer.colors.RED)
        for replayed in divergence.replayed:
            if replayed not in divergence.recorded:
                typer.secho(f"  + {replayed}", fg=typer.colors.GREEN)
    if len(divergences) > SHOWN:
        typer.echo(f"… and {len(divergences) - SHOWN} more")
    if divergences:
        fail(f"{len(divergences)} of {events} events led to other commands than recorded.")
    typer.echo(f"{events} events replayed: every command is the same, bit for bit.")
