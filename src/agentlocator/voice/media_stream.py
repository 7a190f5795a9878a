"""The carrier's end of a call: a socket that speaks Twilio Media Streams.

Whatever a stranger or a broken network sends is counted and survived; only what is well formed reaches the core.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

import structlog

from agentlocator.call.commands import Command
from agentlocator.call.events import CallerHungUp, Event
from agentlocator.twilio import messages
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.voice.sender import Sender
from agentlocator.voice.translate import CarrierTranslator

_log = structlog.stdlib.get_logger(__name__)

Take = Callable[[Event], None]

# Twilio's longest message is its start, well under 4 KiB; a frame of 20 ms is 400 bytes.
MAX_MESSAGE_CHARS = 64 * 1024


class SocketClosed(Exception):
    """The other side is gone."""


class MediaSocket(Protocol):
    """A server's WebSocket, whichever library serves it. `receive` and `send` raise `SocketClosed`."""

    async def receive(self) -> str | bytes: ...

    async def send(self, text: str) -> None: ...

    async def close(self, code: int, reason: str = "") -> None: ...


class MediaStream:
    """A stream that belongs to a call. Counters tell what it had to survive."""

    def __init__(self, socket: MediaSocket, stream_sid: str) -> None:
        self.stream_sid = stream_sid
        self.refused_messages = 0
        self._socket = socket
        self._translator = CarrierTranslator(stream_sid)
        self._sender = Sender(socket.send)
        self._finished = False

    def send(self, command: Command) -> bool:
        """Queues what the command says; False when the carrier has stopped reading."""
        text = self._translator.text(command)
        return text is None or self._finished or self._sender.push(text)

    def finish(self) -> None:
        """Closes the stream once everything queued is sent."""
        if not self._finished:
            self._finished = True
            self._sender.finish()

    async def speak(self) -> None:
        """Sends until finished, then closes the socket."""
        with contextlib.suppress(SocketClosed):
            await self._sender.run()
            await self._socket.close(1000)

    async def listen(self, take: Take) -> None:
        """Hands on what the carrier says until it goes away.

        It is read to its very end: whoever stops reading cannot close the socket in good order, nor send what is left.
        """
        try:
            while True:
                text = await self._socket.receive()
                if not self._finished:
                    for event in self._events(text):
                        take(event)
        except SocketClosed:
            take(CallerHungUp("the media socket closed"))

    def _events(self, text: str | bytes) -> list[Event]:
        try:
            return self._translator.events(read(text))
        except RemoteProtocolError as fault:
            self.refused_messages += 1
            if self.refused_messages in (1, 10, 100, 1_000):
                _log.warning("carrier message refused", fault=str(fault), refused=self.refused_messages)
            return []


def read(text: str | bytes) -> messages.Message:
    """A received frame as a message. Raises RemoteProtocolError for what a media stream never sends."""
    if isinstance(text, bytes):
        raise RemoteProtocolError("a binary frame")
    if len(text) > MAX_MESSAGE_CHARS:
        raise RemoteProtocolError(f"a message of {len(text)} characters")
    return messages.parse(text)
