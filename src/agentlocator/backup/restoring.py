"""Puts a backup where nothing is yet. All is checked before anything is placed; what is there is never replaced."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO

from sqlalchemy.engine import URL

from agentlocator.backup import archive, contents, dump
from agentlocator.backup.archive import Damaged, Manifest


class NotEmpty(Exception):
    """There is something already where the backup should go. The sentence names it."""


def restore(
    source: Path, url: URL, data_dir: Path, *, known_revisions: frozenset[str], dry_run: bool = False
) -> Manifest:
    """Place the database and the files of a verified backup. PostgreSQL's database must be there, and empty.

    Raises Damaged, NotEmpty, ToolFailed or OSError. With `dry_run`, everything is checked and nothing is placed.
    """
    manifest = archive.verified(source)
    backend = url.get_backend_name()
    if manifest.backend != backend:
        raise Damaged(
            f"The backup is of a {manifest.backend} database, and DATABASE_URL names {backend}. Restore it into one of "
            "its own kind."
        )
    if manifest.revision not in known_revisions:
        raise Damaged(f"The backup is of a newer version ({manifest.version}). Install that one, or a later.")
    _refuse_what_is_there(manifest, url, data_dir)
    if dry_run:
        return manifest
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".restore") as folder:
        _unpack(source, Path(folder))
        _place(Path(folder), url, data_dir)
    return manifest


def _refuse_what_is_there(manifest: Manifest, url: URL, data_dir: Path) -> None:
    targets = [data_dir / name.partition("/")[2] for name in manifest.members if name.startswith(f"{archive.FILES}/")]
    if url.get_backend_name() == "sqlite":
        targets += [contents.database_file(url), contents.jobs_file(url)]
    there = [path for path in targets if path.exists()]
    if there:
        raise NotEmpty(f"{there[0]} is there already. A backup is restored where nothing is: set another DATA_DIR.")


def _unpack(source: Path, folder: Path) -> None:
    def put(name: str, content: IO[bytes], _size: int) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)

    archive.each(source, put)


def _place(folder: Path, url: URL, data_dir: Path) -> None:
    if url.get_backend_name() == "postgresql":
        dump.restore_postgresql(url, folder / archive.DATABASE)
    else:
        _move(folder / archive.DATABASE, contents.database_file(url))
        if (folder / archive.JOBS).exists():
            _move(folder / archive.JOBS, contents.jobs_file(url))
    unpacked = folder / archive.FILES
    for path in sorted(unpacked.rglob("*")):
        if path.is_file():
            _move(path, data_dir / path.relative_to(unpacked))


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
