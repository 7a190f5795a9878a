"""What the model got of each frame of the caller. Never asks why: the reason is the call's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS
from agentlocator.audio.g711 import SILENCE
from agentlocator.microscope.picture import Passage, Way


class Forwarding:
    """Fed every frame of the caller with what was appended for it."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, Way]] = []

    def heard(self, audio: bytes, appended: Sequence[bytes], otherwise: Way, now_ms: int) -> None:
        """A frame of the caller, and what the model got at that moment; if nothing, `otherwise` says what that was."""
        way = otherwise
        if appended:
            own = appended[-1] == audio or not _is_silence(appended[-1])
            way = "sent" if own else "silence"
        self._frames.append((now_ms - FRAME_MS, way))
        self.caught_up(appended[:-1], before=1)

    def caught_up(self, appended: Sequence[bytes], before: int = 0) -> None:
        """The frames heard last, not counting the newest `before`, were sent after all."""
        # Gathered silence is sent in larger pieces, and is nobody's frame.
        count = sum(len(piece) == FRAME_BYTES for piece in appended)
        end = len(self._frames) - before
        for index in range(max(0, end - count), end):
            start_ms, way = self._frames[index]
            if way != "sent":
                self._frames[index] = (start_ms, "late")

    def passages(self) -> tuple[Passage, ...]:
        """Neighbouring frames that went the same way, as one stretch."""
        stretches: list[Passage] = []
        for way, group in groupby(self._frames, key=lambda frame: frame[1]):
            starts = [start_ms for start_ms, _ in group]
            stretches.append(Passage(starts[0], starts[-1] + FRAME_MS, way))
        return tuple(stretches)


def _is_silence(audio: bytes) -> bool:
    return not audio.strip(bytes([SILENCE]))
