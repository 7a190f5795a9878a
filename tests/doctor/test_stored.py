"""What the doctor reads from the database, on both of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agentlocator.config import load_storage
from agentlocator.db import Database
from agentlocator.doctor import Finding, Patient, stored
from agentlocator.domain import vault
from agentlocator.domain.seed import seed_demo
from agentlocator.domain.vault import Vault
from provision.peers import Peers
from town import NOW

pytestmark = pytest.mark.requirement("R52")

Look = Callable[[Patient], Awaitable[Finding]]


def patient(db: Database, folder: Path) -> Patient:
    storage = load_storage(None, data_dir=folder)
    return Patient(storage, None, "", db, Peers().client(), now=lambda: NOW)


@pytest.mark.parametrize("look", [stored.database, stored.vault, stored.time_zones, stored.businesses])
async def test_a_seeded_database_is_well(db: Database, tmp_path: Path, look: Look) -> None:
    await seed_demo(db, now=NOW)
    key = load_storage(None, data_dir=tmp_path).sealing_key()
    async with db.operator(writing=True) as operator:
        await vault.keep(operator, Vault(key), "openai_api_key", "sk-canary", actor="test", now=NOW)
    found = await look(patient(db, tmp_path))
    assert (found.verdict, found.remedy) == ("ok", ""), found


async def test_an_empty_one_says_what_is_missing(db: Database, tmp_path: Path) -> None:
    assert (await stored.businesses(patient(db, tmp_path))).remedy.startswith("agentlocator init")
    assert (await stored.people(patient(db, tmp_path))).verdict == "warning"


async def test_one_without_tables_and_one_with_older_tables(empty_url: str, tmp_path: Path, backend: str) -> None:
    db = await Database.open(empty_url)
    found = await stored.database(patient(db, tmp_path))
    none = {"sqlite": "There is no database yet.", "postgresql": "The tables are at revision none"}[backend]
    assert found.verdict == "failure"
    assert found.said.startswith(none)
    await db.migrate("0005")
    found = await stored.database(patient(db, tmp_path))
    assert found.said.startswith("The tables are at revision 0005, and this version needs")
    await db.close()
