"""The simulated model's own turn detection: loud is speech, quiet for long enough is the end of a turn. Pure.

It hears energy alone and on purpose: noise that is forwarded does make a turn, as it does at the real service.
It never sees words, and its clock is the sound it was given, not the time of day.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from agentlocator.audio.frames import FRAME_MS, SILENCE_FRAME
from agentlocator.audio.level import level_dbfs


class SpeechStarted(msgspec.Struct, frozen=True):
    """Where the turn's sound begins, padding included, in ms of the sound sent so far."""

    audio_start_ms: int


class SpeechStopped(msgspec.Struct, frozen=True):
    """Where the turn's sound ends, its closing silence included."""

    audio_end_ms: int


class ServerVad:
    """`server_vad`, and `semantic_vad` as a longer or shorter patience.

    `settings` is the session's `turn_detection` object.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.threshold_dbfs = -52.0 + 24.0 * settings.get("threshold", 0.5)
        self._prefix_ms = settings.get("prefix_padding_ms", 300)
        self._silence_ms = settings.get("silence_duration_ms") or _PATIENCE_MS[settings.get("eagerness", "auto")]
        self._recent = 0
        self._last_loud_ms = 0
        self.in_speech = False

    def hear(self, frame: bytes, until_ms: int) -> SpeechStarted | SpeechStopped | None:
        """Takes up to 20 ms of µ-law sound that ends at `until_ms`."""
        if frame == SILENCE_FRAME:
            return self.judge(False, until_ms) if self._recent or self.in_speech else None
        return self.judge(level_dbfs(frame) > self.threshold_dbfs, until_ms)

    def judge(self, loud: bool, until_ms: int) -> SpeechStarted | SpeechStopped | None:
        """The same for sound whose loudness the caller of this method has judged."""
        self._recent = (self._recent << 1 | loud) & _WINDOW
        if loud:
            self._last_loud_ms = until_ms
        if not self.in_speech:
            return self._start(until_ms) if loud and self._recent.bit_count() >= _LOUD_FRAMES else None
        if until_ms - self._last_loud_ms < self._silence_ms:
            return None
        self.in_speech = False
        return SpeechStopped(until_ms)

    def reset(self) -> None:
        """Forgets a turn that has begun."""
        self.in_speech = False
        self._recent = 0

    def _start(self, until_ms: int) -> SpeechStarted:
        self.in_speech = True
        onset_ms = until_ms - self._recent.bit_length() * FRAME_MS
        return SpeechStarted(max(0, onset_ms - self._prefix_ms))


_LOUD_FRAMES = 3
_WINDOW = 0b11111
_PATIENCE_MS = {"low": 1500, "medium": 900, "auto": 900, "high": 500}
