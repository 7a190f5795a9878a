"""The sound of a recorded call: what each side heard of the other, at its time. Keeps it; changes none of it."""

from __future__ import annotations

from typing import Final

import msgspec

from agentlocator.audio.frames import BYTES_PER_MS
from agentlocator.microscope.picture import CallPicture

Pieces = tuple[tuple[int, bytes], ...]
"""Frames of µ-law with the millisecond at which each began."""

# A line delivers its frames unevenly; what is farther off than this was a gap and not the network.
_JITTER_MS: Final = 120


class Recording(msgspec.Struct, frozen=True):
    """A call to look at and to listen to."""

    picture: CallPicture
    caller: Pieces
    assistant: Pieces


class Sound:
    """Takes both sides down."""

    def __init__(self) -> None:
        self.caller: list[tuple[int, bytes]] = []
        self.assistant: list[tuple[int, bytes]] = []
        self._next_ms = 0

    def caller_heard(self, at_ms: int, audio: bytes) -> None:
        """One frame as it arrived; it sounds right after the one before it unless the line had a gap."""
        if abs(at_ms - self._next_ms) > _JITTER_MS:
            self._next_ms = max(at_ms, 0)
        self.caller.append((self._next_ms, audio))
        self._next_ms += len(audio) // BYTES_PER_MS

    def assistant_heard(self, at_ms: int, audio: bytes) -> None:
        self.assistant.append((at_ms, audio))
