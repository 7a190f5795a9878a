"""Runs work durably: once per id, step by step, and on from the last finished step after a crash.

The only module that knows DBOS. Its own tables never share a file with ours: on SQLite a burst of its writes would
make bookings wait for the file's lock; on PostgreSQL it has a schema of its own. DBOS lives in its own threads; the
steps themselves are coroutines on the loop that started the engine, because the database's connections belong there,
so a step may wait but never compute. It decides nothing about what is run, and never sees a business.

A crash between a step's effect and the note of it repeats that step: an effect abroad needs an idempotency key.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy.engine import URL, make_url

Step = Callable[[str, str], Awaitable[str]]
"""A step: takes the work's argument and the step before's answer, and gives its own. All three are kept as text."""

SCHEMA: Final = "agentlocator_jobs"
# Fixed, and not a digest of the code as DBOS would make it: work that one release began is ended by the next.
VERSION: Final = "1"
STEP_S: Final = 45
STOP_S: Final = 5
LOOK_AGAIN_S: Final = 2.0
MAX_STARTS: Final = 8
THREADS: Final = 48

_UNFINISHED = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


class BrokenOff(Exception):
    """The work of this id ended without finishing, and that id will not be run again."""


class Engine:
    """One durable engine in one process. DBOS allows no second one beside it.

    `jobs` names what can be run and its steps. `machine` must be the same after a restart and differ between
    servers that share a PostgreSQL database: on starting, the engine takes up what this machine left unfinished.
    """

    def __init__(self, address: str, jobs: Mapping[str, Sequence[Step]], *, machine: str | None = None) -> None:
        self._address = address
        self._jobs = jobs
        self._machine = machine or socket.gethostname()
        self._ends: dict[str, set[asyncio.Future[None]]] = {}
        self._running: set[concurrent.futures.Future[str]] = set()
        self._threads = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="jobs engine")
        self._start: Callable[[str, str], object] | None = None

    async def start(self) -> None:
        """Open the engine's own database and take up unfinished work. Needs a running loop, and does not block it."""
        self._loop = asyncio.get_running_loop()
        await self._in_thread(self._launch)

    async def stop(self) -> None:
        """Let running steps end for a moment, interrupt the rest, and close. What was interrupted is taken up later."""
        waiting = [asyncio.wrap_future(step) for step in list(self._running)]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_S)
        for step in list(self._running):
            step.cancel()
        await self._in_thread(_close)
        self._threads.shutdown(wait=False)

    async def run(self, job: str, work_id: str, argument: str, *, take_over: bool = False) -> None:
        """Run a job once per id, and wait for its end. An id that ended well before returns at once.

        `take_over` is for a caller that alone holds the right to this id, as a claim gives it: another machine that
        has the work under way is then known to be gone. Raises BrokenOff.
        """
        end = self._loop.create_future()
        self._ends.setdefault(work_id, set()).add(end)
        try:
            await self._in_thread(self._begin, job, work_id, argument)
            if take_over and not end.done():
                await self._in_thread(self._take_over, work_id)
            while not end.done():
                status = await self._in_thread(self._status_of, work_id)
                if status == "SUCCESS":
                    return
                if status not in _UNFINISHED:
                    raise BrokenOff(f"{work_id} ended as {status}")
                await asyncio.wait((end,), timeout=LOOK_AGAIN_S)
            end.result()
        finally:
            self._ends[work_id].discard(end)
            if not self._ends[work_id]:
                del self._ends[work_id]

    async def forget(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete the notes on work that ended before an instant, the oldest first; answers how many."""
        return int(await self._in_thread(_forget, before, limit))

    def _launch(self) -> None:
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            # Otherwise DBOS prints to the console, past the log that masks personal numbers.
            logger.addHandler(logging.NullHandler())
        _use_wal(self._address)
        config: DBOSConfig = {
            "name": "agentlocator",
            "system_database_url": self._address,
            "dbos_system_schema": SCHEMA,
            "application_version": VERSION,
            "executor_id": self._machine,
            "enable_otlp": False,
            "log_level": "WARNING",
            "max_executor_threads": THREADS,
            "sys_db_pool_size": 4,
        }
        DBOS(config=config)

        @DBOS.workflow(name="work", max_recovery_attempts=MAX_STARTS)
        def work(job: str, argument: str) -> None:
            self._work(job, argument)

        self._start = lambda job, argument: DBOS.start_workflow(work, job, argument)
        DBOS.launch()

    def _begin(self, job: str, work_id: str, argument: str) -> None:
        assert self._start is not None, "the engine was started"
        with SetWorkflowID(work_id):
            self._start(job, argument)

    def _take_over(self, work_id: str) -> None:
        known = DBOS.get_workflow_status(work_id)
        if known is not None and known.status == "PENDING" and known.executor_id != self._machine:
            DBOS.resume_workflow(work_id)

    def _status_of(self, work_id: str) -> str:
        known = DBOS.get_workflow_status(work_id)
        return "FORGOTTEN" if known is None else known.status

    def _work(self, job: str, argument: str) -> None:
        """The durable part, in a thread of DBOS: every step that is in the notes is skipped."""
        answer = ""
        work_id = DBOS.workflow_id or ""
        try:
            for number, step in enumerate(self._jobs[job]):
                answer = DBOS.run_step({"name": f"{job}.{number}"}, self._on_loop, step, argument, answer)
        except Exception as fault:
            self._loop.call_soon_threadsafe(self._ended, work_id, BrokenOff(f"{type(fault).__name__}: {fault}"))
            raise
        self._loop.call_soon_threadsafe(self._ended, work_id, None)

    def _on_loop(self, step: Step, argument: str, answer: str) -> str:
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(step(argument, answer), STEP_S), self._loop)
        self._running.add(running)
        try:
            return running.result()
        except concurrent.futures.CancelledError:
            raise _Interrupted from None
        finally:
            self._running.discard(running)

    def _ended(self, work_id: str, fault: BrokenOff | None) -> None:
        for end in self._ends.get(work_id, ()):
            if fault is None:
                end.set_result(None)
            else:
                end.set_exception(fault)

    async def _in_thread(self, work: Callable[..., Any], *arguments: object) -> Any:
        return await self._loop.run_in_executor(self._threads, work, *arguments)


class _Interrupted(BaseException):
    """We are stopping. No Exception, so that DBOS notes no failure and takes the work up at the next start."""


def address_beside(url: URL) -> str:
    """Where the engine's own database is: a file beside ours, or the same PostgreSQL database (a schema of its own)."""
    if url.get_backend_name() == "sqlite":
        assert url.database is not None, "SQLite has a file"
        return f"sqlite:///{Path(url.database).with_suffix('.jobs.db')}"
    query = dict(url.query)
    if "ssl" in query:  # asyncpg's word for it
        query["sslmode"] = query.pop("ssl")
    return url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


def _close() -> None:
    DBOS.destroy(destroy_registry=True)


def _forget(before: datetime, limit: int) -> int:
    ended = DBOS.list_workflows(
        completed_before=before.isoformat(), limit=limit, load_input=False, load_output=False, application_name=None
    )
    if ended:
        DBOS.delete_workflows([one.workflow_id for one in ended])
    return len(ended)


def _use_wal(address: str) -> None:
    """DBOS leaves the journal mode alone; with WAL its many small commits are cheaper. The file remembers it."""
    path = make_url(address).database
    if address.startswith("sqlite") and path is not None:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode=wal")
