"""A media stream that we end: it is closed behind what was sent, and listened to until the carrier has left it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.voice.media_stream import MediaStream
from agentlocator.wire import Message, WireClosed

CALLERS_FRAME = '{"event":"media","streamSid":"MZ1","media":{"payload":"' + "/" * 212 + '/w=="}}'


class Carrier:
    """A socket whose other side speaks and leaves when it is told to."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._take: Callable[[Message], None] | None = None
        self._left = asyncio.Event()

    def says(self, text: str) -> None:
        assert self._take is not None, "nobody listens"
        self._take(text)

    def leaves(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        raise WireClosed

    async def deliver(self, take: Callable[[Message], None]) -> None:
        self._take = take
        await self._left.wait()

    def send(self, text: str) -> bool:
        self.done.append("sent")
        return True

    def close(self, code: int = 1000) -> None:
        self.done.append(f"closed with {code}")


async def test_the_last_words_are_sent_before_the_goodbye_and_the_carrier_is_listened_to_until_it_leaves() -> None:
    carrier, events = Carrier(), list[on.Event]()
    stream = MediaStream(carrier, "MZ1")
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(stream.listen(events.append))
        await asyncio.sleep(0)

        stream.send(do.PlayFrame(b"\x01" * 160, "resp_1"))
        stream.finish()
        assert carrier.done == ["sent", "closed with 1000"]

        carrier.says(CALLERS_FRAME)
        assert not listening.done(), "the socket would be cut off before the carrier has heard all of it"
        carrier.leaves()
    assert events == [on.CallerHungUp("the media socket closed")]
