"""Text frames on their way into one socket, in order, without making the sender of them wait.

The core's commands are carried out between two events and may not wait for a network. So each socket has a queue and
one task that empties it. A peer that does not read fills the queue; that is the end of the connection, not of memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Sender:
    """`push` from anywhere, `run` in one task. The bound is in messages: 50 a second are one call's speech."""

    def __init__(self, send: Callable[[str], Awaitable[None]], limit: int = 1_500) -> None:
        self._send = send
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(limit)
        self.overflowed = False

    def push(self, text: str) -> bool:
        """Queues a message; False when the peer has stopped reading and it is lost."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.overflowed = True
        return not self.overflowed

    def finish(self) -> None:
        """Nothing more comes: `run` returns once everything queued is sent."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def run(self) -> None:
        """Sends until finished. The socket's own error, when it breaks, ends it."""
        while (text := await self._queue.get()) is not None:
            await self._send(text)
