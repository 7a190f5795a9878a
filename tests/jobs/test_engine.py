"""The durable engine: once per id, onward from the last finished step, and honest about what broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url

from agentlocator.jobs.engine import BrokenOff, Engine, address_beside
from jobs.patience import until


class Notebook:
    """Steps that write down what they were asked to do."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.trouble = False
        self.at_the_second = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def first(self, argument: str, _answer: str) -> str:
        self.lines.append(f"first {argument}")
        return argument.upper()

    async def second(self, argument: str, answer: str) -> str:
        if self.trouble:
            raise RuntimeError("no paper")
        self.at_the_second.set()
        if self.gate is not None:
            await self.gate.wait()
        self.lines.append(f"second {argument} {answer}")
        return ""


async def interrupted(notebook: Notebook, address: str, machine: str) -> None:
    """A machine stops while it is at the second step."""
    notebook.gate = asyncio.Event()
    engine = Engine(address, {"note": (notebook.first, notebook.second)}, machine=machine)
    await engine.start()
    asking = asyncio.create_task(engine.run("note", "id-1", "a"))
    await notebook.at_the_second.wait()
    asking.cancel()
    await engine.stop()
    notebook.gate = None


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def address(migrated_url: str) -> str:
    return address_beside(make_url(migrated_url))


@pytest.fixture
async def engine(address: str, notebook: Notebook) -> AsyncIterator[Engine]:
    engine = Engine(address, {"note": (notebook.first, notebook.second)}, machine="here")
    await engine.start()
    yield engine
    await engine.stop()


async def test_each_step_gets_the_answer_of_the_one_before(engine: Engine, notebook: Notebook) -> None:
    await engine.run("note", "id-1", "a")
    assert notebook.lines == ["first a", "second a A"]


async def test_an_id_is_run_once_however_often_and_at_once_it_is_asked_for(engine: Engine, notebook: Notebook) -> None:
    await asyncio.gather(*(engine.run("note", "id-1", "a") for _ in range(5)))
    await engine.run("note", "id-1", "a")
    assert notebook.lines == ["first a", "second a A"]


async def test_work_that_fails_says_why_and_its_id_is_spent(engine: Engine, notebook: Notebook) -> None:
    notebook.trouble = True
    with pytest.raises(BrokenOff, match="no paper"):
        await engine.run("note", "id-1", "a")
    notebook.trouble = False
    with pytest.raises(BrokenOff, match="ERROR"):
        await engine.run("note", "id-1", "a")
    assert notebook.lines == ["first a"]


async def test_work_interrupted_by_a_stop_goes_on_at_the_next_start(
    address: str, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentlocator.jobs.engine.STOP_S", 0.05)
    await interrupted(notebook, address, "here")
    engine = Engine(address, {"note": (notebook.first, notebook.second)}, machine="here")
    await engine.start()
    await engine.run("note", "id-1", "a")
    await engine.stop()
    assert notebook.lines == ["first a", "second a A"]


async def test_what_a_machine_left_that_never_came_back_is_taken_over(
    address: str, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentlocator.jobs.engine.STOP_S", 0.05)
    await interrupted(notebook, address, "gone")
    engine = Engine(address, {"note": (notebook.first, notebook.second)}, machine="here")
    await engine.start()
    await engine.run("note", "id-1", "a", take_over=True)
    await engine.stop()
    assert notebook.lines == ["first a", "second a A"]


async def test_notes_on_finished_work_are_forgotten(engine: Engine, notebook: Notebook) -> None:
    await engine.run("note", "id-1", "a")
    assert await engine.forget(before=datetime.now(UTC) - timedelta(days=1)) == 0

    async def is_forgotten() -> bool:
        return await engine.forget(before=datetime.now(UTC) + timedelta(days=1)) == 1

    # The note of the end may be a moment younger than the end.
    await until(is_forgotten)
    await engine.run("note", "id-1", "a")
    assert notebook.lines == ["first a", "second a A"] * 2


def test_the_engine_never_shares_a_file_with_the_business() -> None:
    assert address_beside(make_url("sqlite+aiosqlite:////srv/agentlocator.db")) == "sqlite:////srv/agentlocator.jobs.db"
    assert (
        address_beside(make_url("postgresql+asyncpg://u:p@h/name?ssl=require"))
        == "postgresql://u:p@h/name?sslmode=require"
    )


async def test_whoever_stops_waiting_takes_the_end_from_nobody(engine: Engine, notebook: Notebook) -> None:
    notebook.gate = asyncio.Event()
    first, second = (asyncio.create_task(engine.run("note", "id-1", "a")) for _ in range(2))
    await notebook.at_the_second.wait()
    first.cancel()
    notebook.gate.set()
    await second
    assert notebook.lines == ["first a", "second a A"]
