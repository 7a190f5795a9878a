"""Serves the simulated model over real WebSockets, on this machine.

It carries bytes and keeps time; whatever is said, refused or broken off is the hub's and the server's doing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from agentlocator.simulator.peer import ABORTED, Out, Send
from agentlocator.simulator.realtime_hub import PATH, RealtimeHub, Refused
from agentlocator.simulator.realtime_server import RealtimeServer, Upgrade


@asynccontextmanager
async def serving(hub: RealtimeHub, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves the hub until left; gives the URL to connect to. Port 0 takes a free one."""
    admitted: dict[ServerConnection, RealtimeServer] = {}

    def answer_handshake(connection: ServerConnection, request: Request) -> Response | None:
        answer = hub.admit(_upgrade(request))
        if isinstance(answer, Refused):
            return connection.respond(HTTPStatus(answer.status), answer.body)
        admitted[connection] = answer
        return None

    async def converse(connection: ServerConnection) -> None:
        await _converse(connection, admitted.pop(connection))

    async with serve(
        converse, host, port, process_request=answer_handshake, compression=None, max_size=None
    ) as listening:
        bound_port = next(iter(listening.sockets)).getsockname()[1]
        yield f"ws://{host}:{bound_port}{PATH}"


def _upgrade(request: Request) -> Upgrade:
    url = urlsplit(request.path)
    return Upgrade(
        model=parse_qs(url.query).get("model", [""])[0],
        authorization=request.headers.get("Authorization", ""),
        beta=request.headers.get("OpenAI-Beta", ""),
        path=url.path,
    )


async def _converse(connection: ServerConnection, server: RealtimeServer) -> None:
    loop = asyncio.get_running_loop()
    started_s = loop.time()

    def now_ms() -> int:
        return int((loop.time() - started_s) * 1000)

    await _carry(connection, server.connected(now_ms()))
    reading = asyncio.ensure_future(connection.recv())
    try:
        while not server.closed:
            due_ms = server.next_ms()
            wait_s = None if due_ms is None else max(0, due_ms - now_ms()) / 1000
            await asyncio.wait({reading}, timeout=wait_s)
            outs = server.timer(now_ms())
            if reading.done():
                text = reading.result()
                reading = asyncio.ensure_future(connection.recv())
                # A binary frame is no event, and the server says so.
                outs += server.receive(text if isinstance(text, str) else "", now_ms())
            await _carry(connection, outs)
    except ConnectionClosed:
        return
    finally:
        # A reading that failed meanwhile tells nothing new, and must not be reported as lost.
        _ = reading.cancel() or reading.exception()


async def _carry(connection: ServerConnection, outs: list[Out]) -> None:
    for out in outs:
        if isinstance(out, Send):
            await connection.send(out.text)
        elif out.code == ABORTED:
            connection.transport.abort()
        else:
            await connection.close(out.code, out.reason)
