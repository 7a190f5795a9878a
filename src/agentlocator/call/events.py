"""What happened to a call: the only way anything enters `machine.Call`.

Events are facts in the past tense, frozen, and serialise to the journal by their class name. Audio is µ-law, 8 kHz,
8 bytes per millisecond. `response_id`, `item_id` and `tool_call_id` are the model's own names.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Something that happened; see the subclasses."""


class CallOffered(Event, frozen=True, tag=True):
    """The carrier asks whether we answer: the call's millisecond 0."""


# The carrier's side.


class StreamStarted(Event, frozen=True, tag=True):
    """The carrier's media stream is up: the caller can hear and be heard.

    Unless it has a `fault`: then its sound could be understood neither way, and the sentence says why.
    """

    stream_sid: str
    fault: str = ""


class CallerAudio(Event, frozen=True, tag=True):
    """20 ms of the caller: 160 bytes, silence included."""

    audio: bytes


class DigitPressed(Event, frozen=True, tag=True):
    """One key of the caller's keypad: `0-9`, `*`, `#`, `A-D`."""

    digit: str


class MarkEchoed(Event, frozen=True, tag=True):
    """The carrier played, or on a clear dropped, everything before this mark."""

    name: str


class CallerHungUp(Event, frozen=True, tag=True):
    """The stream ended from the carrier's side: `stop`, a lost socket, or frames that ceased (`reason`)."""

    reason: str


# The model's side.


class ModelConnected(Event, frozen=True, tag=True):
    """The model's server admitted us (its first event was not an error)."""


class SessionConfirmed(Event, frozen=True, tag=True):
    """The server echoed our configuration; `differences` names what it did not take over.

    `usable` is false when speech could not be understood either way, as with another audio format.
    """

    voice: str
    differences: tuple[str, ...] = ()
    usable: bool = True


class ModelDisconnected(Event, frozen=True, tag=True):
    """The link is gone or never came up. `fatal` means that another attempt cannot succeed (key, quota, model)."""

    reason: str
    fatal: bool = False


class ModelErrored(Event, frozen=True, tag=True):
    """The server complained and the session goes on; `event_id` is the request it complains about, where it says so."""

    code: str
    message: str = ""
    event_id: str | None = None
    fatal: bool = False


class ResponseStarted(Event, frozen=True, tag=True):
    """A response is active: no other may be requested before it is finished."""

    response_id: str


class AssistantAudioProduced(Event, frozen=True, tag=True):
    """Generated speech, any length, in order within its item."""

    response_id: str
    item_id: str
    audio: bytes
    content_index: int = 0


class AssistantTextProduced(Event, frozen=True, tag=True):
    """Words of the item's speech, in order, ahead of or behind its audio."""

    response_id: str
    item_id: str
    text: str


class AssistantAudioFinished(Event, frozen=True, tag=True):
    """No more audio will come for this item."""

    item_id: str


class ToolRequested(Event, frozen=True, tag=True):
    """The model calls a function; `arguments` is JSON as the model wrote it, checked by the registry, not here."""

    response_id: str
    tool_call_id: str
    name: str
    arguments: str


class ResponseFinished(Event, frozen=True, tag=True):
    """The response is over. `status`: completed, cancelled, failed or incomplete; `code` is the failure's own code."""

    response_id: str
    status: str
    reason: str = ""
    code: str = ""
    fatal: bool = False


class CallerSpeechStarted(Event, frozen=True, tag=True):
    """The model's voice detection heard the caller begin."""

    item_id: str


class CallerSpeechStopped(Event, frozen=True, tag=True):
    """The model's voice detection heard the caller end; the turn is committed next."""

    item_id: str


class CallerTurnCommitted(Event, frozen=True, tag=True):
    """The caller's turn is complete and part of the conversation: it wants an answer."""

    item_id: str


class CallerTranscribed(Event, frozen=True, tag=True):
    """The words of an earlier caller turn; arrives late, may disagree with what the model understood."""

    item_id: str
    text: str


# Our own side.


class ToolFinished(Event, frozen=True, tag=True):
    """A tool's answer. `output` is the JSON text for the model; `ok` is false when the tool declined or failed."""

    tool_call_id: str
    output: str
    ok: bool = True


class ClaimRefuted(Event, frozen=True, tag=True):
    """The caller has heard the assistant claim what no receipt covers; `instruction` says how to put it right."""

    claim: str
    sentence: str
    instruction: str


class SpeechScored(Event, frozen=True, tag=True):
    """The neural detector's verdict on the window that `ScoreSpeech` asked about, 0..1."""

    probability: float


class TimerFired(Event, frozen=True, tag=True):
    """`deadline_ms` was reached."""


class PersonEndedCall(Event, frozen=True, tag=True):
    """Somebody of the business, who was watching, ends the call at once."""


class PersonTookOver(Event, frozen=True, tag=True):
    """Somebody of the business wants this call handed to one of its own numbers, by the label it has there."""

    transfer_to: str


class ServerStopping(Event, frozen=True, tag=True):
    """The process is asked to leave: finish the call politely."""


EVENTS = msgspec.json.Decoder(
    CallOffered
    | StreamStarted
    | CallerAudio
    | DigitPressed
    | MarkEchoed
    | CallerHungUp
    | ModelConnected
    | SessionConfirmed
    | ModelDisconnected
    | ModelErrored
    | ResponseStarted
    | AssistantAudioProduced
    | AssistantTextProduced
    | AssistantAudioFinished
    | ToolRequested
    | ResponseFinished
    | CallerSpeechStarted
    | CallerSpeechStopped
    | CallerTurnCommitted
    | CallerTranscribed
    | ToolFinished
    | ClaimRefuted
    | SpeechScored
    | TimerFired
    | PersonEndedCall
    | PersonTookOver
    | ServerStopping
)
"""Decodes one journaled event back into its class."""
