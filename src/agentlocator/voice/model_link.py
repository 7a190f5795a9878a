"""One connection to the model's server: bytes in, events out; commands in, bytes out. It never tries again by itself.

Whether and when another connection is made is the core's decision; this one ends with exactly one
`ModelDisconnected`, unless it was closed on purpose, after which nothing of it reaches the call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import structlog
from picows import WSInvalidStatusError, ws_connect

from agentlocator.call.commands import Command
from agentlocator.call.events import Event, ModelDisconnected
from agentlocator.realtime import errors, messages
from agentlocator.realtime.messages import ServerEvent
from agentlocator.voice.translate import ModelTranslator
from agentlocator.wire import LOG, Message, Wire

_log = structlog.stdlib.get_logger(__name__)

# Refused for what we are, not for when we came. 403 and 404 are what a revoked key or a retired model get.
FATAL_STATUSES = frozenset({400, 401, 403, 404})
# The core's own deadline is shorter; this one only keeps an abandoned attempt from lingering.
OPEN_S: Final = 10
GOODBYE_S: Final = 2
NORMAL: Final = 1000
# A server that sends nothing is asked whether it is there, and has as long again to answer: loops stall.
PING_S: Final = 30
# Longer than any answer a model may give: its deltas are some kilobytes.
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024


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

    async def open(self, model: str) -> Wire:
        """A connected socket. Raises `Refused` for every way in which that can fail."""
        wire = Wire(most_bytes=MAX_MESSAGE_BYTES, goodbye_s=GOODBYE_S)
        is_secure = self._url.startswith("wss:")
        try:
            async with asyncio.timeout(OPEN_S):
                await ws_connect(
                    lambda: wire,
                    f"{self._url}?model={model}",
                    ssl_context=_tls() if is_secure else None,
                    extra_headers={"Authorization": f"Bearer {self._api_key}"},
                    proxy=_proxy(self._url),
                    enable_auto_pong=False,  # the wire does
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=PING_S,
                    auto_ping_reply_timeout=PING_S,
                    max_frame_size=MAX_MESSAGE_BYTES,
                    logger_name=LOG,
                )
        except WSInvalidStatusError as refusal:
            status = int(refusal.response.status) if refusal.response else 0
            raise Refused(f"the model's server answered HTTP {status}", status in FATAL_STATUSES) from None
        except Exception as fault:
            # The client raises whatever went wrong below it, assertions on a reset included.
            raise Refused(f"no connection to the model's server: {type(fault).__name__}: {fault}") from None
        return wire


class ModelConnection:
    """One attempt and, if it comes up, the session on it."""

    def __init__(
        self,
        open_socket: Callable[[], Awaitable[Wire]],
        translator: ModelTranslator,
        take: Callable[[Event], None],
        observe: Callable[[ServerEvent], None],
    ) -> None:
        self._open_socket = open_socket
        self._translator = translator
        self._take = take
        self._observe = observe
        self._detached = False
        self._wire: Wire | None = None
        self.malformed = 0

    def carry_out(self, command: Command) -> None:
        """Sends what the command says, if it is the model's."""
        text = self._translator.text(command)
        if text is not None and self._wire is not None and not self._detached:
            self._wire.send(text)

    def detach(self) -> None:
        """Closed on purpose: from here on nothing of it is listened to."""
        self._detached = True
        if self._wire is not None:
            self._wire.close()

    async def run(self) -> None:
        """Connects, then listens until either side ends it."""
        try:
            wire = await self._open_socket()
        except Refused as refusal:
            self._lost(str(refusal), refusal.fatal)
            return
        self._wire = wire
        try:
            if not self._detached:
                await wire.deliver(self._hear)
                self._ended(wire)
        finally:
            wire.close()

    def _hear(self, text: Message) -> None:
        if self._detached:
            return
        try:
            message = messages.parse(text)
            events = self._translator.events(message)
        except errors.RemoteProtocolError as fault:
            self.malformed += 1
            _log.warning("model event lost", fault=str(fault))
            return
        self._observe(message)
        for event in events:
            self._take(event)

    def _ended(self, wire: Wire) -> None:
        code = wire.close_code
        if code == NORMAL:
            self._lost("the model's server closed the connection")
        else:
            # Codes of the provider's own are refusals: it will refuse again.
            said = f"{code} {wire.close_reason}".rstrip() if code else "without a word"
            self._lost(f"the connection to the model's server broke: {said}", code is not None and code >= 4000)

    def _lost(self, reason: str, fatal: bool = False) -> None:
        if not self._detached:
            self._detached = True
            self._take(ModelDisconnected(reason, fatal))


def _proxy(url: str) -> str | None:
    """The one that the environment names, unless it says that this host is reached without."""
    asked = urlsplit(url)
    by_scheme = getproxies().get("https" if asked.scheme == "wss" else "http")
    return None if proxy_bypass(asked.netloc) else by_scheme


@cache
def _tls() -> ssl.SSLContext:
    # Building one costs as much as serving a call for several seconds.
    return ssl.create_default_context()
