"""The stops bench: how fast the assistant falls silent, as the interrupting caller hears it. `python -m bench.stops`.

Through the whole server over sockets, with a network of 60 ms and jitter each way: detection, the pause, what was
queued at the carrier, and both directions of the network are all in the figure.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from agentlocator import telemetry
from agentlocator.rehearsal import theatre
from agentlocator.rehearsal.evidence import Evidence
from agentlocator.simulator.play import HangsUp, Hears, Interrupts, Role, Says
from agentlocator.simulator.scenarios import CLINIC, SCENARIOS
from agentlocator.simulator.speech import Voice

LINES = (
    "אולי יש לכם תור אחר?",
    "סליחה, יש משהו אחר הצהריים?",
    "לא, אני צריכה תור ליום שלישי",
    "אני רוצה להגיד משהו",
    "חכי שנייה, אני מחפשת את היומן",
    "אני מעדיפה תור מוקדם יותר",
)


def main() -> None:
    """Plays the interruptions at once, and prints what they took."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--network-ms", type=int, default=60)
    arguments.add_argument("--jitter-ms", type=int, default=20)
    given = arguments.parse_args()
    log = telemetry.configure(level="critical")
    try:
        calls = uvloop.run(_play(given.rounds, given.network_ms, given.jitter_ms))
    finally:
        log.close()
    Console().print(_table(calls, given.network_ms, given.jitter_ms))


async def _play(rounds: int, network_ms: int, jitter_ms: int) -> list[Evidence]:
    roles = tuple(_role(number, line) for number, line in enumerate(LINES))
    scenario = msgspec.structs.replace(SCENARIOS["barge-in"], roles=roles)
    calls: list[Evidence] = []
    with tempfile.TemporaryDirectory() as folder:
        voice = Voice(Path(folder) / "voices")
        for line in LINES:
            voice.say(line, "caller")
        async with theatre.opened(Path(folder), scenario, voice=voice) as house:
            for number in range(rounds):
                calls += await house.perform(scenario, seed=100 * number, network_ms=network_ms, jitter_ms=jitter_ms)
    return calls


def _role(number: int, line: str) -> Role:
    asks = Says("שלום, אני רוצה לקבוע תור לבדיקה")
    lines = (Hears("במה אפשר לעזור"), asks, Interrupts(line, after_ms=900 + 150 * number), HangsUp(after_ms=400))
    return Role(CLINIC, f"+97250000{number:04}", lines)


def _table(calls: list[Evidence], network_ms: int, jitter_ms: int) -> Table:
    stops = sorted(stop for call in calls for stop in call.stops_ms)
    decided = sorted(i["speech_ms"] for call in calls for i in call.interruptions if i["verdict"] == "pause")
    table = Table("", "n", "p50 ms", "p95 ms", "worst ms", title=f"network {network_ms} + 0…{jitter_ms} ms each way")
    for label, values in (
        ("speech → silence in the caller's ear", stops),
        ("of it, at our ear: onset → pause", decided),
    ):
        if values:
            p95 = values[min(len(values) - 1, int(len(values) * 0.95))]
            table.add_row(label, str(len(values)), f"{statistics.median(values):.0f}", str(p95), str(values[-1]))
    queued = max(call.max_queued_ms for call in calls)
    table.caption = f"at most {queued} ms queued at the carrier, the frame that is playing included"
    return table


if __name__ == "__main__":
    main()
