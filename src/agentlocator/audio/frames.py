"""The 20 ms frame, the unit in which a call sends and counts sound.

Never looks into the sound: whatever bytes come in leave in the same order, only cut elsewhere.
"""

from typing import Final

from agentlocator.audio.g711 import SILENCE

FRAME_MS: Final = 20
BYTES_PER_MS: Final = 8
FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS
SILENCE_FRAME: Final = bytes([SILENCE]) * FRAME_BYTES


class Framer:
    """Cuts pieces of any size into frames of exactly 160 bytes."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # Deleting at a bytearray's front moves its start, not its bytes: an hour of sound costs no more.
        self._held = bytearray()

    @property
    def held_bytes(self) -> int:
        """Bytes appended and not yet popped, whole frames or not."""
        return len(self._held)

    def append(self, audio: bytes) -> None:
        self._held += audio

    def pop(self) -> bytes | None:
        """The oldest whole frame, or None while less than a frame is held."""
        if len(self._held) < FRAME_BYTES:
            return None
        frame = bytes(self._held[:FRAME_BYTES])
        del self._held[:FRAME_BYTES]
        return frame

    def flush(self) -> None:
        """The utterance is over: pads its last frame with silence, so that pop gives all that is held."""
        self._held += SILENCE_FRAME[: -len(self._held) % FRAME_BYTES]

    def clear(self) -> None:
        """Forgets all that is held."""
        self._held.clear()
