"""What the ear hands to the floor, for tests that need no sound: a caller's first syllable, 60 ms of it."""

from __future__ import annotations

import msgspec

from agentlocator.audio.evidence import Evidence

SYLLABLE = Evidence(
    at_ms=5080,
    level_dbfs=-24.0,
    floor_dbfs=-62.0,
    began_ms=5000,
    loud_dbfs=-22.0,
    probability=0.7,
    active_ms=60,
    active_frames=3,
    voiced_frames=2,
    mean_dbfs=-24.0,
    range_db=6.0,
    certainty=0.7,
    voicing=0.8,
)


def with_(evidence: Evidence = SYLLABLE, **changes: object) -> Evidence:
    """The same, but for what is said to be otherwise."""
    return msgspec.structs.replace(evidence, **changes)
