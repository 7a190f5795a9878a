"""`agentlocator prompt`: the very system prompt a call is configured with (R31)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from agentlocator.assistant import instructions
from agentlocator.cli.business import profile_of

app = typer.Typer(help="What the assistant is told.", no_args_is_help=True)


@app.command()
def show(
    business: Annotated[str, typer.Argument(help="Its id, or a number of it.")],
    channel: Annotated[str, typer.Option(help="call or whatsapp.")] = "call",
) -> None:
    """Print the system prompt, as it would be sent now."""
    if channel not in ("call", "whatsapp"):
        raise typer.BadParameter("a channel is call or whatsapp")
    typer.echo(instructions.build(profile_of(business), "call" if channel == "call" else "whatsapp", datetime.now(UTC)))
