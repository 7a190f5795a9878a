"""The simulated service's front door: who gets a connection, and with which brain, seed and faults.

It admits or refuses a handshake and counts; what is said over a connection is the server's matter.
"""

import random
from collections.abc import Callable, Sequence

import msgspec

from agentlocator.simulator.brain import Brain
from agentlocator.simulator.realtime_faults import Fault, FaultPlan
from agentlocator.simulator.realtime_response import Pace
from agentlocator.simulator.realtime_server import RealtimeServer, Upgrade
from agentlocator.simulator.speech import Voice

PATH = "/v1/realtime"


class Refused(msgspec.Struct, frozen=True):
    """A handshake answered with an HTTP status instead of an upgrade."""

    status: int
    body: str


class RealtimeHub:
    """The service: admits connections, and makes a server with its own brain and seed for each.

    `brain` makes a new brain for a connection. A key is checked as the real service does, at the handshake. `unworded`
    is what speech is taken for that carries no words, as no real microphone's does.
    """

    def __init__(
        self,
        brain: Callable[[], Brain],
        voice: Voice,
        *,
        seed: int = 1,
        faults: Sequence[Fault] = (),
        api_key: str = "sk-simulated",
        pace: Pace | None = None,
        keep_audio: bool = False,
        unworded: str = "",
    ) -> None:
        self.connections = 0
        self.refused = 0
        self.servers: list[RealtimeServer] = []
        self._brain = brain
        self._voice = voice
        self._seed = seed
        self._faults = tuple(faults)
        self._api_key = api_key
        self._pace = pace
        self._keep_audio = keep_audio
        self._unworded = unworded

    def admit(self, upgrade: Upgrade) -> RealtimeServer | Refused:
        """Counts a handshake and answers it: with the server it will talk to, or with an HTTP status."""
        self.connections += 1
        rng = random.Random(f"{self._seed}/{self.connections}")  # noqa: S311 - seeded on purpose, guards nothing
        faults = FaultPlan(self._faults, rng, self.connections)
        refused = self._refusal(upgrade, faults)
        if refused is not None:
            self.refused += 1
            return refused
        server = RealtimeServer(
            self._brain(),
            rng,
            faults,
            voice=self._voice,
            upgrade=upgrade,
            pace=self._pace,
            keep_audio=self._keep_audio,
            unworded=self._unworded,
        )
        self.servers.append(server)
        return server

    def _refusal(self, upgrade: Upgrade, faults: FaultPlan) -> Refused | None:
        if upgrade.path != PATH:
            return _http_error(404, "not_found", f"Invalid URL (GET {upgrade.path})")
        fault = faults.find("refuse_connect")
        if fault is not None:
            return _http_error(fault.status or 503, fault.code or "service_unavailable", "The connection was refused.")
        if upgrade.authorization != f"Bearer {self._api_key}":
            return _http_error(401, "invalid_api_key", "Incorrect or missing API key provided.")
        return None


def _http_error(status: int, code: str, message: str) -> Refused:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Refused(status, msgspec.json.encode({"error": error}).decode())
