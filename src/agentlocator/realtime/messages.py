"""GA Realtime messages: one text frame in, one value out; and the client events we send, as text.

Reads leniently: an unknown type is a value (`Unknown`), an unknown field is nothing, a missing one has a
default wherever a call can go on without it. Never decides what a message means for the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import pybase64

from agentlocator.realtime.errors import LocalProtocolError, RemoteProtocolError
from agentlocator.realtime.usage import Tokens, TranscriptionUsage, Usage, tokens, written_down


class ErrorDetail(msgspec.Struct, frozen=True):
    """`code` is missing more often than one would wish; `event_id` is our event's, when we gave it one."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None


class ContentPart(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    transcript: str | None = None


class Item(msgspec.Struct, frozen=True):
    """A message, a function call or its output. `arguments` is the model's JSON text, unchecked."""

    id: str = ""
    type: str = ""
    role: str | None = None
    status: str | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    output: str | None = None
    content: list[ContentPart] | None = None


class StatusDetails(msgspec.Struct, frozen=True):
    """`reason` is one of turn_detected, client_cancelled, max_output_tokens, content_filter."""

    type: str | None = None
    reason: str | None = None
    error: ErrorDetail | None = None


class Response(msgspec.Struct, frozen=True):
    """`status` is in_progress, completed, cancelled, failed or incomplete; the last four have usage."""

    id: str
    status: str = ""
    status_details: StatusDetails | None = None
    output: list[Item] = msgspec.field(default_factory=list)
    usage: Usage | None = None
    metadata: dict[str, str] | None = None
    conversation_id: str | None = None

    @property
    def reason(self) -> str | None:
        return self.status_details.reason if self.status_details else None

    @property
    def error(self) -> ErrorDetail | None:
        return self.status_details.error if self.status_details else None


class RateLimit(msgspec.Struct, frozen=True):
    name: str = ""
    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None


class _Event(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class SessionCreated(_Event, frozen=True, tag="session.created"):
    """We are admitted. `session` still holds the server's own defaults."""

    session: dict[str, Any]

    @property
    def expires_at_s(self) -> float | None:
        return _expiry(self.session)


class SessionUpdated(_Event, frozen=True, tag="session.updated"):
    """The effective configuration; `session.check_echo` says whether it is the one we asked for."""

    session: dict[str, Any]

    @property
    def expires_at_s(self) -> float | None:
        return _expiry(self.session)


class ErrorReported(_Event, frozen=True, tag="error"):
    """Mostly harmless; `errors.meaning` tells."""

    error: ErrorDetail = ErrorDetail()


class SpeechStarted(_Event, frozen=True, tag="input_audio_buffer.speech_started"):
    """`audio_start_ms` counts the audio we sent, and includes the prefix padding."""

    audio_start_ms: int = 0
    item_id: str = ""


class SpeechStopped(_Event, frozen=True, tag="input_audio_buffer.speech_stopped"):
    audio_end_ms: int = 0
    item_id: str = ""


class InputCommitted(_Event, frozen=True, tag="input_audio_buffer.committed"):
    item_id: str = ""
    previous_item_id: str | None = None


class InputCleared(_Event, frozen=True, tag="input_audio_buffer.cleared"):
    pass


class InputTimedOut(_Event, frozen=True, tag="input_audio_buffer.timeout_triggered"):
    """The caller said nothing for `idle_timeout_ms`; the server commits silence and answers it."""

    audio_start_ms: int = 0
    audio_end_ms: int = 0
    item_id: str = ""


class ItemAdded(_Event, frozen=True, tag="conversation.item.added"):
    item: Item
    previous_item_id: str | None = None


class ItemDone(_Event, frozen=True, tag="conversation.item.done"):
    item: Item
    previous_item_id: str | None = None


class ItemDeleted(_Event, frozen=True, tag="conversation.item.deleted"):
    item_id: str


class ItemTruncated(_Event, frozen=True, tag="conversation.item.truncated"):
    item_id: str
    audio_end_ms: int = 0
    content_index: int = 0


class CallerTranscribed(_Event, frozen=True, tag="conversation.item.input_audio_transcription.completed"):
    """What the caller seems to have said: another model's rough guess. Never drive logic by it."""

    item_id: str
    transcript: str = ""
    content_index: int = 0
    usage: TranscriptionUsage | None = None


class CallerTranscriptionFailed(_Event, frozen=True, tag="conversation.item.input_audio_transcription.failed"):
    item_id: str
    error: ErrorDetail = ErrorDetail()


class ResponseCreated(_Event, frozen=True, tag="response.created"):
    response: Response


class ResponseDone(_Event, frozen=True, tag="response.done"):
    """Always comes, however the response ended."""

    response: Response


class OutputItemAdded(_Event, frozen=True, tag="response.output_item.added"):
    response_id: str
    item: Item
    output_index: int = 0


class OutputItemDone(_Event, frozen=True, tag="response.output_item.done"):
    """A tool is to be run from here, and only when the item is a function_call whose status is completed."""

    response_id: str
    item: Item
    output_index: int = 0

    @property
    def is_tool_call(self) -> bool:
        return self.item.type == "function_call" and self.item.status == "completed"


class AudioDelta(_Event, frozen=True, tag="response.output_audio.delta"):
    """Speech of any length, in bursts faster than real time; base64, unchecked: `decode` checks it."""

    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


class AudioDone(_Event, frozen=True, tag="response.output_audio.done"):
    response_id: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


class SpokenDelta(_Event, frozen=True, tag="response.output_audio_transcript.delta"):
    """Words of the speech, not aligned in time with its audio."""

    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


class SpokenDone(_Event, frozen=True, tag="response.output_audio_transcript.done"):
    response_id: str
    item_id: str
    transcript: str = ""
    output_index: int = 0
    content_index: int = 0


class TextDone(_Event, frozen=True, tag="response.output_text.done"):
    """The answer of a text response, such as an out-of-band summary."""

    response_id: str
    item_id: str
    text: str = ""
    output_index: int = 0
    content_index: int = 0


class RateLimitsUpdated(_Event, frozen=True, tag="rate_limits.updated"):
    rate_limits: list[RateLimit] = msgspec.field(default_factory=list)


class Unknown(msgspec.Struct, frozen=True):
    """A type this version does not handle; ignoring it is right."""

    type: str


KnownEvent = (
    SessionCreated
    | SessionUpdated
    | ErrorReported
    | SpeechStarted
    | SpeechStopped
    | InputCommitted
    | InputCleared
    | InputTimedOut
    | ItemAdded
    | ItemDone
    | ItemDeleted
    | ItemTruncated
    | CallerTranscribed
    | CallerTranscriptionFailed
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | AudioDelta
    | AudioDone
    | SpokenDelta
    | SpokenDone
    | TextDone
    | RateLimitsUpdated
)
ServerEvent = KnownEvent | Unknown


def parse(text: str | bytes) -> ServerEvent:
    """The event in one text frame. Raises RemoteProtocolError, naming the fault, and nothing else.

    A malformed event of a known type is such a fault too: one event is lost with it, not the call.
    """
    try:
        return _KNOWN.decode(text)
    except msgspec.ValidationError as fault:
        type_ = _type_of(text)
        if type_ in _TYPES:
            raise RemoteProtocolError(f"malformed {type_} event: {fault}") from None
        return Unknown(type_)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise RemoteProtocolError(f"not a JSON event: {type(fault).__name__}") from None


def spent(message: ServerEvent) -> Tokens | None:
    """What an event says was used; None for one that says nothing of it."""
    match message:
        case ResponseDone(response=Response(usage=Usage() as usage)):
            return tokens(usage)
        case CallerTranscribed(usage=TranscriptionUsage() as usage):
            return written_down(usage)
        case _:
            return None


def decode(delta: str) -> bytes:
    """The µ-law bytes of an audio delta. Raises RemoteProtocolError unless it is strict base64."""
    try:
        return pybase64.b64decode(delta, validate=True)
    except ValueError:
        raise RemoteProtocolError("audio delta is not base64") from None


def update_session(session: Mapping[str, object], *, event_id: str | None = None) -> str:
    """`session` as `session.session_update` makes it. One refused field refuses the whole update."""
    return _event("session.update", event_id, {"session": session})


def append(audio: str) -> str:
    """Caller audio for the model: the carrier's base64, untouched.

    The text is spliced into JSON, so it must have passed a strict base64 decode, or come from an encoder.
    """
    return f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}'


def commit(*, event_id: str | None = None) -> str:
    """Ends the caller's turn by hand. The server refuses an empty buffer, and makes no response of it."""
    return _event("input_audio_buffer.commit", event_id, {})


def create_message(
    role: Literal["user", "system", "assistant"],
    text: str,
    *,
    item_id: str | None = None,
    previous_item_id: str | None = None,
    event_id: str | None = None,
) -> str:
    """A typed turn. It makes the model say nothing by itself."""
    part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
    item = {"type": "message", "role": role, "content": [part]}
    return _create_item(item, item_id, previous_item_id, event_id)


def create_function_call(
    call_id: str, name: str, arguments: str, *, item_id: str | None = None, event_id: str | None = None
) -> str:
    """A past tool call, replayed to a new session; its output must follow."""
    item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return _create_item(item, item_id, None, event_id)


def create_function_call_output(
    call_id: str, output: str, *, item_id: str | None = None, event_id: str | None = None
) -> str:
    """What the tool answered. Every call gets one, a refused or a cut one too."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _create_item(item, item_id, None, event_id)


def create_response(
    event_id: str,
    *,
    instructions: str | None = None,
    max_output_tokens: int | None = None,
    tool_choice: Literal["auto", "none", "required"] | None = None,
    output_modalities: Sequence[Literal["audio", "text"]] | None = None,
    conversation: Literal["auto", "none"] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Asks the model to speak. The id is required: only by it can a refusal be told from other refusals.

    `instructions` replace the session's own for this response, so give them whole. Raises LocalProtocolError
    when metadata is more than the API takes (16 pairs, 64-character keys, 512-character values).
    """
    options: dict[str, object] = {
        "instructions": instructions,
        "max_output_tokens": max_output_tokens,
        "tool_choice": tool_choice,
        "output_modalities": output_modalities,
        "conversation": conversation,
        "metadata": _checked(metadata),
    }
    response = {name: value for name, value in options.items() if value is not None}
    return _event("response.create", event_id, {"response": response} if response else {})


def cancel_response(response_id: str | None = None, *, event_id: str | None = None) -> str:
    """Stops the model's generation; with nothing to stop, a harmless error comes back."""
    return _event("response.cancel", event_id, {"response_id": response_id} if response_id else {})


def truncate(item_id: str, audio_end_ms: int, *, content_index: int = 0, event_id: str | None = None) -> str:
    """Takes what the caller did not hear out of the model's memory.

    `audio_end_ms` must not exceed the audio produced for the item: the server refuses that.
    """
    if audio_end_ms < 0:
        raise LocalProtocolError(f"cannot truncate at {audio_end_ms} ms")
    fields = {"item_id": item_id, "content_index": content_index, "audio_end_ms": audio_end_ms}
    return _event("conversation.item.truncate", event_id, fields)


def delete(item_id: str, *, event_id: str | None = None) -> str:
    return _event("conversation.item.delete", event_id, {"item_id": item_id})


_KNOWN: Final[msgspec.json.Decoder[KnownEvent]] = msgspec.json.Decoder(KnownEvent)
_TYPES: Final = frozenset(event.__struct_config__.tag for event in KnownEvent.__args__)


class _Envelope(msgspec.Struct):
    type: str


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


def _type_of(text: str | bytes) -> str:
    try:
        return _ENVELOPE.decode(text).type
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise RemoteProtocolError(f"not an event with a type: {type(fault).__name__}") from None


def _expiry(session: dict[str, Any]) -> float | None:
    expires_at = session.get("expires_at")
    return float(expires_at) if isinstance(expires_at, int | float) else None


def _create_item(
    item: Mapping[str, object], item_id: str | None, previous_item_id: str | None, event_id: str | None
) -> str:
    named = {"id": item_id, **item} if item_id else item
    place = {"previous_item_id": previous_item_id} if previous_item_id else {}
    return _event("conversation.item.create", event_id, {**place, "item": named})


def _checked(metadata: Mapping[str, str] | None) -> Mapping[str, str] | None:
    if metadata is None:
        return None
    if len(metadata) > 16 or any(len(key) > 64 or len(value) > 512 for key, value in metadata.items()):
        raise LocalProtocolError("response metadata is 16 pairs at most, keys of 64 and values of 512 characters")
    return metadata


def _event(type_: str, event_id: str | None, fields: Mapping[str, object]) -> str:
    head = {"type": type_, "event_id": event_id} if event_id else {"type": type_}
    return msgspec.json.encode({**head, **fields}).decode()
