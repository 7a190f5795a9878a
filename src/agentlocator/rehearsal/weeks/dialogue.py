"""One past call as it was spoken: turns that follow each other in time, and what the model used to speak them. Pure."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

import msgspec

from agentlocator.domain.calls import Speaker
from agentlocator.realtime.usage import Tokens

_LETTERS_A_SECOND: Final = 14
# As the provider counts sound: a token is a tenth of a second heard, a twentieth of one spoken.
_HEARD_A_SECOND: Final = 10
_SPOKEN_A_SECOND: Final = 20
_INSTRUCTIONS: Final = 1900


class Line(msgspec.Struct, frozen=True):
    """One turn. `heard` is set when the caller interrupted it."""

    speaker: Speaker
    text: str
    at_ms: int
    heard: str | None = None
    latency_ms: int | None = None


class Dialogue:
    """A call that is being told. Time passes as people speak."""

    def __init__(self, rng: random.Random, started_at: datetime) -> None:
        self.lines: list[Line] = []
        self.spent = Tokens()
        self.tools = 0
        self.alarms: list[str] = []
        self.produced_ms = 0
        self.heard_ms = 0
        self._rng = rng
        self._started_at = started_at
        self._now_ms = 900
        self._audio_before = 0

    @property
    def now(self) -> datetime:
        return self._started_at + timedelta(milliseconds=self._now_ms)

    @property
    def length_ms(self) -> int:
        return self._now_ms

    def greets(self, text: str, *, cut_after_ms: int | None = None) -> None:
        """The assistant speaks first; a caller may have gone before it is through."""
        self._speak(text, None, cut_after_ms)

    def answers(self, text: str, *, after_tool: bool = False) -> None:
        latency_ms = self._rng.randint(560, 1180) + (self._rng.randint(180, 520) if after_tool else 0)
        self._now_ms += latency_ms
        self._speak(text, latency_ms, None)

    def is_interrupted(self, text: str) -> None:
        """The assistant speaks, and the caller speaks into it: the rest was never heard."""
        latency_ms = self._rng.randint(640, 1300)
        self._now_ms += latency_ms
        self._speak(text, latency_ms, self._rng.randint(1500, 2600))

    def says(self, text: str) -> None:
        self._now_ms += self._rng.randint(280, 900)
        self.lines.append(Line("caller", text, self._now_ms))
        length_ms = _length_ms(text)
        self._now_ms += length_ms
        heard = length_ms * _HEARD_A_SECOND // 1000
        self._audio_before += heard
        self.spent += Tokens(audio_in=heard, transcribed_ms=length_ms)

    def waits(self, for_ms: int) -> None:
        self._now_ms += for_ms

    def _speak(self, text: str, latency_ms: int | None, cut_after_ms: int | None) -> None:
        length_ms = _length_ms(text)
        heard = (
            None if cut_after_ms is None or cut_after_ms >= length_ms else _beginning(text, cut_after_ms / length_ms)
        )
        sounded_ms = length_ms if heard is None or cut_after_ms is None else cut_after_ms
        self.lines.append(Line("assistant", text, self._now_ms, heard, latency_ms))
        self._now_ms += sounded_ms
        self.produced_ms += length_ms
        self.heard_ms += sounded_ms
        spoken = length_ms * _SPOKEN_A_SECOND // 1000
        first = self.spent.text_out == 0
        self.spent += Tokens(
            text_in=_INSTRUCTIONS if first else 60,
            text_cached=0 if first else _INSTRUCTIONS,
            text_out=len(text) // 3 + 12,
            audio_cached=self._audio_before,
            audio_out=spoken,
        )
        self._audio_before += spoken


def _length_ms(text: str) -> int:
    return 350 + len(text) * 1000 // _LETTERS_A_SECOND


def _beginning(text: str, share: float) -> str:
    """Whole words, as many as were heard."""
    return text[: max(1, round(len(text) * share))].rpartition(" ")[0] or text[:1]
