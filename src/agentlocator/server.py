"""The HTTP and WebSocket server of a deployment, which lets its calls end before it does."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from agentlocator.app import Deployment
from agentlocator.upgrade import Upgrade

# Longer than any peer keeps an idle connection: the side that sends is the one that gives it up, so that no webhook is
# written into a connection that is just being closed.
KEEP_ALIVE_S = 150


class Server(uvicorn.Server):
    """Not yet serving. The first SIGTERM stops new traffic, the second one ends the calls too.

    Port 0 takes any free one. `ready` is set once it serves.
    """

    def __init__(self, deployment: Deployment, host: str, port: int) -> None:
        config = uvicorn.Config(
            deployment.app,
            host=host,
            port=port,
            loop="uvloop",
            # uvicorn only ever calls it, and a class cannot be told which streams there are.
            ws=cast("type[asyncio.Protocol]", partial(Upgrade, deployment.streams)),
            timeout_keep_alive=KEEP_ALIVE_S,
            log_config=None,
            access_log=False,
            server_header=False,
            # The public address comes from the settings, never from a request's headers.
            proxy_headers=False,
        )
        super().__init__(config)
        self._deployment = deployment
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._deployment.draining or not self._deployment.switchboard.live:
            super().handle_exit(sig, frame)
        self._deployment.draining = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A page that follows the calls would keep its connection, and with it the server, for ever.
        self._deployment.audience.close()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if self._deployment.draining and not self._deployment.switchboard.live:
            self.should_exit = True
        return await super().on_tick(counter)
