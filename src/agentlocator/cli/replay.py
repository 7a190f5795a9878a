"""`agentlocator replay`: a recorded call through today's core, and where it would act differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentlocator import microscope
from agentlocator.call import journal
from agentlocator.cli.setting import fail

SHOWN = 20


def replay(
    path: Annotated[Path, typer.Argument(metavar="JOURNAL", help="A call's journal, a .jsonl file.")],
    plot: Annotated[bool, typer.Option("--plot", help="Draw the call as one HTML page instead.")] = False,
    out: Annotated[Path | None, typer.Option(help="The page; by default beside the journal.")] = None,
    scale: Annotated[
        float | None, typer.Option(min=1, max=2_000, help="Pixels per second of the page's time axis.")
    ] = None,
) -> None:
    """Re-run a recorded call and show every command that differs. Exit code 1 if one does."""
    try:
        if plot:
            _plot(path, out or path.with_suffix(".html"), scale)
        else:
            _compare(path)
    except journal.JournalError as fault:
        fail(f"{path}: {fault}.")
    except OSError as fault:
        fail(f"{fault.filename or path}: {fault.strerror}.")


def _plot(path: Path, out: Path, scale: float | None) -> None:
    with path.open("rb") as lines:
        picture = microscope.read_picture(lines)
    out.write_text(microscope.render(picture, scale), encoding="utf-8")
    typer.echo(f"{picture.events} events drawn: {out}")
    if picture.divergences:
        typer.secho(f"{picture.divergences} of them led to other commands than recorded.", fg=typer.colors.YELLOW)


def _compare(path: Path) -> None:
    with path.open("rb") as lines:
        events, divergences = journal.replay(lines)
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
