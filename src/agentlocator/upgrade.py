"""Where an HTTP connection of uvicorn's becomes a media stream: picows speaks WebSocket on it from then on.

uvicorn's own WebSockets take each message through a queue and two tasks, and stop and start reading for it, which is
two system calls: a tenth to a fifth of all that a call cost. Any path but a stream's is answered 404.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
from picows import WSAutoPingStrategy, WSUpgradeRequest
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # see `Upgrade`
from uvicorn.server import ServerState

from agentlocator.wire import LOG, Wire

_log = structlog.stdlib.get_logger(__name__)

Serve = Callable[[Wire], Awaitable[None]]
"""What is done with a stream, from its handshake to its end."""

# Twilio's frames are 400 bytes. A larger message is refused by the stream and survived; beyond this the socket ends.
MAX_MESSAGE_BYTES: Final = 1024 * 1024
HANDSHAKE_S: Final = 5
PING_S: Final = 20
INTERNAL_ERROR: Final = 1011
SERVICE_RESTART: Final = 1012


class Upgrade(WSProtocol):  # type: ignore[misc]
    """A connection that asked for a WebSocket, made by uvicorn; `streams` says by its path what is done with it.

    picows has a server of its own and no door for a connection that is there already, so this is what that server makes
    for each.
    """

    def __init__(self, streams: Mapping[bytes, Serve], *, server_state: ServerState, **_of_uvicorns_own: Any) -> None:
        self._streams = streams
        # uvicorn ends the ones, and waits for both, before it leaves.
        self._connections: set[Any] = server_state.connections
        self._tasks = server_state.tasks
        self._wire: Wire | None = None
        super().__init__(
            None,  # host
            None,  # path
            False,  # as a server
            self._agree,
            LOG,
            True,  # an exception ends the connection
            HANDSHAKE_S,
            True,  # pings
            PING_S,
            PING_S,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,  # answers pings: the wire does
            MAX_MESSAGE_BYTES,
            None,  # further headers
            4096,  # of buffer, at first
        )

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._connections.add(self)
        super().connection_made(transport)
        # uvicorn hands the transport over when it has given us the request. uvloop reads on into the protocol that it
        # began to read for, until reading begins anew.
        transport.pause_reading()
        asyncio.get_running_loop().call_soon(transport.resume_reading)

    def data_received(self, data: bytes) -> None:
        """The request, which uvicorn has read; all else is read into picows's own buffer."""
        left = memoryview(data)
        while left:
            buffer = self.get_buffer(len(left))
            size = min(len(buffer), len(left))
            buffer[:size] = left[:size]
            self.buffer_updated(size)
            left = left[size:]

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """uvicorn leaves: what has been sent is still written."""
        if self._wire is not None:
            self._wire.close(SERVICE_RESTART)
        self.transport.disconnect()

    # What picows asks.

    def _agree(self, request: WSUpgradeRequest) -> Wire | None:
        serve = self._streams.get(request.path.partition(b"?")[0])
        if serve is None:
            return None
        # uvicorn has found the token here, perhaps beside another as a proxy may send it; picows wants it alone.
        request.headers["Connection"] = "upgrade"
        self._wire = Wire(most_bytes=MAX_MESSAGE_BYTES, opened=lambda wire: self._begin(serve, wire))
        return self._wire

    def _begin(self, serve: Serve, wire: Wire) -> None:
        task = asyncio.get_running_loop().create_task(_served(serve, wire), name="media stream")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _served(serve: Serve, wire: Wire) -> None:
    try:
        await serve(wire)
    except Exception:
        _log.exception("a media stream broke off")
        wire.close(INTERNAL_ERROR)
    finally:
        wire.close()
