"""The database as a file, and back: SQLite by its own online backup, PostgreSQL by its own tools.

A password never stands on a command line, where any user of the machine could read it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL


class ToolFailed(Exception):
    """A database's own tool is missing or refused. The sentence says which, why, and what to do."""


def dump_sqlite(source: Path, target: Path) -> None:
    """A copy as of one moment, though it is written to meanwhile."""
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(address, uri=True)) as reading,
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        # The copy is one file, without a journal beside it that could be left behind.
        writing.execute("pragma journal_mode=delete")


def dump_postgresql(url: URL, target: Path) -> None:
    _run(url, "pg_dump", "--format=custom", "--no-owner", f"--file={target}")


def restore_postgresql(url: URL, source: Path) -> None:
    """Into an empty database, whole or not at all."""
    assert url.database is not None, "PostgreSQL's address names a database"
    target = f"--dbname={url.database}"
    _run(url, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", target, str(source))


def _run(url: URL, tool: str, *words: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise ToolFailed(
            f"{tool} is not installed. Remedy: apt-get install postgresql-client (not older than the server)."
        )
    done = subprocess.run(  # noqa: S603 - a program of PostgreSQL's, with words of ours
        [program, *words], env={**os.environ, **_environment(url)}, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines()
    why = said[0] if said else f"exit code {done.returncode}"
    if url.password:
        why = why.replace(str(url.password), "[secret]")
    raise ToolFailed(f"{tool}: {why}. {_remedy(why)}")


def _remedy(why: str) -> str:
    if "version mismatch" in why or "unsupported version" in why:
        return "Install a postgresql-client that is not older than the server."
    if "row-level security" in why:
        return "Run it with a DATABASE_URL of a superuser, or of a role with BYPASSRLS."
    return "See whether the database runs and DATABASE_URL's role may read and create all of it."


def _environment(url: URL) -> dict[str, str]:
    query = dict(url.query)
    given = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": url.port or query.get("port"),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("sslmode") or query.get("ssl"),
    }
    return {name: str(value) for name, value in given.items() if value}
