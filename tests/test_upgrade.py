"""A connection of uvicorn's that asks for a WebSocket: who asks for it properly gets it, and none is left behind."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agentlocator.upgrade import SERVICE_RESTART, Upgrade
from agentlocator.wire import Message, Wire

PATIENCE_S = 10.0
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Plays a scene on the loop that a deployment has, and on Python's own."""

    def on_this_loop(scene: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(asyncio.wait_for(scene, PATIENCE_S))

    return on_this_loop


async def _echo(wire: Wire) -> None:
    def take(message: Message) -> None:
        wire.send(f"{message!r} was heard")

    await wire.deliver(take)


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError("no request but an upgrade is made here")


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, int]]:
    """A server with one stream at /media, and its port. It leaves when the scene does, but not before every stream."""
    streams = cast("type[asyncio.Protocol]", partial(Upgrade, {b"/media": _echo}))
    server = Server(uvicorn.Config(_nothing, ws=streams, log_config=None, lifespan="off"))
    door = socket.create_server(("127.0.0.1", 0))
    async with asyncio.TaskGroup() as group:
        group.create_task(server._serve([door]))
        await server.ready.wait()
        yield server, door.getsockname()[1]
        server.should_exit = True


def _request(**other: str) -> bytes:
    headers = {
        "Host": "agent.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    } | {name.replace("_", "-"): value for name, value in other.items()}
    return "".join(["GET /media HTTP/1.1\r\n", *(f"{k}: {v}\r\n" for k, v in headers.items()), "\r\n"]).encode()


async def _answer(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer.decode()


@pytest.mark.parametrize("connection", ["Upgrade", "upgrade", "keep-alive, Upgrade", "Upgrade,keep-alive"])
def test_the_word_upgrade_may_stand_beside_others(
    run: Callable[[Coroutine[Any, Any, None]], None], connection: str
) -> None:
    async def scene() -> None:
        async with serving() as (_, port):
            assert (await _answer(port, _request(Connection=connection))).startswith("HTTP/1.1 101 ")

    run(scene())


def test_what_is_offered_besides_is_not_taken(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def scene() -> None:
        async with serving() as (_, port):
            offers = _request(Sec_WebSocket_Extensions="permessage-deflate", X_Forwarded_For="192.0.2.1")
            answer = await _answer(port, offers)
            assert answer.startswith("HTTP/1.1 101 ")
            assert "extensions" not in answer.lower()

            async with connect(f"ws://127.0.0.1:{port}/media", proxy=None) as peer:
                await peer.send("שלום")
                assert await peer.recv() == "'שלום' was heard"

    run(scene())


def test_who_leaves_amid_the_upgrade_leaves_nothing_behind(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def scene() -> None:
        async with serving() as (_, port):
            with socket.create_connection(("127.0.0.1", port)) as hasty:
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                hasty.sendall(_request())
            # Whoever comes after him is served after him.
            await _answer(port, _request())

    run(scene())


def test_a_server_that_leaves_says_so_to_each_stream(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def scene() -> None:
        async with serving() as (server, port), connect(f"ws://127.0.0.1:{port}/media", proxy=None) as peer:
            server.should_exit = True
            with pytest.raises(ConnectionClosed):
                await peer.recv()
            assert peer.close_code == SERVICE_RESTART

    run(scene())
