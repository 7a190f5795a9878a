"""A call in virtual time that reads like a play: who does what at which millisecond, and what the call does then.

`Line` is the only stage: it runs the call's timers, lets the carrier send its fifty frames a second, and keeps every
command with its time. It plays no peer: nothing answers here unless the test says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Self, TypeVar

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call import journal
from agentlocator.call.commands import (
    AppendAudio,
    ClearPlayout,
    Command,
    PlayFrame,
    ReportBargeIn,
    RequestResponse,
    ScoreSpeech,
    SendMark,
)
from agentlocator.call.events import (
    AssistantAudioFinished,
    AssistantAudioProduced,
    AssistantTextProduced,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CallerTurnCommitted,
    CallOffered,
    Event,
    ModelConnected,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    SpeechScored,
    StreamStarted,
    TimerFired,
)
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief, CallPolicy, Remembered
from agentlocator.simulator.babble import babble
from agentlocator.simulator.speech import Voice

GREETING = "שלום, הגעתם למרפאה של ד״ר לוי"
VOICE = "shimmer"
INTERRUPTION = "רגע, סליחה שאני מפריע לך, אבל יש לי עוד שאלה אחת חשובה בקשר לתור שקבענו"

C = TypeVar("C", bound=Command)


class Like:
    """A command of this class whose named fields are these; the others may be anything."""

    def __init__(self, kind: type[Command], **fields: Any) -> None:
        self._kind = kind
        self._fields = fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self._kind) and all(
            getattr(other, name) == value for name, value in self._fields.items()
        )

    def __hash__(self) -> int:
        return hash(self._kind)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._fields.items())
        return f"{self._kind.__name__}({fields}, …)"


class Line:
    """A call and its clock. Times are milliseconds of the call; policy fields are given by name.

    `people` are those the business has behind it, `returning` what was said before the call came back from one.
    """

    def __init__(
        self,
        greeting: str = GREETING,
        *,
        people: tuple[str, ...] = (),
        returning: tuple[Remembered, ...] = (),
        **policy: Any,
    ) -> None:
        self.brief = CallBrief("CA1", greeting, CallPolicy(**policy), people, returning)
        self.call = Call(self.brief)
        self.now_ms = 0
        self.history: list[tuple[int, Command]] = []
        self.lines: list[bytes] = [journal.write_header(self.brief, "2026-11-22T08:00:00+02:00")]
        self.caller_sound: Callable[[], bytes] | None = lambda: SILENCE_FRAME
        self._unseen: list[Command] = []
        self._next_frame_ms: int | None = None
        self._next_id = 0

    # Time.

    def at(self, now_ms: int) -> Self:
        """Lets time run up to this millisecond: timers fire, and the carrier's frames come in."""
        assert now_ms >= self.now_ms, "time does not run backwards"
        while not self.call.over:
            frame_ms = self._next_frame_ms if self.caller_sound else None
            due = [at_ms for at_ms in (self.call.deadline_ms, frame_ms) if at_ms is not None]
            if not due or min(due) > now_ms:
                break
            self.now_ms = max(self.now_ms, min(due))
            if self.caller_sound and frame_ms == min(due):
                self._next_frame_ms = frame_ms + FRAME_MS
                self._happen(CallerAudio(self.caller_sound()))
            else:
                self._happen(TimerFired())
        self.now_ms = now_ms
        return self

    def after(self, ms: int) -> Self:
        return self.at(self.now_ms + ms)

    def until(self, kind: type[Command], within_ms: int = 60_000) -> Self:
        """Lets time run until a command of this class comes, at most so long."""
        before = len(self.all(kind))
        for _ in range(within_ms // FRAME_MS):
            if len(self.all(kind)) > before:
                return self
            self.after(FRAME_MS)
        raise AssertionError(f"no {kind.__name__} within {within_ms} ms")

    # What happens.

    def hears(self, *events: Event) -> Self:
        """These things happen now, one after the other."""
        for event in events:
            self._happen(event)
        return self

    def _happen(self, event: Event) -> None:
        commands = self.call.handle(event, self.now_ms)
        self.lines.append(journal.write_entry(self.now_ms, event, commands))
        self.history.extend((self.now_ms, command) for command in commands)
        if isinstance(event, CallerAudio) and self.call.playout.paused:
            assert self.call.listening.floor.paused, "the sound is held back, and nobody decides about it"
        self._unseen.extend(commands)
        if isinstance(event, StreamStarted) and self._next_frame_ms is None:
            self._next_frame_ms = self.now_ms + FRAME_MS
        for command in commands:
            if isinstance(command, ScoreSpeech):
                self._happen(SpeechScored(0.02 if set(command.audio) <= {0xFF, 0x7F} else 0.97))

    # What the call did.

    def does(self, *expected: Command | type[Command] | Like) -> Self:
        """Since the last look the call did exactly this, in this order.

        Sound, marks and the neural detector's questions count only where they are expected.
        """
        wanted = tuple(e if isinstance(e, type) else Like if isinstance(e, Like) else type(e) for e in expected)
        ignored = tuple(kind for kind in (PlayFrame, SendMark, AppendAudio, ScoreSpeech) if kind not in wanted)
        done = [command for command in self._unseen if not isinstance(command, ignored)]
        self._unseen.clear()
        assert len(done) == len(expected), f"expected {list(expected)}, got {done}"
        for want, got in zip(expected, done, strict=True):
            fits = isinstance(got, want) if isinstance(want, type) else want == got
            assert fits, f"expected {want}, got {got}; all: {done}"
        return self

    def does_nothing(self) -> Self:
        return self.does()

    def meanwhile(self) -> Self:
        """Whatever the call did until now is not this scene's business."""
        self._unseen.clear()
        return self

    def all(self, kind: type[C]) -> list[C]:
        """Every command of this class so far, in order."""
        return [command for _, command in self.history if isinstance(command, kind)]

    def times(self, kind: type[Command]) -> list[int]:
        return [at_ms for at_ms, command in self.history if isinstance(command, kind)]

    def last(self, kind: type[C]) -> C:
        return self.all(kind)[-1]

    @property
    def played(self) -> bytes:
        """Everything sent to the caller's ear."""
        return b"".join(frame.audio for frame in self.all(PlayFrame))

    @property
    def forwarded(self) -> bytes:
        """Everything of the caller that the model was given to hear."""
        return b"".join(frame.audio for frame in self.all(AppendAudio))

    def longest_silence_ms(self, since_ms: int, until_ms: int) -> int:
        """The longest time in which no frame left for the caller."""
        times = [since_ms, *(at_ms for at_ms in self.times(PlayFrame) if since_ms < at_ms < until_ms), until_ms]
        return max(later - earlier for earlier, later in pairwise(times))

    # The model.

    def answers(
        self,
        text: str = "כן, בשמחה.",
        ms: int = 1_000,
        *,
        response: str | None = None,
        item: str | None = None,
        audio: bytes | None = None,
        status: str | None = "completed",
        reason: str = "",
    ) -> Self:
        """A response begins and brings one item, at once; with `status` None it goes on being generated."""
        self._next_id += 1
        response_id = response or f"r{self._next_id}"
        item_id = item or f"i{self._next_id}"
        sound = speech(ms, self._next_id) if audio is None else audio
        self.hears(ResponseStarted(response_id))
        self.hears(*spoken(response_id, item_id, text, sound))
        if status is not None:
            self.hears(AssistantAudioFinished(item_id), ResponseFinished(response_id, status, reason))
        return self

    # The caller.

    def caller_says(self, text: str = "רגע, סליחה שאני מפריע לך", ms: int | None = None) -> Self:
        """His sound, frame by frame in real time, at the level of speech; nothing is heard of it by itself."""
        frames = caller_frames(text)
        count = len(frames) if ms is None else ms // FRAME_MS
        quiet, self.caller_sound = self.caller_sound, None
        for index in range(count):
            self.after(FRAME_MS).hears(CallerAudio(frames[index % len(frames)]))
        self._next_frame_ms = self.now_ms + FRAME_MS
        self.caller_sound = quiet
        return self

    def caller_interrupts(self, text: str = INTERRUPTION, within_ms: int = 2_000) -> Self:
        """He speaks until the call yields."""
        before = len(self.all(ClearPlayout))
        frames = iter(caller_frames(text))
        quiet, self.caller_sound = self.caller_sound, lambda: next(frames)
        for _ in range(within_ms // FRAME_MS):
            self.after(FRAME_MS)
            if len(self.all(ClearPlayout)) > before:
                self.caller_sound = quiet
                return self
        raise AssertionError(f"nobody yielded within {within_ms} ms")

    def caller_turn(self, text: str = "אני רוצה לקבוע תור", ms: int = 1_000, item: str = "u1") -> Self:
        """A whole turn as the model's server hears it, with its words."""
        self.hears(CallerSpeechStarted(item)).caller_says(text, ms).after(500)
        return self.hears(CallerSpeechStopped(item), CallerTurnCommitted(item), CallerTranscribed(item, text))

    @property
    def verdicts(self) -> list[str]:
        return [report.verdict for report in self.all(ReportBargeIn)]


def configured(**policy: Any) -> Line:
    """The model is connected and asked to greet, at 150 ms; the carrier's stream is not there yet."""
    line = Line(GREETING, **policy)
    line.hears(CallOffered()).at(100).hears(ModelConnected()).at(150).hears(SessionConfirmed(VOICE))
    return line.meanwhile()


def greeted(greeting_ms: int = 1_000, **policy: Any) -> Line:
    """The greeting has been spoken and heard; the line is quiet and nobody has anything to say."""
    line = configured(**policy).at(300).hears(StreamStarted("MZ1")).answers(GREETING, greeting_ms)
    return line.after(greeting_ms + 200).meanwhile()


def clinic(*people: str, returning: tuple[Remembered, ...] = ()) -> Line:
    """Like `greeted`, at a business with these people behind it."""
    return greeted(people=people, returning=returning)


def answering(ms: int = 4_000, text: str = "יש לי תור פנוי ביום ראשון בעשר", **policy: Any) -> Line:
    """After the greeting and a turn of the caller, the assistant is in the first second of a long answer."""
    line = greeted(**policy).caller_turn()
    assert line.all(RequestResponse), "a turn asks for an answer"
    return line.answers(text, ms).after(1_000).meanwhile()


def spoken(response_id: str, item_id: str, text: str, audio: bytes, chunk_bytes: int = 1_000) -> list[Event]:
    """An item's words and sound, in pieces that are no whole frames, as a model sends them."""
    pieces = [audio[at : at + chunk_bytes] for at in range(0, len(audio), chunk_bytes)]
    return [
        AssistantTextProduced(response_id, item_id, text),
        *(AssistantAudioProduced(response_id, item_id, piece) for piece in pieces),
    ]


def speech(ms: int, seed: int = 0) -> bytes:
    """Bytes of which no two pieces are alike, so that a lost, doubled or altered one shows."""
    return random.Random(seed).randbytes(ms * BYTES_PER_MS)


def caller_frames(text: str) -> list[bytes]:
    """A caller's audible speech, loud from its first frame."""
    audio = _VOICE.say(text, "caller").audio
    return [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]


_VOICE = Voice(read_aloud=babble)
