"""One end of a WebSocket is ours: what a peer of another make sees of it, and what a call does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest
from picows import ws_create_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from agentlocator.wire import MOST_UNREAD, MOST_UNSENT_BYTES, Message, Wire, WireClosed

PATIENCE_S = 10.0
MOST_BYTES = 100_000

of_this_call: ContextVar[str] = ContextVar("of_this_call")


@asynccontextmanager
async def joined(goodbye_s: float = PATIENCE_S) -> AsyncIterator[tuple[Wire, ClientConnection]]:
    """A wire and the peer at its other end."""
    opened: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()

    def wire(_request: object) -> Wire:
        return Wire(most_bytes=MOST_BYTES, goodbye_s=goodbye_s, opened=opened.set_result)

    server = await ws_create_server(wire, "127.0.0.1", 0, max_frame_size=MOST_BYTES, enable_auto_pong=False)
    port = server.sockets[0].getsockname()[1]
    async with (
        asyncio.timeout(PATIENCE_S),
        connect(f"ws://127.0.0.1:{port}", compression=None, proxy=None, close_timeout=0.1) as peer,
    ):
        yield await opened, peer
    server.close()


async def test_messages_go_both_ways_until_the_peer_leaves() -> None:
    async with joined() as (wire, peer):
        await peer.send("שלום")
        await peer.send(b"\x00\xff")
        assert await wire.receive() == "שלום"
        assert await wire.receive() == b"\x00\xff"

        assert wire.send("and to you")
        assert await peer.recv() == "and to you"

        await peer.close(4001, "enough")
        with pytest.raises(WireClosed):
            await wire.receive()
        assert (wire.closed, wire.close_code, wire.close_reason) == (True, 4001, "enough")


async def test_what_came_before_somebody_took_it_comes_first_and_nothing_is_lost() -> None:
    many = [str(number) for number in range(MOST_UNREAD * 3)]
    heard: list[Message] = []
    async with joined() as (wire, peer):
        for text in many[:-1]:
            await peer.send(text)
        assert await wire.receive() == "0"

        delivering = asyncio.create_task(wire.deliver(heard.append))
        await peer.send(many[-1])
        await peer.close()
        await delivering
    assert heard == many[1:]


async def test_who_reads_one_by_one_gets_all_of_a_flood() -> None:
    many = [str(number) for number in range(MOST_UNREAD * 3)]
    async with joined() as (wire, peer):
        sending = asyncio.create_task(_say(peer, many))
        assert [await wire.receive() for _ in many] == many
        await sending


async def test_a_message_is_taken_in_the_context_of_who_takes_it() -> None:
    calls: list[str] = []
    async with joined() as (wire, peer):
        of_this_call.set("CA1")
        delivering = asyncio.create_task(wire.deliver(lambda _: calls.append(of_this_call.get())))
        await peer.send("hello")
        await peer.close()
        await delivering
    assert calls == ["CA1"]


async def test_a_bug_ends_the_taking_and_is_raised_where_it_is_awaited() -> None:
    taken: list[Message] = []

    def take(message: Message) -> None:
        taken.append(message)
        raise AssertionError("a bug")

    async with joined() as (wire, peer):
        await peer.send("one")
        await peer.send("two")
        with pytest.raises(AssertionError, match="a bug"):
            await wire.deliver(take)
        assert taken == ["one"]


@pytest.mark.requirement("R50")
async def test_sending_never_waits_and_a_peer_that_does_not_read_is_noticed() -> None:
    async with joined() as (wire, peer):
        peer.transport.pause_reading()
        sent = 0
        while wire.send("x" * 10_000):
            sent += 10_000
            assert sent < 100 * MOST_UNSENT_BYTES, "it is never noticed, and memory is filled without end"
        assert not wire.send("y"), "what is lost is said to be lost"
        peer.transport.abort()


async def test_who_asks_whether_we_are_there_is_answered() -> None:
    async with joined() as (_wire, peer):
        await (await peer.ping(b"are you there?"))


@pytest.mark.requirement("R50")
async def test_who_asks_without_end_and_never_reads_fills_no_memory() -> None:
    async with joined() as (wire, peer):
        peer.transport.pause_reading()
        asks = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 1_000
        for _ in range(100):
            peer.transport.write(asks)
        await peer.send("the last of it")
        assert await wire.receive() == "the last of it"
        assert wire.send("ours"), "the answers have left no room for anything else"
        peer.transport.abort()


async def test_a_goodbye_comes_behind_what_was_sent_and_waits_for_its_answer() -> None:
    heard: list[Message] = []
    async with joined() as (wire, peer):
        wire.send("the last words")
        wire.close(1008)
        wire.close(1000)
        assert wire.send("and more"), "that nothing leaves any more is no fault of the peer's"

        assert await peer.recv() == "the last words"
        with pytest.raises(ConnectionClosed):
            await peer.recv()
        assert peer.close_code == 1008
        await wire.deliver(heard.append)
        assert wire.close_code == 1008
    assert heard == []


async def test_a_goodbye_that_nobody_answers_is_cut_short() -> None:
    async with joined(goodbye_s=0.05) as (wire, peer):
        peer.transport.pause_reading()
        wire.close()
        await wire.deliver(lambda _: None)
        assert wire.closed


async def test_a_peer_that_says_goodbye_and_does_not_read_is_cut_off() -> None:
    async with joined(goodbye_s=0.05) as (wire, peer):
        peer.transport.pause_reading()
        while wire.send("x" * 10_000):
            pass
        peer.transport.write(Frame(Opcode.CLOSE, b"").serialize(mask=True))
        await wire.deliver(lambda _: None)
        assert wire.closed


async def test_a_message_in_pieces_is_one_message() -> None:
    async with joined() as (wire, peer):
        await peer.send(["an", "swer", " me"])
        await peer.send([b"\x01", b"\x02"])
        assert await wire.receive() == "answer me"
        assert await wire.receive() == b"\x01\x02"


async def test_a_message_in_very_many_pieces_takes_no_time() -> None:
    pieces = Frame(Opcode.CONT, b"x", fin=False).serialize(mask=True) * (MOST_BYTES - 2)
    began_s = time.process_time()
    async with joined() as (wire, peer):
        peer.transport.write(Frame(Opcode.TEXT, b"x", fin=False).serialize(mask=True))
        peer.transport.write(pieces)
        peer.transport.write(Frame(Opcode.CONT, b"x").serialize(mask=True))
        assert await wire.receive() == "x" * MOST_BYTES
    assert time.process_time() - began_s < PATIENCE_S / 5, "everybody else's calls stand still meanwhile"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(Opcode.TEXT, b"\xff")], 1007),
        ([Frame(Opcode.TEXT, b"\xff", fin=False), Frame(Opcode.CONT, b"\xfe")], 1007),
        ([Frame(Opcode.CONT, b"the end of none")], 1002),
        ([Frame(Opcode.TEXT, b"one", fin=False), Frame(Opcode.TEXT, b"inside another")], 1002),
        ([Frame(Opcode.TEXT, b"x" * (MOST_BYTES + 1))], 1009),
        ([Frame(Opcode.TEXT, b"", fin=False)] + [Frame(Opcode.CONT, b"x" * 20_000, fin=False)] * 6, 1009),
        ([Frame(Opcode.CLOSE, (1005).to_bytes(2))], 1002),
        ([Frame(Opcode.CLOSE, (1006).to_bytes(2))], 1002),
        ([Frame(Opcode.CLOSE, (65535).to_bytes(2))], 1002),
    ],
    ids=[
        "no UTF-8",
        "no UTF-8 in pieces",
        "an end of none",
        "one inside another",
        "too long",
        "too long in pieces",
        "a goodbye that names none",
        "a goodbye that says it was broken off",
        "a goodbye of a number out of range",
    ],
)
async def test_a_peer_that_breaks_the_protocol_is_told_how_and_let_go(frames: list[Frame], code: int) -> None:
    async with joined() as (wire, peer):
        for frame in frames:
            peer.transport.write(frame.serialize(mask=True))
        with pytest.raises(WireClosed):
            await wire.receive()
        with pytest.raises(ConnectionClosed):
            await peer.recv()
        assert peer.close_code == code


async def _say(peer: ClientConnection, texts: list[str]) -> None:
    for text in texts:
        await peer.send(text)
