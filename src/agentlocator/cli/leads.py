"""`agentlocator leads`: a business's leads as a file, in and out."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agentlocator.cli.business import profile_of
from agentlocator.cli.setting import fail, with_database
from agentlocator.db.engine import Database
from agentlocator.domain import lead_file
from agentlocator.domain.lead_file import Imported

app = typer.Typer(help="A business's leads as a file, in and out.", no_args_is_help=True)

BUSINESS = Annotated[str, typer.Argument(help="Its id, or a number of it.")]


@app.command("export")
def export(
    business: BUSINESS, out: Annotated[Path | None, typer.Option(help="By default standard output.")] = None
) -> None:
    """Write the leads as CSV, in UTF-8 with the mark by which Excel knows it."""
    business_id = profile_of(business).business_id

    async def work(db: Database) -> str:
        async with db.reading(business_id) as scope:
            return await lead_file.export(scope)

    content = with_database(work).encode("utf-8-sig")
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        out.write_bytes(content)


@app.command("import")
def import_(business: BUSINESS, file: Annotated[Path, typer.Argument(help="A CSV file with a column phone.")]) -> None:
    """Take leads in from CSV. Lines that cannot be read are named and left out."""
    business_id = profile_of(business).business_id
    try:
        content = file.read_bytes()
    except OSError as fault:
        fail(f"{file} cannot be read: {fault.strerror}.")

    async def work(db: Database) -> Imported:
        async with db.scope(business_id) as scope:
            return await lead_file.load(scope, content, actor="cli", now=datetime.now(UTC))

    try:
        imported = with_database(work)
    except lead_file.BadFile as fault:
        fail(f"{file} is not a list of leads: {fault.code}. It needs a heading with the column phone.")
    for bad in imported.bad_rows:
        typer.secho(f"line {bad.line} was left out: {bad.code}", fg=typer.colors.YELLOW, err=True)
    typer.echo(f"{imported.leads} leads taken in.")
