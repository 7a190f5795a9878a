"""A foreign system for tests: an HTTP server that takes what it is told and counts idempotency keys."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec


class Told(msgspec.Struct, frozen=True):
    """One request as it came: header names in lower case."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """What a business's own system saw. `answers` maps a path to a status; every other path is answered 204."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.answers: dict[str, int] = {}
        self.port = 0

    @property
    def keys(self) -> Counter[str]:
        return Counter(one.headers["idempotency-key"] for one in self.told)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.told.append(Told(headers, body))
                status = self.answers.get(first.split(" ")[1], 204)
                writer.write(f"HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
