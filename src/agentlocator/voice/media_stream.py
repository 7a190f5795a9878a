"""The carrier's end of a call: a socket that speaks Twilio Media Streams.

Whatever a stranger or a broken network sends is counted and survived; only what is well formed reaches the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from agentlocator.call.commands import Command
from agentlocator.call.events import CallerHungUp, Event
from agentlocator.twilio import messages
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.voice.translate import CarrierTranslator
from agentlocator.wire import Message

_log = structlog.stdlib.get_logger(__name__)

Take = Callable[[Event], None]

# Twilio's longest message is its start, well under 4 KiB; a frame of 20 ms is 400 bytes.
MAX_MESSAGE_CHARS = 64 * 1024


class MediaSocket(Protocol):
    """A server's WebSocket: what a stream needs of a `Wire`."""

    async def receive(self) -> Message: ...

    async def deliver(self, take: Callable[[Message], None]) -> None: ...

    def send(self, text: str) -> bool: ...

    def close(self, code: int = 1000) -> None: ...


class MediaStream:
    """A stream that belongs to a call. Counters tell what it had to survive."""

    def __init__(self, socket: MediaSocket, stream_sid: str) -> None:
        self.stream_sid = stream_sid
        self.refused_messages = 0
        self._socket = socket
        self._translator = CarrierTranslator(stream_sid)
        self._finished = False

    def send(self, command: Command) -> bool:
        """Sends what the command says; False when the carrier has stopped reading."""
        text = self._translator.text(command)
        return text is None or self._finished or self._socket.send(text)

    def finish(self) -> None:
        """Closes the stream behind everything that was sent."""
        if not self._finished:
            self._finished = True
            self._socket.close()

    async def listen(self, take: Take) -> None:
        """Hands on what the carrier says until it goes away.

        It is read to its very end: whoever stops reading cannot close the socket in good order, nor send what is left.
        """

        def heard(message: Message) -> None:
            if not self._finished:
                for event in self._events(message):
                    take(event)

        await self._socket.deliver(heard)
        take(CallerHungUp("the media socket closed"))

    def _events(self, message: Message) -> list[Event]:
        try:
            return self._translator.events(read(message))
        except RemoteProtocolError as fault:
            self.refused_messages += 1
            if self.refused_messages in (1, 10, 100, 1_000):
                _log.warning("carrier message refused", fault=str(fault), refused=self.refused_messages)
            return []


def read(text: Message) -> messages.Message:
    """A received frame as a message. Raises RemoteProtocolError for what a media stream never sends."""
    if isinstance(text, bytes):
        raise RemoteProtocolError("a binary frame")
    if len(text) > MAX_MESSAGE_CHARS:
        raise RemoteProtocolError(f"a message of {len(text)} characters")
    return messages.parse(text)
