"""`agentlocator simulate phone-then-whatsapp`: one person books by phone and moves the appointment in writing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from agentlocator.cli.programme import Programme, visual
from agentlocator.cli.setting import fail, run
from agentlocator.rehearsal import whatsapp

NAME = whatsapp.NAME
TITLE = whatsapp.TITLE


def play(folder: Path, *, seed: int, network_ms: int, as_json: bool) -> None:
    """Play it, shown as it happens or as one JSON object; it ends the command with an error when it went wrong."""
    console = Console(quiet=as_json)
    console.print(f"[bold]{NAME}[/bold] · {TITLE}\n")

    def show(who: str, text: str) -> None:
        line = Text(f"{'':10}")
        line.append(f"{who:10}", style="yellow" if who == "lead" else "cyan")
        line.append(visual(text))
        console.print(line, soft_wrap=True)

    played = run(
        whatsapp.perform(folder, seed=seed, network_ms=network_ms, call_watch=Programme(console).watch, watch=show)
    )
    if as_json:
        typer.echo(msgspec.json.encode(played).decode())
    else:
        moved = f"{played.booked.get('starts_local')} → {played.appointment.get('starts_local')}"
        console.print(f"\nlead {played.lead['id']}, appointment {played.appointment.get('id')}: {moved}")
    if played.complaints:
        fail("It did not go as written: " + "; ".join(played.complaints))
