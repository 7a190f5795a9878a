"""A person on the phone, acting a play: hears what really left the carrier's buffer, speaks into its mouth.

He understands only the words that reached his ear bit by bit, and he knows nothing else of the call.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import msgspec

from agentlocator.audio.frames import FRAME_MS, SILENCE_FRAME
from agentlocator.simulator import sounds
from agentlocator.simulator.carrier import Carrier
from agentlocator.simulator.hidden_words import Listener
from agentlocator.simulator.play import (
    Answered,
    Coughs,
    HangsUp,
    Hears,
    Interrupts,
    Line,
    LineHums,
    Presses,
    Says,
    StaysOn,
    Waits,
)
from agentlocator.simulator.speech import Voice

QUIET_MS = 450
"""The assistant has finished when it has been silent for this long."""
PATIENCE_MS = 30_000


class Spoken(msgspec.Struct, frozen=True):
    """Something said or done by the person: when it began and ended, and whether he interrupted with it."""

    at_ms: int
    until_ms: int
    text: str
    interrupting: bool = False


class Overheard(msgspec.Struct, frozen=True):
    """A word of the assistant as it was heard."""

    at_ms: int
    text: str


class Person:
    """One caller. `tick` is called every 20 ms with the carrier he is connected by.

    `complaints` say, in the play's words, what he waited for in vain: a good call has none.
    """

    def __init__(self, lines: Sequence[Line], voice: Voice, rng: random.Random) -> None:
        self.complaints: list[str] = []
        self.spoken: list[Spoken] = []
        self.overheard: list[Overheard] = []
        self.done = False
        self._voice = voice
        self._rng = rng
        self._listener = Listener()
        self._heard_frames = 0
        self._fresh: list[str] = []
        self._sound_since_ms: int | None = None
        self._sound_until_ms = 0
        self._carrier: Carrier | None = None
        self._now_ms = 0
        self._acted_ms = 0
        self._acting = self._act(lines)

    @property
    def damaged(self) -> int:
        """Pieces of the assistant's speech whose bytes were changed on their way."""
        return self._listener.damaged

    def tick(self, carrier: Carrier, now_ms: int) -> None:
        """Listens to what arrived and goes on with the play."""
        self._carrier = carrier
        self._now_ms = now_ms
        self._listen(carrier)
        if not self.done:
            self.done = next(self._acting, "done") == "done"

    def _listen(self, carrier: Carrier) -> None:
        fresh = carrier.heard[self._heard_frames :]
        self._heard_frames += len(fresh)
        for at_ms, frame in fresh:
            if frame == SILENCE_FRAME:
                if at_ms - self._sound_until_ms > QUIET_MS:
                    self._sound_since_ms = None
                continue
            if self._sound_since_ms is None:
                self._sound_since_ms = at_ms
            self._sound_until_ms = at_ms + FRAME_MS
            for word in self._listener.hear(frame):
                self.overheard.append(Overheard(at_ms, word.text))
                self._fresh.append(word.text)

    def _act(self, lines: Sequence[Line]) -> Iterator[None]:
        for line in lines:
            yield from self._acts(line)

    def _acts(self, line: Line) -> Iterator[None]:
        match line:
            case Hears():
                heard = self._until(lambda: self._quiet and line.words in " ".join(self._fresh) and bool(self._fresh))
                yield from self._patiently(heard, line.within_ms, f"never heard “{line.words}”")
            case Answered():
                answered = self._until(lambda: self._has_answered(line.quiet_ms))
                yield from self._patiently(answered, line.within_ms, "no answer")
            case Says():
                yield from self._pause(line.after_ms)
                yield from self._utter(line.text)
            case Interrupts():
                yield from self._patiently(self._until_talking(line.after_ms), PATIENCE_MS, "nothing to interrupt")
                yield from self._utter(line.text, interrupting=True)
            case Coughs():
                yield from self._patiently(self._until_talking(line.after_ms), PATIENCE_MS, "nothing to cough into")
                self._sound(sounds.cough(self._rng), "*")
            case LineHums():
                self._mouth.speak(sounds.line_noise(line.for_ms, line.dbfs, self._rng), self._now_ms)
            case Presses():
                yield from self._pause(line.after_ms)
                for key in line.keys:
                    self._mouth.press(key, self._now_ms)
                    yield from self._pause(line.gap_ms)
                self.spoken.append(Spoken(self._now_ms, self._now_ms, f"[{line.keys}]"))
                self._acted_ms = self._now_ms
                self._fresh.clear()
            case Waits():
                yield from self._pause(line.for_ms)
            case HangsUp():
                yield from self._pause(line.after_ms)
                self._mouth.hang_up(self._now_ms)
                yield
            case StaysOn():
                # When the other side hangs up, nobody acts any more: the play ends with this line.
                yield from self._patiently(self._until(lambda: False), line.within_ms, "the call was never ended")

    @property
    def _mouth(self) -> Carrier:
        assert self._carrier is not None, "a person speaks only while connected"
        return self._carrier

    @property
    def _quiet(self) -> bool:
        return self._sound_since_ms is None or self._now_ms - self._sound_until_ms >= QUIET_MS

    def _has_answered(self, quiet_ms: int) -> bool:
        return self._sound_until_ms > self._acted_ms and self._now_ms - self._sound_until_ms >= quiet_ms

    def _until_talking(self, for_ms: int) -> Iterator[None]:
        return self._until(
            lambda: (
                self._sound_since_ms is not None
                and self._now_ms - self._sound_since_ms >= for_ms
                and self._now_ms - self._sound_until_ms < 2 * FRAME_MS
            )
        )

    def _until(self, happened: Callable[[], bool]) -> Iterator[None]:
        while not happened():
            yield

    def _patiently(self, waiting: Iterator[None], within_ms: int, complaint: str) -> Iterator[None]:
        deadline_ms = self._now_ms + within_ms
        for _ in waiting:
            if self._now_ms > deadline_ms:
                self.complaints.append(f"at {self._now_ms} ms: {complaint} within {within_ms} ms")
                return
            yield

    def _pause(self, for_ms: int) -> Iterator[None]:
        until_ms = self._now_ms + for_ms
        return self._until(lambda: self._now_ms >= until_ms)

    def _utter(self, text: str, interrupting: bool = False) -> Iterator[None]:
        # What he heard before he has finished answers something else.
        self._fresh.clear()
        duration_ms = self._sound(self._voice.say(text, "caller").audio, text, interrupting)
        yield from self._pause(duration_ms)
        self._acted_ms = self._now_ms
        self._fresh.clear()

    def _sound(self, audio: bytes, text: str, interrupting: bool = False) -> int:
        duration_ms = len(audio) // 8
        self._mouth.speak(audio, self._now_ms)
        self.spoken.append(Spoken(self._now_ms, self._now_ms + duration_ms, text, interrupting))
        return duration_ms
