"""A recorded call as plain values: what was said, heard, decided and lost, each at its time.

Times are milliseconds since the call was offered, lengths of audio are milliseconds too. Never draws, and holds no
audio: of sound it keeps only the envelope.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agentlocator.audio.detector import Evidence
from agentlocator.call.floor import FloorPolicy

COLUMN_MS: Final = 40
"""The width of one column of an envelope or of a track."""

Way = Literal["sent", "late", "silence", "held", "nobody"]
"""What the model got of the caller: his frame at once, his frame later, silence instead of it, nothing for now, or
nothing because there was no model."""

Track = tuple[float | None, ...]
"""One number per column from millisecond 0 on; None where nothing was measured."""


class Envelope(msgspec.Struct, frozen=True):
    """The lowest and the highest sample of each column, -1..1; the first column begins at `start_ms`."""

    start_ms: int
    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def end_ms(self) -> int:
        return self.start_ms + len(self.low) * COLUMN_MS


class Unheard(msgspec.Struct, frozen=True):
    """Speech of one item that was made and never heard, at the time it would have been heard; `length_ms` of it."""

    item_id: str
    length_ms: int
    envelope: Envelope


class Tracks(msgspec.Struct, frozen=True):
    """The ear's evidence over time, the strongest of each column; the noise floor is the last of each."""

    level_dbfs: Track
    floor_dbfs: Track
    speech_ms: Track
    probability: Track
    voicing: Track
    echo_db: Track


class Passage(msgspec.Struct, frozen=True):
    """A stretch of the caller's sound that went one way."""

    start_ms: int
    end_ms: int
    way: Way


class Verdict(msgspec.Struct, frozen=True):
    """One decision of the floor, with the evidence it was made on. `verdict`: pause, commit or resume."""

    at_ms: int
    verdict: str
    reason: str
    heard_ms: int
    speech_ms: int
    evidence: Evidence | None


class Latency(msgspec.Struct, frozen=True):
    """From the end of the caller's turn to the first sound of the answer. The opening answers nobody's words."""

    start_ms: int
    end_ms: int
    opening: bool

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


class Said(msgspec.Struct, frozen=True):
    """One turn. `speaker`: caller, assistant or keypad; what was generated and not heard stands apart."""

    speaker: str
    start_ms: int
    end_ms: int
    text: str
    unheard_text: str = ""
    heard_ms: int = 0
    generated_ms: int = 0
    interrupted: bool = False
    latency: Latency | None = None


class ToolRun(msgspec.Struct, frozen=True):
    """One tool call. `finished_ms` and `ok` are None when no answer came."""

    name: str
    arguments: str
    requested_ms: int
    finished_ms: int | None = None
    output: str = ""
    ok: bool | None = None


class Response(msgspec.Struct, frozen=True):
    """One response of the model, from its request on; what never happened is None. `cue` is its own instruction."""

    response_id: str
    requested_ms: int
    cue: str = ""
    started_ms: int | None = None
    first_audio_ms: int | None = None
    finished_ms: int | None = None
    status: str = ""


class Connection(msgspec.Struct, frozen=True):
    """One attempt to reach the model, and how it ended; `ended_ms` is None while it lasts to the journal's end."""

    opened_ms: int
    attempt: int
    confirmed_ms: int | None = None
    ended_ms: int | None = None
    reason: str = ""
    lost: bool = False


class Alarm(msgspec.Struct, frozen=True):
    """Something an operator had to see, or a complaint of the model's server."""

    at_ms: int
    code: str
    detail: str


class Summary(msgspec.Struct, frozen=True):
    """The call in numbers. Latencies do not count the opening. `outcome` is empty when the journal ends before the
    call does; `tx` and `rx` count frames."""

    duration_ms: int
    caller_turns: int
    assistant_turns: int
    latency_p50_ms: int | None
    latency_p95_ms: int | None
    interruptions: int
    false_pauses: int
    tx: int
    rx: int
    produced_ms: int
    heard_ms: int
    discarded_ms: int
    outcome: str
    detail: str


class CallPicture(msgspec.Struct, frozen=True):
    """All of it. `divergences` counts the events to which today's core answers otherwise than was recorded."""

    call_sid: str
    started_at: str
    events: int
    divergences: int
    floor: FloorPolicy
    summary: Summary
    caller: Envelope
    assistant: Envelope
    unheard: tuple[Unheard, ...]
    tracks: Tracks
    passages: tuple[Passage, ...]
    verdicts: tuple[Verdict, ...]
    said: tuple[Said, ...]
    keys: tuple[tuple[int, str], ...]
    tools: tuple[ToolRun, ...]
    responses: tuple[Response, ...]
    connections: tuple[Connection, ...]
    alarms: tuple[Alarm, ...]
