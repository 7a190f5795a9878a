"""`agentlocator migrate`: the database's tables, up to date."""

from __future__ import annotations

import typer

from agentlocator.cli.setting import with_database
from agentlocator.db.engine import Database


def migrate() -> None:
    """Bring the database to this version's tables. `serve` does it too."""
    with_database(_migrated)
    typer.echo("The database is up to date.")


async def _migrated(_db: Database) -> None:
    """Opening it the way every verb does has migrated it."""
