"""The calls bench: what a call costs the server and what its caller waits for. `python -m bench.calls`.

The server is the product, `agentlocator serve` in a process of its own; both peers are simulated in this one, so their
work is not counted. A call that runs is told apart from its beginning and end, which weigh little in a long call and
much in the bench's short ones. Linux only: a process's CPU time and memory are read from /proc. Takes about a minute
and stops by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import msgspec
from rich.console import Console
from rich.table import Table

from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.db.engine import Database
from agentlocator.domain.seed import seed_demo
from agentlocator.rehearsal import stage
from agentlocator.rehearsal.theatre import ACCOUNT_SID, AUTH_TOKEN, MODEL_KEY
from agentlocator.rehearsal.wired_number import carrier_of
from agentlocator.simulator.brain import receptionist
from agentlocator.simulator.carrier import Carrier
from agentlocator.simulator.carrier_socket import CarrierShell
from agentlocator.simulator.person import Person
from agentlocator.simulator.play import Hears, Line, Role, Says, Scenario, StaysOn
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.realtime_socket import serving
from agentlocator.simulator.scenarios import CLINIC
from agentlocator.simulator.speech import Voice

READY_WITHIN_S = 30
# By then every call of a round has been greeted, and so long before its end none has ended.
BEGUN_S = 6
BEFORE_END_S = 2
_GLANCE_S = 0.01
ASKS: tuple[Line, ...] = (Says("אני רוצה לקבוע תור לבדיקה"), Hears("פנוי"))
PLAY: tuple[Line, ...] = (Hears("לעזור"), *ASKS * 20, StaysOn())


class Heard(msgspec.Struct, frozen=True):
    """One call as its caller heard it: its length, from stream start to the first sound, and each answer's wait."""

    duration_ms: int
    greeting_ms: int | None
    latencies_ms: list[int]
    underruns: int
    bad_frames: int


class Round(msgspec.Struct, frozen=True):
    """Some calls at once, and what they took of the server: CPU in seconds, memory in MiB.

    `cpu_s` is all of it, `cpu_under_way_s` what `under_way_s` seconds took in which every call ran.
    `stall_ms` is the longest that this process, the peers, was kept from running. Holes and waits are the server's
    doing only where it is small: a machine that stalls one of the two stalls the other.
    """

    calls: list[Heard]
    cpu_s: float
    under_way_s: float
    cpu_under_way_s: float
    peak_mib: float
    stall_ms: int

    @property
    def cpu_s_per_call_minute(self) -> float:
        return self.cpu_s / (sum(call.duration_ms for call in self.calls) / 60_000)

    @property
    def cpu_s_per_call_minute_under_way(self) -> float:
        return self.cpu_under_way_s / (len(self.calls) * self.under_way_s / 60)


class Server:
    """The running server process. Never outlives `_server_for`."""

    def __init__(self, process: asyncio.subprocess.Process, origin: str) -> None:
        self.origin = origin
        self._process = process

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def cpu_s(self) -> float:
        """CPU time of all its threads so far."""
        # The name in parentheses may hold spaces; user and system time are the 14th and 15th field.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self) -> float:
        line = next(line for line in self._proc("status").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")


class Stalls:
    """How long this process's loop was kept from running, at worst."""

    def __init__(self) -> None:
        self.longest_ms = 0

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            slept_from_s = loop.time()
            await asyncio.sleep(_GLANCE_S)
            late_s = loop.time() - slept_from_s - _GLANCE_S
            self.longest_ms = max(self.longest_ms, int(late_s * 1_000))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 5, 10], help="calls at once, round by round")
    parser.add_argument("--seconds", type=int, default=30, help="how long each round's calls last")
    asked = parser.parse_args()
    if asked.seconds <= BEGUN_S + BEFORE_END_S:
        parser.error(f"calls of {asked.seconds} s are over before they are under way")
    with tempfile.TemporaryDirectory(prefix="agentlocator-bench-") as folder:
        rounds = asyncio.run(_measure(asked.calls, asked.seconds, Path(folder)))
    Console(width=120).print(_table(rounds))


async def _measure(sizes: Sequence[int], seconds: int, folder: Path) -> list[Round]:
    voice = Voice(folder / "voices")
    await _rehearse(folder / "rehearsal", voice)
    hub = RealtimeHub(receptionist, voice, api_key=MODEL_KEY)
    async with serving(hub) as model_url, _server_for(model_url, folder) as server:
        return [await _round(server, size, seconds, voice, number) for number, size in enumerate(sizes)]


async def _rehearse(folder: Path, voice: Voice) -> None:
    """Speaks everything once, so that no text is synthesised while the clock runs."""
    await asyncio.to_thread(folder.mkdir)
    lines = (*PLAY[:3], *ASKS, StaysOn(within_ms=1_000))
    await stage.perform(Scenario("bench", "", (Role(CLINIC, "+972501234567", lines),)), folder, voice=voice)


@asynccontextmanager
async def _server_for(model_url: str, folder: Path) -> AsyncIterator[Server]:
    """`agentlocator serve` on a free port, its database seeded, its log in a file."""
    database = f"sqlite:///{folder / 'agentlocator.db'}"
    db = await Database.open(database)
    await db.migrate()
    await seed_demo(db)
    await db.close()
    port = _free_port()
    origin = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "OPENAI_API_KEY": MODEL_KEY,
        "OPENAI_REALTIME_URL": model_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "PUBLIC_URL": origin,
        "DATA_DIR": str(folder),
        "DATABASE_URL": database,
    }
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from agentlocator.cli import app; app()", "serve", "--port", str(port)),
            env=environment,
            cwd=folder,
            stderr=log,
        )
        server = Server(process, origin)
        try:
            await _until_ready(server)
            yield server
        finally:
            if server.is_running:
                process.terminate()
            await process.wait()


async def _until_ready(server: Server) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx2.AsyncClient() as http:
        while server.is_running:
            try:
                if (await http.get(f"{server.origin}/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
    raise SystemExit("the server did not start")


async def _round(server: Server, size: int, seconds: int, voice: Voice, number: int) -> Round:
    before_s = server.cpu_s()
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch(), name="stalls")
    under_way_s = seconds - BEGUN_S - BEFORE_END_S
    weighing = asyncio.create_task(_weighed(server, under_way_s), name="under way")
    async with httpx2.AsyncClient() as http:
        shell = carrier_of(ACCOUNT_SID, AUTH_TOKEN, http=http, public_origin=server.origin, seed=number)
        calls = await asyncio.gather(
            *(_call(shell, f"+97250{number:02}{caller:05}", seconds, voice) for caller in range(size))
        )
    watching.cancel()
    return Round(calls, server.cpu_s() - before_s, under_way_s, await weighing, server.peak_mib(), stalls.longest_ms)


async def _weighed(server: Server, under_way_s: float) -> float:
    """The server's CPU seconds while all calls of a round run."""
    await asyncio.sleep(BEGUN_S)
    begun_s = server.cpu_s()
    await asyncio.sleep(under_way_s)
    return server.cpu_s() - begun_s


async def _call(shell: CarrierShell, from_e164: str, seconds: int, voice: Voice) -> Heard:
    person = Person(PLAY, voice, random.Random(from_e164))

    def watch(carrier: Carrier, now_ms: int) -> None:
        person.tick(carrier, now_ms)
        if now_ms >= seconds * 1_000:
            carrier.hang_up(now_ms)

    report = await shell.place_call(from_e164=from_e164, to_e164=CLINIC, watch=watch)
    if not report.carriers:
        raise SystemExit(f"a call was not answered: {report.notes}")
    carrier = report.carriers[-1]
    sounding = [at_ms for at_ms, frame in carrier.heard if frame != SILENCE_FRAME]
    return Heard(
        duration_ms=len(carrier.heard) * 20,
        greeting_ms=sounding[0] - carrier.heard[0][0] if sounding else None,
        latencies_ms=_latencies_ms(person, sounding),
        underruns=carrier.underruns,
        bad_frames=sum(count for size, count in carrier.frame_sizes.items() if size != 160),
    )


def _latencies_ms(person: Person, sounding: Sequence[int]) -> list[int]:
    """From the caller's last sound to the assistant's next, at the caller's ear."""
    answers = (
        (said.until_ms, next((at_ms for at_ms in sounding if at_ms >= said.until_ms), None)) for said in person.spoken
    )
    return [at_ms - until_ms for until_ms, at_ms in answers if at_ms is not None]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _table(rounds: Sequence[Round]) -> Table:
    table = Table(
        *("calls at once", "call-minutes", "CPU s / call-minute", "under way", "greeting ms (median, worst)"),
        *("answer ms (median, worst)", "holes", "stall ms", "frames ≠ 160", "peak MiB"),
        title="The server's share of simulated calls",
    )
    for measured in rounds:
        calls = measured.calls
        table.add_row(
            str(len(calls)),
            f"{sum(call.duration_ms for call in calls) / 60_000:.2f}",
            f"{measured.cpu_s_per_call_minute:.2f}",
            f"{measured.cpu_s_per_call_minute_under_way:.2f}",
            _spread([call.greeting_ms for call in calls if call.greeting_ms is not None]),
            _spread([latency_ms for call in calls for latency_ms in call.latencies_ms]),
            str(sum(call.underruns for call in calls)),
            str(measured.stall_ms),
            str(sum(call.bad_frames for call in calls)),
            f"{measured.peak_mib:.0f}",
        )
    return table


def _spread(values: Sequence[int]) -> str:
    return f"{statistics.median(values):.0f}, {max(values)}" if values else "-"


if __name__ == "__main__":
    main()
