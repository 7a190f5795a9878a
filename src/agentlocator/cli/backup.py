"""`agentlocator backup` and `agentlocator restore`: a deployment in one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL

from agentlocator import backup as deployment_file
from agentlocator import config
from agentlocator.backup import Damaged, Manifest, NotEmpty, ToolFailed
from agentlocator.cli.setting import fail, run
from agentlocator.config import StorageSettings
from agentlocator.db.engine import Database, newest_revision, revisions


def backup(
    file: Annotated[Path | None, typer.Argument(help="Where to; left out, a dated file in backups/.")] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave vault_key and media_token_secret out.")
    ] = False,
) -> None:
    """Write database, journals, media and keys to one file, while the server runs.

    It holds what callers said, and the keys unless they are left out: as private as DATA_DIR itself.
    """
    storage = _storage()
    now = datetime.now(UTC)
    target = file or Path("backups") / f"agentlocator-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    url, revision = run(_state(storage))
    if revision is None:
        fail("There is nothing to back up: the database has no tables yet.")
    try:
        manifest = deployment_file.take(url, revision, storage.data_dir, target, keys=not without_keys, now=now)
    except (ToolFailed, OSError) as fault:
        fail(str(fault))
    typer.echo(f"{target}: {_summary(manifest)}, {target.stat().st_size // 1024} KiB.")


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it, byte by byte, and place nothing.")] = False,
) -> None:
    """Put a backup where nothing is yet: into DATA_DIR and the database of the settings, brought up to date."""
    storage = _storage()
    url, revision = run(_state(storage, before_restoring=not dry_run))
    if revision is not None:
        fail("The database has tables already. A backup is restored into an empty one: set another DATABASE_URL.")
    known = frozenset(revisions())
    try:
        manifest = deployment_file.restore(file, url, storage.data_dir, known_revisions=known, dry_run=dry_run)
    except (Damaged, NotEmpty, ToolFailed, OSError) as fault:
        fail(str(fault))
    if dry_run:
        typer.echo(f"Whole: {_summary(manifest)}.")
        return
    run(_migrated(storage))
    typer.echo(f"Restored: {_summary(manifest)}. The tables are at revision {newest_revision()}.")


def _storage() -> StorageSettings:
    try:
        return config.load_storage()
    except config.SettingsError as fault:
        fail(str(fault))


async def _state(storage: StorageSettings, *, before_restoring: bool = False) -> tuple[URL, str | None]:
    """Which database it is, and the revision its tables are at."""
    try:
        db = await Database.open(storage.database())
    except ValueError as fault:
        fail(f"DATABASE_URL cannot be used: {fault}.")
    try:
        if _is_missing(db.url):
            return db.url, None
        if before_restoring and db.url.get_backend_name() == "postgresql":
            await db.prepare_for_restore()
        return db.url, await db.revision()
    except OSError as fault:
        fail(f"The database does not open: {type(fault).__name__}. See whether it runs.")
    finally:
        await db.close()


def _is_missing(url: URL) -> bool:
    # Asking a SQLite file that is not there would make it.
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


async def _migrated(storage: StorageSettings) -> None:
    db = await Database.open(storage.database())
    try:
        await db.migrate()
    finally:
        await db.close()


def _summary(manifest: Manifest) -> str:
    files = sum(name.startswith("files/") for name in manifest.members)
    made_at = f"{manifest.made_at:%F %R} UTC"
    return f"a {manifest.backend} database at revision {manifest.revision} and {files} files of {made_at}"
