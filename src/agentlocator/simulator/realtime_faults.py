"""The ways in which the simulated model can misbehave: named, addressed and seeded.

A fault says what goes wrong and where; the server and its responses do the harm. Nothing here acts by itself.
"""

import random
from collections.abc import Sequence
from typing import Literal

import msgspec

FaultName = Literal[
    "refuse_connect",
    "error_after_upgrade",
    "never_updated",
    "wrong_echo",
    "drop",
    "stall",
    "failed",
    "incomplete",
    "slow_first_token",
    "duplicate_function_call",
    "cut_arguments",
]


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong.

    `connection` and `response` count from 1 and narrow the fault (None: every one); `chance` is drawn from the
    server's own seeded generator. What the other fields mean, by name:

    - `refuse_connect`: the upgrade is answered with HTTP `status` (401, 429 or 503).
    - `error_after_upgrade`: an `error` with `code` instead of `session.created`, then close 4000.
    - `never_updated`: `session.update` is taken but never answered.
    - `wrong_echo`: the session stays on 24 kHz PCM both ways, and says so.
    - `drop`: `after_ms` into the response the socket closes with `status` (1006 or 1011; 0 means 1006).
    - `stall`: `after_ms` into the response nothing comes for `lasting_ms` (0 means for ever).
    - `failed`: the response ends `failed` with `code`; with `status` 1 an `error` event comes too.
    - `incomplete`: the response ends `incomplete` (`code`: the reason) after `after_ms` of its audio.
    - `slow_first_token`: thinking takes `lasting_ms` longer.
    - `duplicate_function_call`: a call's closing events come twice.
    - `cut_arguments`: a function call's arguments break off, and the response ends `incomplete`.
    """

    name: FaultName
    connection: int | None = None
    response: int | None = None
    chance: float = 1.0
    after_ms: int = 0
    lasting_ms: int = 0
    status: int = 0
    code: str = ""


class FaultPlan:
    """The faults of one connection; which of them strike is drawn from the generator given."""

    def __init__(self, faults: Sequence[Fault], rng: random.Random, connection: int = 1) -> None:
        self._faults = [fault for fault in faults if fault.connection in (None, connection)]
        self._rng = rng

    def __bool__(self) -> bool:
        return bool(self._faults)

    def find(self, name: FaultName, response: int | None = None) -> Fault | None:
        """The first fault of that name that strikes here; for a response, the one counted `response`."""
        for fault in self._faults:
            if fault.name != name or (fault.response is not None and fault.response != response):
                continue
            if fault.chance >= 1.0 or self._rng.random() < fault.chance:
                return fault
        return None
