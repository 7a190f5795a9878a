"""The queue in front of a socket: in order, bounded, and emptied before it closes."""

from __future__ import annotations

import asyncio

import pytest

from agentlocator.voice.sender import Sender


async def nowhere(_text: str) -> None:
    pass


async def test_what_is_queued_is_sent_in_order_before_the_end() -> None:
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    sender = Sender(send)
    assert all(sender.push(text) for text in "abc")
    sender.finish()
    await asyncio.wait_for(sender.run(), 5)
    assert sent == ["a", "b", "c"]


@pytest.mark.requirement("R50")
async def test_pushing_never_waits_and_a_peer_that_does_not_read_is_noticed() -> None:
    sender = Sender(nowhere, limit=2)
    assert sender.push("a")
    assert sender.push("b")
    assert not sender.push("c")
    assert sender.overflowed


async def test_a_full_queue_can_still_be_finished() -> None:
    sender = Sender(nowhere, limit=2)
    for text in "abc":
        sender.push(text)
    sender.finish()
    await asyncio.wait_for(sender.run(), 5)


async def test_a_socket_that_breaks_ends_the_task() -> None:
    async def send(_text: str) -> None:
        raise ConnectionResetError

    sender = Sender(send)
    sender.push("a")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(sender.run(), 5)
