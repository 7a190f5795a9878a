"""What of a deployment's folder belongs in a backup: all but the databases themselves and what rehearsals leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url

from agentlocator.jobs.engine import address_beside

KEYS: Final = frozenset({"vault_key", "media_token_secret"})
# A demonstration's data, and the voices of simulated people.
REHEARSED: Final = frozenset({"demo", "voices"})


def database_file(url: URL) -> Path:
    assert url.database is not None, "SQLite has a file"
    return Path(url.database)


def jobs_file(url: URL) -> Path:
    """Where background work keeps its notes beside SQLite."""
    return database_file(make_url(address_beside(url)))


def files(data_dir: Path, url: URL, *, keys: bool) -> Iterator[Path]:
    """The files to keep, by their path inside the folder."""
    databases: tuple[Path, ...] = ()
    if url.get_backend_name() == "sqlite":
        databases = (database_file(url).absolute(), jobs_file(url).absolute())
    for path in sorted(data_dir.rglob("*")):
        inside = path.relative_to(data_dir)
        if path.is_symlink() or not path.is_file() or inside.parts[0] in REHEARSED or inside.parts[0].startswith("."):
            continue
        # SQLite's journals lie beside their database, under its name and a suffix.
        if any(str(path.absolute()).startswith(str(database)) for database in databases):
            continue
        if keys or str(inside) not in KEYS:
            yield inside
