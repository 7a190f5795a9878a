"""Media Streams messages: one text frame in, one value out, and back.

Audio stays the base64 text it arrived as; `decode` makes bytes of it for whoever needs to listen. Never
judges whether a message is welcome: an `Unknown` event is a value, only a malformed one is an error.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import pybase64

from agentlocator.twilio.errors import LocalProtocolError, RemoteProtocolError

_Count = Annotated[int, msgspec.Meta(ge=0)]
# An id of these characters can be spliced into JSON as it is: `media` relies on it.
_Sid = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.:-]{1,128}\\Z")]


class _Message(msgspec.Struct, frozen=True, tag_field="event", rename="camel"):
    pass


class Connected(_Message, frozen=True, tag="connected"):
    """The socket is up. Says nothing yet about a call."""

    protocol: str = ""
    version: str = ""


class StartDetails(msgspec.Struct, frozen=True, rename="camel"):
    account_sid: str
    call_sid: str
    tracks: tuple[str, ...] = ()
    # Whatever stands here is not malformed but another sound, and `format_fault` says so.
    media_format: object = None
    custom_parameters: dict[str, str] = msgspec.field(default_factory=dict)


class Start(_Message, frozen=True, tag="start"):
    """The stream belongs to a call. `stream_sid` addresses all we send, and is safe to splice into JSON."""

    stream_sid: _Sid
    start: StartDetails

    @property
    def call_sid(self) -> str:
        return self.start.call_sid

    @property
    def account_sid(self) -> str:
        return self.start.account_sid

    @property
    def parameters(self) -> dict[str, str]:
        """What our own `<Parameter>` elements said, come back. Anyone can write them: check the token."""
        return self.start.custom_parameters

    @property
    def format_fault(self) -> str:
        """How the stream's sound differs from what a call is carried as, and the remedy; "" where it does not.

        Twilio documents one format for all its streams, so what is not announced is taken to be right.
        """
        announced = self.start.media_format
        if isinstance(announced, dict):
            told = {name: announced[name] for name in _SOUND if announced.get(name) is not None}
            differing = ", ".join(f"{name} {_short(told[name])}" for name in told if not _is(told[name], _SOUND[name]))
        else:
            differing = _short(announced) if announced is not None else ""
        return f"the media stream announces {differing}, {_FORMAT_REMEDY}" if differing else ""


class MediaDetails(msgspec.Struct, frozen=True, rename="camel"):
    payload: str
    timestamp: _Count = 0
    chunk: _Count = 0
    track: str = ""


class Media(_Message, frozen=True, tag="media"):
    """The caller's sound, normally 20 ms; it keeps coming during silence."""

    stream_sid: str
    media: MediaDetails

    @property
    def payload(self) -> str:
        """Base64 of raw µ-law, as it arrived and unchecked: `decode` checks it."""
        return self.media.payload

    @property
    def timestamp_ms(self) -> int:
        """Milliseconds since the stream started; a gap is lost audio."""
        return self.media.timestamp

    @property
    def chunk(self) -> int:
        return self.media.chunk

    @property
    def track(self) -> str:
        return self.media.track


class DtmfDetails(msgspec.Struct, frozen=True):
    digit: Annotated[str, msgspec.Meta(pattern="^[0-9*#A-D]\\Z")]


class Dtmf(_Message, frozen=True, tag="dtmf"):
    """The caller pressed a key: one of `0-9 * # A-D`."""

    stream_sid: str
    dtmf: DtmfDetails

    @property
    def digit(self) -> str:
        return self.dtmf.digit


class MarkDetails(msgspec.Struct, frozen=True):
    name: str


class Mark(_Message, frozen=True, tag="mark"):
    """Our mark came back: played out, or dropped by a `clear`; only its name can tell."""

    stream_sid: str
    mark: MarkDetails

    @property
    def name(self) -> str:
        return self.mark.name


class StopDetails(msgspec.Struct, frozen=True, rename="camel"):
    account_sid: str = ""
    call_sid: str = ""


class Stop(_Message, frozen=True, tag="stop"):
    """The stream is over; the socket closes next. May never come."""

    stream_sid: str
    stop: StopDetails = StopDetails()

    @property
    def call_sid(self) -> str:
        return self.stop.call_sid


class Unknown(msgspec.Struct, frozen=True):
    """An event this version does not know; ignoring it is right."""

    event: str


_Known = Connected | Start | Media | Dtmf | Mark | Stop
Message = _Known | Unknown


def parse(text: str | bytes) -> Message:
    """The message in one text frame. Raises RemoteProtocolError, naming the fault, and nothing else."""
    try:
        return _KNOWN.decode(text)
    except msgspec.ValidationError as fault:
        event = _event_of(text)
        if event in _EVENTS:
            raise RemoteProtocolError(f"malformed {event} message: {fault}") from None
        return Unknown(event)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise RemoteProtocolError(f"not a JSON message: {type(fault).__name__}") from None


def decode(payload: str) -> bytes:
    """The µ-law bytes of a media payload. Raises RemoteProtocolError unless it is strict base64."""
    try:
        return pybase64.b64decode(payload, validate=True)
    except ValueError:
        raise RemoteProtocolError("media payload is not base64") from None


def media(stream_sid: str, payload: str) -> str:
    """One frame for the caller. `stream_sid` comes from a parsed `Start`, `payload` from a base64 encoder.

    Both alphabets are free of JSON's special characters, so no encoder runs here, 50 times a second.
    """
    return f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"{payload}"}}}}'


def mark(stream_sid: str, name: str) -> str:
    """Asks to be told when everything sent so far has played. Raises LocalProtocolError on an empty name."""
    if not name:
        raise LocalProtocolError("a mark needs a name")
    return _json({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def clear(stream_sid: str) -> str:
    """Drops what the carrier has queued, and echoes every pending mark at once."""
    return _json({"event": "clear", "streamSid": stream_sid})


_SOUND: Final[dict[str, str | int]] = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
_FORMAT_REMEDY: Final = (
    "in which neither side would understand a word: set the carrier's stream to audio/x-mulaw, 8000 Hz, 1 channel"
)


def _is(told: object, wanted: str | int) -> bool:
    # Twilio writes some of its numbers as strings.
    return told == wanted or str(told).lower() == str(wanted)


def _short(told: object) -> str:
    return str(told)[:40]


# Twilio writes its numbers as strings; strict=False reads both.
_KNOWN: Final[msgspec.json.Decoder[_Known]] = msgspec.json.Decoder(_Known, strict=False)
_EVENTS: Final = frozenset({"connected", "start", "media", "dtmf", "mark", "stop"})


class _Envelope(msgspec.Struct):
    event: str


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


def _event_of(text: str | bytes) -> str:
    try:
        return _ENVELOPE.decode(text).event
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise RemoteProtocolError(f"not a message with an event: {type(fault).__name__}") from None


def _json(message: dict[str, object]) -> str:
    return msgspec.json.encode(message).decode()
