"""What a call wants done: the only way anything leaves `machine.Call`.

Commands are imperative and frozen. The shells carry them out in the order given and choose nothing.
"""

from __future__ import annotations

import msgspec


class Command(msgspec.Struct, frozen=True, tag_field="command", tag=True):
    """Something to be done; see the subclasses."""


# To the carrier.


class PlayFrame(Command, frozen=True, tag=True):
    """Send 160 bytes, of the response named, to the caller's ear."""

    audio: bytes
    response_id: str


class SendMark(Command, frozen=True, tag=True):
    """Ask the carrier to say when everything sent so far has been played."""

    name: str


class ClearPlayout(Command, frozen=True, tag=True):
    """Drop what the carrier has queued and not yet played."""


class EndStream(Command, frozen=True, tag=True):
    """Close the media stream. The carrier then asks what next; `outcome` is the answer it will get.

    With outcome `transferred`, `transfer_to` is the label of the number to dial, and `summary` what is said there.
    """

    outcome: str
    transfer_to: str = ""
    summary: str = ""


# To the model.


class OpenModel(Command, frozen=True, tag=True):
    """Connect to the model's server; `attempt` counts from 1 and restarts after a healthy session."""

    attempt: int


class ConfigureSession(Command, frozen=True, tag=True):
    """Send the session's configuration: prompt, voice, formats, tools. A complaint about it names `event_id`."""

    event_id: str = "session"


class AppendAudio(Command, frozen=True, tag=True):
    """Let the model hear the caller."""

    audio: bytes


class AddMessage(Command, frozen=True, tag=True):
    """Put text into the conversation. `role`: user, assistant or system."""

    role: str
    text: str


class AddToolCall(Command, frozen=True, tag=True):
    """Put an earlier function call into a new conversation, so that its output has something to answer."""

    tool_call_id: str
    name: str
    arguments: str


class AddToolOutput(Command, frozen=True, tag=True):
    """Answer a function call; `output` is JSON text."""

    tool_call_id: str
    output: str


class RequestResponse(Command, frozen=True, tag=True):
    """Ask the model to speak. `cue` is an instruction for this response alone, on top of the session's own."""

    event_id: str
    cue: str | None = None


class CancelResponse(Command, frozen=True, tag=True):
    """Stop generating; `response_id` is None when the server has not named the response yet."""

    response_id: str | None


class TruncateItem(Command, frozen=True, tag=True):
    """Make the model forget what the caller did not hear of an item, from `audio_end_ms` on."""

    item_id: str
    content_index: int
    audio_end_ms: int


class CloseModel(Command, frozen=True, tag=True):
    """Close the connection to the model; nothing of it reaches the call afterwards."""


# To our own side.


class InvokeTool(Command, frozen=True, tag=True):
    """Run a tool for this call's business and lead; its answer returns as `ToolFinished`."""

    tool_call_id: str
    name: str
    arguments: str


class ScoreSpeech(Command, frozen=True, tag=True):
    """Ask the neural detector about µ-law audio; the verdict returns as `SpeechScored`. See `WantsScore`."""

    audio: bytes
    fresh: bool = False
    glance: bool = False


class RecordTurn(Command, frozen=True, tag=True):
    """One finished turn. For the assistant `text` is what was heard, `generated_text` what was produced."""

    speaker: str
    text: str
    started_ms: int
    heard_ms: int = 0
    generated_ms: int = 0
    generated_text: str = ""
    interrupted: bool = False
    latency_ms: int | None = None
    item_id: str = ""


class ReportBargeIn(Command, frozen=True, tag=True):
    """The floor decided something about the caller's sound: `verdict` is pause, commit or resume.

    `heard_ms` is how much of the item he had heard, `speech_ms` how long he had been speaking.
    """

    verdict: str
    reason: str
    item_id: str = ""
    heard_ms: int = 0
    speech_ms: int = 0


class ReportSession(Command, frozen=True, tag=True):
    """The model's session is configured and its voice is known."""

    voice: str


class RaiseAlarm(Command, frozen=True, tag=True):
    """Something an operator must see; `code` is stable, `detail` is for people."""

    code: str
    detail: str


class FinishCall(Command, frozen=True, tag=True):
    """The call is over. `tx` and `rx` count frames; `produced_ms` is all speech the model made."""

    outcome: str
    detail: str
    tx: int
    rx: int
    produced_ms: int
    heard_ms: int
    discarded_ms: int
