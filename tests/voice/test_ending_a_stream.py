"""A media stream that we end: what is queued is sent, then the socket is closed, and only then we stop listening."""

from __future__ import annotations

import asyncio

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.voice.media_stream import MediaStream, SocketClosed

CALLERS_FRAME = '{"event":"media","streamSid":"MZ1","media":{"payload":"' + "/" * 212 + '/w=="}}'


class SlowSocket:
    """A socket that sends nothing until it is allowed to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed_with: int | None = None
        self.may_send = asyncio.Event()
        self.is_asked = asyncio.Event()
        self._arriving: asyncio.Queue[str | None] = asyncio.Queue()

    def arrives(self, text: str) -> None:
        self.is_asked.clear()
        self._arriving.put_nowait(text)

    async def receive(self) -> str | bytes:
        self.is_asked.set()
        text = await self._arriving.get()
        if text is None:
            raise SocketClosed
        return text

    async def send(self, text: str) -> None:
        await self.may_send.wait()
        self.sent.append(text)

    async def close(self, code: int, reason: str = "") -> None:
        self.closed_with = code
        self._arriving.put_nowait(None)


async def test_the_last_words_are_sent_and_the_socket_closed_before_we_stop_listening() -> None:
    socket, events = SlowSocket(), list[on.Event]()
    stream = MediaStream(socket, "MZ1")
    speaking, listening = asyncio.create_task(stream.speak()), asyncio.create_task(stream.listen(events.append))
    await socket.is_asked.wait()

    stream.send(do.PlayFrame(b"\x01" * 160, "resp_1"))
    stream.finish()
    socket.arrives(CALLERS_FRAME)
    asked_again = asyncio.create_task(socket.is_asked.wait())
    await asyncio.wait({listening, asked_again}, return_when=asyncio.FIRST_COMPLETED)
    assert not listening.done(), "the socket would be cut off with a word still to be said"

    socket.may_send.set()
    await asyncio.gather(speaking, listening)
    assert len(socket.sent) == 1
    assert socket.closed_with == 1000
