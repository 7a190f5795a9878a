"""What a call's journal says of it: the session, the frames, both sides' sound, the keys, the tools. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from agentlocator.audio import g711, voicing
from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS
from agentlocator.audio.level import SILENCE_DBFS, level_dbfs
from agentlocator.call import events as on
from agentlocator.call import journal
from agentlocator.certificate.evidence import Frames, Session, Sound, Spoken, ToolRun
from agentlocator.microscope import read_picture
from agentlocator.microscope.picture import CallPicture, Envelope

AUDIBLE_DBFS = -45.0


class Recorded(msgspec.Struct, frozen=True):
    """A journal, read once. `produced` is the model's sound, item by item; `keys_to_model` are texts it was given."""

    started_at: str
    greeting: str
    session: Session
    frames: Frames
    sound: Sound
    turns: tuple[Spoken, ...]
    tools: tuple[ToolRun, ...]
    keys: str
    keys_to_model: tuple[str, ...]
    barge_ins: tuple[dict[str, Any], ...]
    alarms: tuple[str, ...]
    greeted: str
    greeted_by_model: bool
    produced: tuple[bytes, ...]
    outcome: str
    duration_ms: int


def read(content: bytes) -> Recorded:
    """Reads a whole journal. Raises JournalError for what is none."""
    lines = content.splitlines(keepends=True)
    picture = read_picture(lines)
    notes = _Notes()
    header, entries = journal.read(lines)
    for entry in entries:
        notes.take(entry)
    produced = [bytes(audio) for audio in notes.produced.values()]
    return Recorded(
        started_at=header.started_at,
        greeting=header.brief.greeting,
        session=notes.session(),
        frames=Frames(
            sent=dict(notes.sent),
            produced_ms=sum(map(len, produced)) // BYTES_PER_MS,
            received=len(notes.caller),
        ),
        sound=_sound(picture, notes.caller, produced),
        turns=tuple(_spoken(picture)),
        tools=tuple(
            ToolRun(tool.name, tool.requested_ms, tool.arguments, tool.ok, tool.output) for tool in picture.tools
        ),
        keys="".join(digit for _, digit in picture.keys),
        keys_to_model=tuple(notes.typed),
        barge_ins=tuple(notes.barge_ins),
        alarms=tuple(f"{alarm.code}: {alarm.detail}" for alarm in picture.alarms),
        greeted=next((turn.text for turn in picture.said if turn.speaker == "assistant"), notes.first_words),
        greeted_by_model=notes.greeted_by_model,
        produced=tuple(produced),
        outcome=picture.summary.outcome,
        duration_ms=picture.summary.duration_ms,
    )


class _Notes:
    """What is noted while the entries go by."""

    def __init__(self) -> None:
        self.produced: dict[str, bytearray] = {}
        self.sent: Counter[int] = Counter()
        self.caller: list[bytes] = []
        self.typed: list[str] = []
        self.barge_ins: list[dict[str, Any]] = []
        self.first_words = ""
        self.greeted_by_model = False
        self._spoke_first = ""
        self._connections = 0
        self._confirmed = False
        self._usable = True
        self._differences: tuple[str, ...] = ()
        self._lost: list[str] = []
        self._errors: list[str] = []

    def session(self) -> Session:
        return Session(
            connections=self._connections,
            confirmed=self._confirmed,
            usable=self._usable,
            differences=self._differences,
            lost=tuple(self._lost),
            errors=tuple(self._errors),
        )

    def take(self, entry: journal.Entry) -> None:
        self._happened(entry.event)
        for raw in entry.commands:
            self._did(msgspec.json.decode(raw), entry.at_ms)

    def _happened(self, event: on.Event) -> None:
        match event:
            case on.CallerAudio():
                self.caller.append(event.audio)
            case on.AssistantAudioProduced():
                self._begun_by("model")
                self.produced.setdefault(event.item_id, bytearray()).extend(event.audio)
            case on.AssistantTextProduced() if len(self.produced) <= 1:
                self.first_words += event.text
            case on.CallerTurnCommitted():
                self._begun_by("caller")
            case on.SessionConfirmed():
                self._confirmed, self._usable, self._differences = True, event.usable, event.differences
            case on.ModelDisconnected():
                self._lost.append(event.reason)
            case on.ModelErrored():
                self._errors.append(f"{event.code}: {event.message}")
            case on.ResponseFinished() if event.status == "failed":
                self._errors.append(f"{event.code or event.reason}: response failed")
            case _:
                pass

    def _did(self, command: dict[str, Any], at_ms: int) -> None:
        match command.get("command"):
            case "PlayFrame":
                self.sent[int(command["bytes"])] += 1
            case "OpenModel":
                self._connections += 1
            case "AddMessage" if command.get("role") == "user":
                self.typed.append(str(command.get("text", "")))
            case "ReportBargeIn":
                self.barge_ins.append({**command, "at_ms": at_ms})

    def _begun_by(self, who: str) -> None:
        if not self._spoke_first:
            self._spoke_first = who
            self.greeted_by_model = who == "model"


def _spoken(picture: CallPicture) -> Iterator[Spoken]:
    for said in picture.said:
        yield Spoken(
            said.speaker,
            said.text,
            said.start_ms,
            said.latency.length_ms if said.latency and not said.latency.opening else None,
            said.interrupted,
            said.heard_ms,
            said.generated_ms,
        )


def _sound(picture: CallPicture, caller: Sequence[bytes], produced: Sequence[bytes]) -> Sound:
    spoken = b"".join(produced)
    assistant = [spoken[at : at + FRAME_BYTES] for at in range(0, len(spoken), FRAME_BYTES)]
    caller_ms, caller_dbfs = _loudness(caller)
    assistant_ms, assistant_dbfs = _loudness(assistant)
    return Sound(
        caller_ms=caller_ms,
        caller_dbfs=caller_dbfs,
        assistant_ms=assistant_ms,
        assistant_dbfs=assistant_dbfs,
        assistant_voiced=voiced_share(spoken),
        caller_peaks=_peaks(picture.caller),
        assistant_peaks=_peaks(picture.assistant),
    )


def _loudness(frames: Sequence[bytes]) -> tuple[int, float]:
    """For how long it was audible, and how loud it was then."""
    audible = [frame for frame in frames if frame and level_dbfs(frame) > AUDIBLE_DBFS]
    if not audible:
        return 0, SILENCE_DBFS
    return len(audible) * FRAME_MS, round(level_dbfs(b"".join(audible)), 1)


def voiced_share(audio: bytes) -> float:
    """How much of what is audible was made by vocal cords: of noise almost nothing is."""
    samples = g711.decode(audio).astype(np.float32)
    window = voicing.WINDOW_SAMPLES
    pieces = [samples[at : at + window] for at in range(0, len(samples) - window + 1, window)]
    loud = [piece for piece in pieces if float(np.abs(piece).mean()) > 300.0]
    if not loud:
        return 0.0
    return round(sum(voicing.voice(piece).voicing > 0.5 for piece in loud) / len(loud), 2)


def _peaks(envelope: Envelope) -> tuple[float, ...]:
    return tuple(round(max(abs(low), abs(high)), 3) for low, high in zip(envelope.low, envelope.high, strict=True))
