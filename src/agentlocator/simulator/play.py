"""A play: what a caller does on the phone, line by line, as one would write it down for an actor.

Lines are values; `person.Person` acts them. A line waits for what it needs (that something was heard, that the
assistant has finished) and complains when it waits in vain.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from agentlocator.simulator.brain import Brain, receptionist
from agentlocator.simulator.carrier import CarrierFault
from agentlocator.simulator.realtime_faults import Fault


class Line(msgspec.Struct, frozen=True):
    """Something the caller does; see the subclasses."""


class Hears(Line, frozen=True):
    """Listens until these words were heard and the assistant has fallen silent. Empty: until it has said anything."""

    words: str = ""
    within_ms: int = 20_000


class Answered(Line, frozen=True):
    """Listens until the assistant has said something, whatever it was, and been silent for `quiet_ms`."""

    quiet_ms: int = 700
    within_ms: int = 12_000


class Says(Line, frozen=True):
    """Speaks, after a moment."""

    text: str
    after_ms: int = 250


class Interrupts(Line, frozen=True):
    """Speaks into the assistant's sentence, once it has been talking for `after_ms`."""

    text: str
    after_ms: int = 1_200


class Coughs(Line, frozen=True):
    """Coughs into the assistant's sentence."""

    after_ms: int = 900


class LineHums(Line, frozen=True):
    """From here on his line is noisy for so long, under whatever he says."""

    for_ms: int
    dbfs: float = -38.0


class Presses(Line, frozen=True):
    """Types on the keypad."""

    keys: str
    after_ms: int = 300
    gap_ms: int = 220


class Waits(Line, frozen=True):
    """Says nothing for a while."""

    for_ms: int


class HangsUp(Line, frozen=True):
    """Hangs up, after a moment."""

    after_ms: int = 300


class StaysOn(Line, frozen=True):
    """Stays on the line until the other side ends the call."""

    within_ms: int = 60_000


class Role(msgspec.Struct, frozen=True):
    """One caller of a scenario: which business he phones, from where, and what he does."""

    business: str
    from_e164: str
    lines: tuple[Line, ...]


class Scenario(msgspec.Struct, frozen=True):
    """A scenario: who calls, what goes wrong, how the simulated model thinks, and what must come of it.

    `meanwhile` names something that happens to the business during the call, done by whoever stages it; `tool_ms` is
    how long each tool takes. `unworded` is what the model takes speech for that carries no words.
    """

    name: str
    title: str
    roles: tuple[Role, ...]
    brain: Callable[[], Brain] = receptionist
    model_faults: tuple[Fault, ...] = ()
    carrier_faults: tuple[CarrierFault, ...] = ()
    unworded: str = ""
    meanwhile: str = ""
    tool_ms: int = 0
    outcome: str = "caller_hung_up"
