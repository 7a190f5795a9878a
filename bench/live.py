"""The live bench: what two hundred calls cost when a page follows them all. `python -m bench.live`.

One call of the demonstration is played in virtual time and its journal kept. Then two hundred calls go through the call
machine at real pace, each fed that journal's events from a place of its own in it: the core decides as it did, frame by
frame. Measured are the core's share of one processor and what watching adds to it, and how late the page's stream has
what was said. The network, the browser and the speech detector are not in it. Stops by itself after `--seconds`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from agentlocator.call import events as on
from agentlocator.call import journal
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief
from agentlocator.rehearsal import stage
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.voice.audience import Audience
from agentlocator.voice.session import CallSession, Watcher
from agentlocator.voice.switchboard import Switchboard
from agentlocator.web.pages.live import PACE_S

BUSINESS = 1
TICK_S = 0.020
# The calls are this far apart at most: some are being greeted while others book.
SPREAD_MS = 20_000
_WORDS = (on.AssistantTextProduced, on.CallerTranscribed)


class Recorded(msgspec.Struct, frozen=True):
    """A call as its journal tells it."""

    brief: CallBrief
    entries: list[journal.Entry]


class Round(msgspec.Struct):
    """What was measured in one round: nanoseconds in the core and in watching, and by how much each word was late."""

    seconds: float
    events: int = 0
    core_ns: int = 0
    watching_ns: int = 0
    said: dict[str, list[int]] = msgspec.field(default_factory=lambda: defaultdict(list))
    late_ms: list[float] = []
    told_bytes: int = 0
    telling_ns: int = 0
    tellings: int = 0
    calls_told: int = 0
    overran_ms: list[float] = []
    processor_s: float = 0.0


class Running:
    """One call under way: the machine, who watches it, and how far in the journal it is."""

    def __init__(self, recorded: Recorded, call_sid: str, from_ms: int) -> None:
        self.call = Call(msgspec.structs.replace(recorded.brief, call_sid=call_sid))
        self.call_sid = call_sid
        self.watchers: list[Watcher] = []
        self._entries = recorded.entries
        self._next = 0
        self._from_ms = from_ms

    def go_on(self, ran_ms: float, measured: Round | None) -> None:
        """Everything that is due by now, first through the core and then past its watchers."""
        while self._next < len(self._entries) and self._entries[self._next].at_ms <= self._from_ms + ran_ms:
            entry = self._entries[self._next]
            self._next += 1
            if self.call.over:
                return
            began_ns = time.perf_counter_ns()
            commands = self.call.handle(entry.event, entry.at_ms)
            decided_ns = time.perf_counter_ns()
            for watch in self.watchers:
                watch(entry.at_ms, entry.event, commands)
            if measured is not None:
                measured.events += 1
                measured.core_ns += decided_ns - began_ns
                measured.watching_ns += time.perf_counter_ns() - decided_ns
                if isinstance(entry.event, _WORDS):
                    measured.said[self.call_sid].append(decided_ns)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m bench.live", description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--calls", type=int, default=200)
    words.add_argument("--seconds", type=float, default=10)
    given = words.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="agentlocator-bench-") as name:
        recorded = uvloop.run(_record(Path(name)))
    seconds = min(given.seconds, 15)
    rounds = [uvloop.run(_play(recorded, given.calls, seconds, is_followed)) for is_followed in (False, True)]
    Console().print(_table(given.calls, rounds))


async def _record(folder: Path) -> Recorded:
    [evidence] = await stage.perform(SCENARIOS["demo"], folder)
    return await asyncio.to_thread(_read_journal, Path(evidence.journal))


def _read_journal(path: Path) -> Recorded:
    with path.open("rb") as lines:
        header, entries = journal.read(lines)
        return Recorded(header.brief, list(entries))


async def _play(recorded: Recorded, calls: int, seconds: float, is_followed: bool) -> Round:
    measured = Round(seconds)
    on_call: list[Callable[[CallSession, int], None]] = []
    audience = Audience(cast(Switchboard, SimpleNamespace(on_call=on_call)))
    running = []
    for number in range(calls):
        one = Running(recorded, f"CA{number}", SPREAD_MS * number // calls)
        session = SimpleNamespace(brief=one.call.brief, watchers=one.watchers, written=asyncio.Event(), now_ms=0)
        one.go_on(0, None)
        on_call[0](cast(CallSession, session), BUSINESS)
        running.append(one)
    reading = asyncio.create_task(_read(audience, measured), name="page") if is_followed else None
    began_s = time.process_time()
    await _speak(running, seconds, measured)
    measured.processor_s = time.process_time() - began_s
    if reading is not None:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    return measured


async def _speak(running: Sequence[Running], seconds: float, measured: Round) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for tick in range(int(seconds / TICK_S)):
        for number, one in enumerate(running):
            one.go_on((loop.time() - began_s) * 1000, measured)
            # The calls of a server are tasks of their own: others may have a turn between them.
            if number % 20 == 0:
                await asyncio.sleep(0)
        due_s = began_s + (tick + 1) * TICK_S
        measured.overran_ms.append(max(0.0, loop.time() - due_s) * 1000)
        await asyncio.sleep(max(0.0, due_s - loop.time()))


async def _read(audience: Audience, measured: Round) -> None:
    """Does what the page's stream does, at its pace."""
    with audience.follow(BUSINESS) as following:
        while True:
            glimpses = await following.news(2.0)
            began_ns = time.perf_counter_ns()
            measured.told_bytes += len(msgspec.json.encode(glimpses))
            told_ns = time.perf_counter_ns()
            measured.telling_ns += told_ns - began_ns
            measured.tellings += 1
            measured.calls_told += len(glimpses)
            for glimpse in glimpses:
                measured.late_ms += [(told_ns - said_ns) / 1e6 for said_ns in measured.said.pop(glimpse.call_sid, ())]
            await asyncio.sleep(PACE_S)


def _table(calls: int, rounds: Sequence[Round]) -> Table:
    alone, followed = rounds
    table = Table("figure", "nobody follows", "one page follows", title=f"{calls} calls through the call machine")

    def row(name: str, shown: Callable[[Round], Any], *, of_the_page: bool = False) -> None:
        table.add_row(name, "" if of_the_page else str(shown(alone)), str(shown(followed)))

    row("events a second", lambda one: f"{one.events / one.seconds:,.0f}")
    row("the core, per event", lambda one: f"{one.core_ns / one.events / 1000:.1f} µs")
    row("watching, per event", lambda one: f"{one.watching_ns / one.events / 1000:.1f} µs")
    row("watching, in the core's time", lambda one: f"{one.watching_ns / one.core_ns:.1%}")
    row("of one processor, all in all", lambda one: f"{one.processor_s / one.seconds:.0%}")
    row("a round of frames is late, median", lambda one: f"{_at(one.overran_ms, 0.5):.1f} ms")
    row("a round of frames is late, p95", lambda one: f"{_at(one.overran_ms, 0.95):.1f} ms")
    row("a word is late, median", lambda one: f"{_at(one.late_ms, 0.5):.0f} ms", of_the_page=True)
    row("a word is late, p95", lambda one: f"{_at(one.late_ms, 0.95):.0f} ms", of_the_page=True)
    row("words told", lambda one: f"{len(one.late_ms):,}", of_the_page=True)
    row("calls in a telling", lambda one: f"{one.calls_told / one.tellings:.0f}", of_the_page=True)
    row("writing a telling", lambda one: f"{one.telling_ns / one.tellings / 1e6:.2f} ms", of_the_page=True)
    row("a telling", lambda one: f"{one.told_bytes / one.tellings / 1024:.0f} KiB", of_the_page=True)
    return table


def _at(figures: Sequence[float], share: float) -> float:
    return sorted(figures)[int(len(figures) * share)] if figures else 0.0


if __name__ == "__main__":
    main()
