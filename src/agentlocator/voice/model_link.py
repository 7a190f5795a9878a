"""One connection to the model's server: bytes in, events out; commands in, bytes out. It never tries again by itself.

Whether and when another connection is made is the core's decision; this one ends with exactly one
`ModelDisconnected`, unless it was closed on purpose, after which nothing of it reaches the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Protocol

import structlog
from picows.websockets import ConnectionClosed, InvalidStatus, connect

from agentlocator.call.commands import Command
from agentlocator.call.events import Event, ModelDisconnected
from agentlocator.realtime import errors, messages
from agentlocator.realtime.messages import ServerEvent
from agentlocator.voice.sender import Sender
from agentlocator.voice.translate import ModelTranslator

_log = structlog.stdlib.get_logger(__name__)

# Refused for what we are, not for when we came. 403 and 404 are what a revoked key or a retired model get.
FATAL_STATUSES = frozenset({400, 401, 403, 404})


class ModelSocket(Protocol):
    """What a WebSocket to the model's server must do."""

    async def send(self, text: str, /) -> None: ...

    async def close(self) -> None: ...

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...


class Refused(Exception):
    """The connection did not come up, or ended; `fatal` when another attempt would end the same way."""

    def __init__(self, reason: str, fatal: bool = False) -> None:
        super().__init__(reason)
        self.fatal = fatal


class RealtimeServer:
    """Where the model is, and the key to it."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._api_key = api_key

    async def open(self, model: str) -> ModelSocket:
        """A connected socket. Raises `Refused` for every way in which that can fail."""
        try:
            socket: ModelSocket = await connect(
                f"{self._url}?model={model}",
                additional_headers={"Authorization": f"Bearer {self._api_key}"},
                ssl=_tls() if self._url.startswith("wss:") else None,
                compression=None,
                max_size=None,
                ping_interval=20,
                ping_timeout=60,
                # The core's own deadline is shorter; this one only keeps an abandoned attempt from lingering.
                open_timeout=10,
                close_timeout=2,
            )
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            raise Refused(f"the model's server answered HTTP {status}", status in FATAL_STATUSES) from None
        except Exception as fault:
            # The client raises whatever went wrong below it, assertions on a reset included.
            raise Refused(f"no connection to the model's server: {type(fault).__name__}: {fault}") from None
        return socket


class ModelConnection:
    """One attempt and, if it comes up, the session on it."""

    def __init__(
        self,
        open_socket: Callable[[], Awaitable[ModelSocket]],
        translator: ModelTranslator,
        take: Callable[[Event], None],
        observe: Callable[[ServerEvent], None],
    ) -> None:
        self._open_socket = open_socket
        self._translator = translator
        self._take = take
        self._observe = observe
        self._detached = False
        self._sender: Sender | None = None
        self.malformed = 0

    def carry_out(self, command: Command) -> None:
        """Sends what the command says, if it is the model's."""
        text = self._translator.text(command)
        if text is not None and self._sender is not None and not self._detached:
            self._sender.push(text)

    def detach(self) -> None:
        """Closed on purpose: from here on nothing of it is listened to."""
        self._detached = True
        if self._sender is not None:
            self._sender.finish()

    async def run(self) -> None:
        """Connects, then speaks and listens until either side ends it."""
        try:
            socket = await self._open_socket()
        except Refused as refusal:
            self._lost(str(refusal), refusal.fatal)
            return
        self._sender = Sender(socket.send)
        if self._detached:
            self._sender.finish()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speak(socket, self._sender), name="model sender")
            try:
                await self._listen(socket)
                self._lost("the model's server closed the connection")
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else None
                # Codes of the provider's own are refusals: it will refuse again.
                self._lost(f"the connection to the model's server broke: {closed}", code is not None and code >= 4000)
            finally:
                self._sender.finish()

    async def _speak(self, socket: ModelSocket, sender: Sender) -> None:
        with contextlib.suppress(ConnectionClosed):
            await sender.run()
        await socket.close()

    async def _listen(self, socket: ModelSocket) -> None:
        async for text in socket:
            if self._detached:
                return
            try:
                message = messages.parse(text)
                events = self._translator.events(message)
            except errors.RemoteProtocolError as fault:
                self.malformed += 1
                _log.warning("model event lost", fault=str(fault))
                continue
            self._observe(message)
            for event in events:
                self._take(event)

    def _lost(self, reason: str, fatal: bool = False) -> None:
        if not self._detached:
            self._detached = True
            self._take(ModelDisconnected(reason, fatal))


@cache
def _tls() -> ssl.SSLContext:
    # Building one costs as much as serving a call for several seconds.
    return ssl.create_default_context()
