"""What the rehearsal's tests share: one voice, and one performance of each scenario however many tests look at it."""

from __future__ import annotations

import pytest

from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice
from rehearsal.performance import Perform, Performance


@pytest.fixture(scope="session")
def performed(voice: Voice, tmp_path_factory: pytest.TempPathFactory) -> Perform:
    """Plays a scenario of the repertoire the first time it is asked for."""
    played: dict[str, Performance] = {}

    def perform(name: str) -> Performance:
        if name not in played:
            played[name] = Performance(SCENARIOS[name], tmp_path_factory.mktemp(name), voice)
        return played[name]

    return perform
