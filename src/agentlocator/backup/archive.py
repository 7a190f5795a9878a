"""The file of a backup: a compressed tar whose last member says what the others must be. Without it, it is not whole.

It trusts nothing that it reads: a name that leads out of the folder, a digest that does not fit, a missing end.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Final

import msgspec

MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
JOBS: Final = "jobs"
FILES: Final = "files"
FORMAT: Final = 1


class Damaged(Exception):
    """This is no whole backup. The sentence says what is wrong with it."""


class Member(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `backend` is sqlite or postgresql, `revision` that of the tables."""

    format: int
    made_at: datetime
    version: str
    backend: str
    revision: str
    members: dict[str, Member]


class Writing:
    """A backup being written. Each member is what it was when it was looked at, though it grow meanwhile."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz", compresslevel=6)  # noqa: SIM115 - closed by `end`
        self._members: dict[str, Member] = {}

    def add(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            size = path.stat().st_size
            digesting = _Digesting(source)
            self._tar.addfile(_entry(name, size), digesting)
        self._members[name] = Member(size, digesting.sha256.hexdigest())

    def end(self, made_at: datetime, version: str, backend: str, revision: str) -> Manifest:
        manifest = Manifest(FORMAT, made_at, version, backend, revision, self._members)
        written = msgspec.json.format(msgspec.json.encode(manifest))
        self._tar.addfile(_entry(MANIFEST, len(written)), io.BytesIO(written))
        self._tar.close()
        return manifest


def verified(path: Path) -> Manifest:
    """What a backup holds, every byte of it checked. Raises Damaged."""
    seen: dict[str, Member] = {}
    last = b""

    def look(name: str, content: IO[bytes], size: int) -> None:
        nonlocal last
        if name == MANIFEST:
            last = content.read()
            return
        digesting = _Digesting(content)
        while digesting.read(1 << 20):
            pass
        seen[name] = Member(size, digesting.sha256.hexdigest())

    each(path, look)
    if not last:
        raise Damaged("The backup has no end: it was cut off, or is no backup of this product.")
    try:
        manifest = msgspec.json.decode(last, type=Manifest)
    except msgspec.DecodeError:
        raise Damaged("The backup's list of contents cannot be read.") from None
    if manifest.format != FORMAT:
        raise Damaged(f"The backup is of format {manifest.format}; this version reads {FORMAT}.")
    wrong = [name for name in {*manifest.members, *seen} if manifest.members.get(name) != seen.get(name)]
    if wrong:
        raise Damaged(f"The backup is damaged: {sorted(wrong)[0]} is not what was put in.")
    return manifest


def each(path: Path, look: Callable[[str, IO[bytes], int], None]) -> None:
    """Every member in turn, by a name that is safe to use as a relative path. Raises Damaged."""
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            for entry in tar:
                name = PurePosixPath(entry.name)
                if not entry.isreg() or name.is_absolute() or ".." in name.parts:
                    raise Damaged(f"The backup holds something that has no place in one: {entry.name}.")
                content = tar.extractfile(entry)
                assert content is not None, "a regular file has content"
                look(entry.name, content, entry.size)
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise Damaged(f"The backup cannot be read: {type(fault).__name__}.") from None


class _Digesting:
    """Reads on, and remembers the digest of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
        return data


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o600
    return entry
