"""What every test may ask for."""

from __future__ import annotations

import pytest

from agentlocator.simulator.speech import Voice

pytest_plugins = ["town", "databases"]


@pytest.fixture(scope="session")
def voice() -> Voice:
    """Everybody who speaks in the tests; espeak-ng where it is installed."""
    return Voice()
