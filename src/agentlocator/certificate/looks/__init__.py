"""What a certification looks at, one file a group of sections.

A look takes the evidence and says whether one thing is as it should be, and what shows it. It is pure, and knows of no
other look: what a failure means for the others is the judge's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from agentlocator.certificate.evidence import Evidence
from agentlocator.certificate.verdicts import Words


class Limits(msgspec.Struct, frozen=True):
    """What is good enough. The defaults are the requirements' own."""

    frames: int = 500
    answer_from_ms: int = 500
    answer_to_ms: int = 1_500
    stop_ms: int = 200
    audible_ms: int = 2_000
    quietest_dbfs: float = -40.0
    loudest_dbfs: float = -6.0
    voiced: float = 0.25
    greeting_likeness: float = 0.7


LIMITS: Final = Limits()

Seen = tuple[bool, Words]
"""Whether it is as it should be, and what shows it."""

Look = Callable[[Evidence, Limits], Seen]
