"""Takes a backup while the server runs. The database comes first: files that come later than it do no harm."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import URL

from agentlocator.backup import archive, contents, dump
from agentlocator.backup.archive import Manifest
from agentlocator.version import VERSION


def take(url: URL, revision: str, data_dir: Path, target: Path, *, keys: bool, now: datetime) -> Manifest:
    """Write everything to `target`, which is there whole or not at all, and for nobody else to read.

    Raises ToolFailed, or OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".backup")
    try:
        with (
            os.fdopen(handle, "wb") as file,
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup") as folder,
        ):
            writing = archive.Writing(file)
            for member, path in _databases(url, Path(folder)):
                writing.add(member, path)
            for inside in contents.files(data_dir, url, keys=keys):
                writing.add(f"{archive.FILES}/{inside.as_posix()}", data_dir / inside)
            manifest = writing.end(now, VERSION, url.get_backend_name(), revision)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return manifest


def _databases(url: URL, folder: Path) -> list[tuple[str, Path]]:
    copy, jobs = folder / archive.DATABASE, folder / archive.JOBS
    if url.get_backend_name() == "postgresql":
        dump.dump_postgresql(url, copy)
        return [(archive.DATABASE, copy)]
    dump.dump_sqlite(contents.database_file(url), copy)
    if not contents.jobs_file(url).exists():
        return [(archive.DATABASE, copy)]
    dump.dump_sqlite(contents.jobs_file(url), jobs)
    return [(archive.DATABASE, copy), (archive.JOBS, jobs)]
