"""What a rehearsed call proves: gathered from the peers, the journal and the database, never from the core's own word.

The caller's ear says what was heard, the carrier what was sent, the model's end what it was told; only turn times and
latencies are the product's own measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.db.engine import Database
from agentlocator.db.schema import Appointment, Call, Lead
from agentlocator.domain import localtime
from agentlocator.domain.profile import BusinessProfile
from agentlocator.simulator.carrier import Carrier
from agentlocator.simulator.person import Person
from agentlocator.simulator.realtime_server import RealtimeServer
from agentlocator.simulator.recording import Timeline, write_recording

# The longest silence inside the simulated assistant's sentences is a full stop's.
PAUSE_MS = 400


class TurnSeen(msgspec.Struct, frozen=True):
    """One turn: `text` is what was heard, `heard_ms` of `generated_ms` milliseconds of it; `at_ms` is its beginning."""

    speaker: str
    text: str
    at_ms: int
    heard_ms: int = 0
    generated_ms: int = 0
    interrupted: bool = False
    latency_ms: int | None = None


class Evidence(msgspec.Struct):
    """One call. `frame_bytes` are the distinct sizes of all media sent; `greeting_ms` is from the stream's start.

    `stops_ms`: for each interruption, from the first sound of the caller to the last of the assistant in his ear.
    """

    scenario: str
    call_sid: str
    business: str
    outcome: str
    tx: int
    rx: int
    frame_bytes: list[int]
    bit_exact: bool
    greeting_ms: int | None
    turns: list[TurnSeen]
    interruptions: list[dict[str, Any]]
    stops_ms: list[int]
    alarms: list[str]
    complaints: list[str]
    model_errors: list[str]
    model_connections: int
    refused_messages: int
    max_queued_ms: int
    underruns: int
    lead: dict[str, Any] | None = None
    appointment: dict[str, Any] | None = None
    cost_micro_usd: int | None = None
    prompt: str = ""
    journal: str = ""
    recording: str = ""


class Observer:
    """Sees a call as it happens, in whichever way it is staged."""

    def __init__(self) -> None:
        self.turns: list[do.RecordTurn] = []
        self.barge_ins: list[tuple[int, do.ReportBargeIn]] = []
        self.alarms: list[do.RaiseAlarm] = []
        self.tools: list[tuple[int, do.InvokeTool]] = []
        self.summary: do.FinishCall | None = None
        self.caller_frames: list[bytes] = []
        self._produced: dict[str, bytearray] = {}

    def __call__(self, at_ms: int, event: on.Event, commands: list[do.Command]) -> None:
        if isinstance(event, on.CallerAudio):
            self.caller_frames.append(event.audio)
        elif isinstance(event, on.AssistantAudioProduced):
            self._produced.setdefault(event.item_id, bytearray()).extend(event.audio)
        for command in commands:
            match command:
                case do.RecordTurn():
                    self.turns.append(command)
                case do.ReportBargeIn():
                    self.barge_ins.append((at_ms, command))
                case do.RaiseAlarm():
                    self.alarms.append(command)
                case do.InvokeTool():
                    self.tools.append((at_ms, command))
                case do.FinishCall():
                    self.summary = command

    @property
    def produced(self) -> list[bytes]:
        """The model's audio, item by item, as it came over its socket."""
        return [bytes(audio) for audio in self._produced.values()]


def gather(
    scenario: str,
    business: str,
    observer: Observer,
    carrier: Carrier | None,
    person: Person,
    servers: Sequence[RealtimeServer],
) -> Evidence:
    """Everything that needs neither disk nor database."""
    summary = observer.summary
    heard = carrier.heard if carrier else []
    return Evidence(
        scenario=scenario,
        call_sid=carrier.call.call_sid if carrier else "",
        business=business,
        outcome=summary.outcome if summary else "",
        tx=sum(carrier.frame_sizes.values()) if carrier else 0,
        rx=summary.rx if summary else 0,
        frame_bytes=sorted(carrier.frame_sizes) if carrier else [],
        bit_exact=is_bit_exact(observer.produced, (frame for _, frame in heard)),
        greeting_ms=_first_sound_ms(heard),
        turns=[_seen(turn) for turn in sorted(observer.turns, key=lambda turn: turn.started_ms)],
        interruptions=[
            {"at_ms": at_ms, "verdict": report.verdict, "reason": report.reason, "speech_ms": report.speech_ms}
            for at_ms, report in observer.barge_ins
        ],
        stops_ms=[stop_ms(heard, said.at_ms) for said in person.spoken if said.interrupting],
        alarms=[f"{alarm.code}: {alarm.detail}" for alarm in observer.alarms],
        complaints=[*person.complaints, *(carrier.violations if carrier else []), *_warnings(carrier)],
        model_errors=[code or "" for server in servers for code in server.errors],
        model_connections=len(servers),
        refused_messages=0,
        max_queued_ms=carrier.max_queued_ms if carrier else 0,
        underruns=carrier.underruns if carrier else 0,
        prompt=str(servers[-1].session.get("instructions", "")) if servers else "",
    )


async def add_rows(evidence: Evidence, db: Database, profile: BusinessProfile) -> None:
    """Adds what the database remembers of the call: its lead, the lead's newest appointment, its cost."""
    async with db.reading(profile.business_id) as scope:
        call: Call | None = await scope.first(select(Call).where(Call.call_sid == evidence.call_sid))
        if call is None or call.lead_id is None:
            return
        evidence.cost_micro_usd = call.cost_micro_usd
        lead: Lead | None = await scope.get(Lead, call.lead_id)
        appointment: Appointment | None = await scope.first(
            select(Appointment).where(Appointment.lead_id == call.lead_id).order_by(Appointment.id.desc())
        )
    if lead is not None:
        evidence.lead = card_of(lead)
    if appointment is not None:
        evidence.appointment = {
            "id": appointment.id,
            "status": appointment.status,
            "starts_at": appointment.starts_at.isoformat(),
            "starts_local": localtime.to_wall(appointment.starts_at, profile.timezone).isoformat(),
            "lead_id": appointment.lead_id,
            "call_sid": appointment.call_sid,
        }


def card_of(lead: Lead) -> dict[str, Any]:
    """A lead, as the dashboard has it."""
    return {
        "id": lead.id,
        "name": lead.name,
        "phone": lead.phone_e164,
        "source": lead.source,
        "last_call_sid": lead.last_call_sid,
        "last_call_at": lead.last_call_at.isoformat() if lead.last_call_at else None,
    }


def record(evidence: Evidence, path: Path, observer: Observer, carrier: Carrier) -> None:
    """Writes the call as a stereo WAV, the caller left, the assistant right, as they met at the carrier."""
    first_ms = carrier.heard[0][0] if carrier.heard else 0
    caller: Timeline = [(first_ms + n * FRAME_MS, frame) for n, frame in enumerate(observer.caller_frames)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_recording(path, caller, carrier.heard)
    evidence.recording = str(path)


def is_bit_exact(produced: Sequence[bytes], heard: Iterable[bytes]) -> bool:
    """Whether every frame heard is, byte for byte, the next frame of what was produced.

    An item may break off where the caller interrupted it, and its last frame may be filled up with silence. Silent
    frames are left out on both sides: they cannot be told from a pause.
    """
    items = [_frames(audio) for audio in produced]
    item, place = 0, 0
    for frame in heard:
        if frame == SILENCE_FRAME:
            continue
        while item < len(items) and (place >= len(items[item]) or items[item][place] != frame):
            # Not the next frame of this item: it was cut here, and the frame must be a later item's first.
            item, place = item + 1, 0
        if item == len(items):
            return False
        place += 1
    return True


def _frames(audio: bytes) -> list[bytes]:
    padded = audio + SILENCE_FRAME[: -len(audio) % FRAME_BYTES]
    frames = (padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES))
    return [frame for frame in frames if frame != SILENCE_FRAME]


def _first_sound_ms(heard: Sequence[tuple[int, bytes]]) -> int | None:
    first = next((at_ms for at_ms, frame in heard if frame != SILENCE_FRAME), None)
    return None if first is None else first - heard[0][0]


def stop_ms(heard: Sequence[tuple[int, bytes]], began_ms: int) -> int:
    """How long the assistant was still heard after `began_ms`: until a silence that is no pause of its speech."""
    last_ms = began_ms
    for at_ms, frame in heard:
        if at_ms < began_ms or frame == SILENCE_FRAME:
            continue
        if at_ms - last_ms > PAUSE_MS:
            break
        last_ms = at_ms + FRAME_MS
    return last_ms - began_ms


def _seen(turn: do.RecordTurn) -> TurnSeen:
    return TurnSeen(
        turn.speaker,
        turn.text,
        turn.started_ms,
        turn.heard_ms,
        turn.generated_ms,
        turn.interrupted,
        turn.latency_ms,
    )


def _warnings(carrier: Carrier | None) -> list[str]:
    return [f"carrier warning {warned.code}: {warned.reason}" for warned in carrier.warnings] if carrier else []
