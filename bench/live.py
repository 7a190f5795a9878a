"""The live bench: what two hundred calls cost when a page follows them all. `python -m bench.live`.

The calls are light: their events happen fifty times a second each, as a call's do, and no core decides about them. What
is measured is what watching adds to an event, and how late the page's stream has what was said; the network and the
browser are not in it. Stops by itself after `--seconds`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.voice.audience import Audience
from agentlocator.voice.session import CallSession, Watcher
from agentlocator.voice.switchboard import Switchboard
from agentlocator.web.pages.live import PACE_S

BUSINESS = 1
FRAME_S = 0.020
# A word of the assistant's every so many frames, and a turn of it every so many words.
WORD_FRAMES = 8
TURN_WORDS = 20


class Round(msgspec.Struct):
    """What was measured: the microseconds that watching adds to an event, and the milliseconds a word was late."""

    events: int = 0
    spent_ns: int = 0
    late_ms: list[float] = []
    told_bytes: int = 0
    telling_ns: int = 0
    tellings: int = 0
    overran_ms: float = 0.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=10)
    given = arguments.parse_args()
    rounds = [uvloop.run(_play(given.calls, min(given.seconds, 15), is_followed)) for is_followed in (False, True)]
    Console().print(_table(given.calls, *rounds))


async def _play(calls: int, seconds: float, is_followed: bool) -> Round:
    measured = Round()
    on_call: list[Callable[[CallSession, int], None]] = []
    audience = Audience(cast(Switchboard, SimpleNamespace(on_call=on_call)))
    watchers: list[Watcher] = []
    for number in range(calls):
        session = SimpleNamespace(
            brief=SimpleNamespace(call_sid=f"CA{number}"), watchers=[], written=asyncio.Event(), now_ms=0
        )
        on_call[0](cast(CallSession, session), BUSINESS)
        watchers += session.watchers
    reading = asyncio.create_task(_read(audience, measured), name="page") if is_followed else None
    await _speak(watchers, seconds, measured)
    if reading is not None:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    return measured


async def _speak(watchers: list[Watcher], seconds: float, measured: Round) -> None:
    heard = on.CallerAudio(SILENCE_FRAME)
    played: list[do.Command] = [do.PlayFrame(SILENCE_FRAME, "r1")]
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for frame in range(int(seconds / FRAME_S)):
        begun_ns = time.perf_counter_ns()
        for number, watch in enumerate(watchers):
            watch(frame * 20, heard, played)
            if (frame + number) % WORD_FRAMES == 0:
                item = f"i{(frame + number) // WORD_FRAMES // TURN_WORDS}"
                watch(frame * 20, on.AssistantTextProduced("r1", item, f" {time.perf_counter_ns()}"), [])
                measured.events += 1
        measured.spent_ns += time.perf_counter_ns() - begun_ns
        measured.events += len(watchers)
        due_s = began_s + (frame + 1) * FRAME_S
        measured.overran_ms = max(measured.overran_ms, (loop.time() - due_s) * 1000)
        await asyncio.sleep(max(0.0, due_s - loop.time()))


async def _read(audience: Audience, measured: Round) -> None:
    """Does what the page's stream does, at its pace."""
    with audience.follow(BUSINESS) as following:
        while True:
            glimpses = await following.news(2.0)
            begun_ns = time.perf_counter_ns()
            measured.told_bytes += len(msgspec.json.encode(glimpses))
            told_ns = time.perf_counter_ns()
            measured.telling_ns += told_ns - begun_ns
            measured.tellings += 1
            for glimpse in glimpses:
                for line in glimpse.lines:
                    measured.late_ms.append((told_ns - int(line.text.split()[-1])) / 1e6)
            await asyncio.sleep(PACE_S)


def _table(calls: int, alone: Round, followed: Round) -> Table:
    late = sorted(followed.late_ms)
    table = Table("figure", "nobody follows", "one page follows", title=f"{calls} calls")
    table.add_row(
        "watching, per event",
        f"{alone.spent_ns / alone.events / 1000:.2f} µs",
        f"{followed.spent_ns / followed.events / 1000:.2f} µs",
    )
    table.add_row("latest round of frames", f"{alone.overran_ms:.1f} ms", f"{followed.overran_ms:.1f} ms")
    table.add_row("a word is late, median", "", f"{late[len(late) // 2]:.0f} ms")
    table.add_row("a word is late, p95", "", f"{late[len(late) * 95 // 100]:.0f} ms")
    table.add_row("writing one telling", "", f"{followed.telling_ns / followed.tellings / 1e6:.2f} ms")
    table.add_row("told", "", f"{followed.told_bytes / followed.tellings / 1024:.0f} KiB a telling")
    return table


if __name__ == "__main__":
    main()
