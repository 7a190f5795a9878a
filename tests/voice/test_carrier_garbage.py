"""The carrier's socket: what is well formed reaches the core, the rest is counted and survived."""

from __future__ import annotations

import json
from collections.abc import Callable

import pybase64
import pytest

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.voice.media_stream import MAX_MESSAGE_CHARS, MediaStream, read
from agentlocator.wire import Message, WireClosed

STREAM = "MZ1"
FRAME = json.dumps(
    {"event": "media", "streamSid": STREAM, "media": {"payload": pybase64.b64encode(b"\xff" * 160).decode()}}
)
STOP = json.dumps({"event": "stop", "streamSid": STREAM})


class Socket:
    """Says what it was given, then is gone."""

    def __init__(self, *messages: Message) -> None:
        self._messages = messages
        self.sent: list[str] = []
        self.closed: int | None = None

    async def receive(self) -> Message:
        raise WireClosed

    async def deliver(self, take: Callable[[Message], None]) -> None:
        for message in self._messages:
            take(message)

    def send(self, text: str) -> bool:
        self.sent.append(text)
        return True

    def close(self, code: int = 1000) -> None:
        self.closed = code


async def heard(*messages: Message) -> tuple[list[on.Event], MediaStream]:
    stream = MediaStream(Socket(*messages), STREAM)
    events: list[on.Event] = []
    await stream.listen(events.append)
    return events, stream


async def test_garbage_is_counted_and_the_call_goes_on() -> None:
    garbage: list[Message] = [
        b"\x00\x01",
        "not json",
        "[]",
        "x" * (MAX_MESSAGE_CHARS + 1),
        json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": "*"}}),
        json.dumps({"event": "dtmf", "streamSid": STREAM, "dtmf": {"digit": "seven"}}),
    ]
    events, stream = await heard(*garbage, FRAME)
    assert events == [on.CallerAudio(b"\xff" * 160), on.CallerHungUp("the media socket closed")]
    assert stream.refused_messages == len(garbage)


async def test_an_event_of_tomorrow_is_no_fault() -> None:
    events, stream = await heard(json.dumps({"event": "hologram", "streamSid": STREAM}), FRAME)
    assert len(events) == 2
    assert stream.refused_messages == 0


async def test_a_stop_is_a_hang_up() -> None:
    events, _ = await heard(FRAME, STOP)
    assert on.CallerHungUp("stop") in events


@pytest.mark.parametrize("text", [b"{}", "x" * (MAX_MESSAGE_CHARS + 1), "{", ""])
def test_what_a_stream_never_sends_is_the_peers_fault(text: Message) -> None:
    with pytest.raises(RemoteProtocolError):
        read(text)


def test_the_stream_closes_after_the_last_frame() -> None:
    socket = Socket()
    stream = MediaStream(socket, STREAM)
    assert stream.send(do.PlayFrame(b"\x01" * 160, "r1"))
    assert stream.send(do.SendMark("g0:1"))
    stream.finish()
    stream.finish()
    assert stream.send(do.ClearPlayout()), "nothing goes out any more, and that is no fault of the carrier"
    assert [json.loads(text)["event"] for text in socket.sent] == ["media", "mark"]
    assert socket.closed == 1_000
