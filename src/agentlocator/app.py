"""The only wiring: settings become a database, a switchboard, and a server that answers the carrier.

Everything is built here and handed down; nothing below looks for anything by itself.
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from agentlocator import web
from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallPolicy
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain.passwords import Passwords
from agentlocator.jobs import runner as jobs
from agentlocator.voice import webhook
from agentlocator.voice.media_endpoint import MediaEndpoint
from agentlocator.voice.records import journal_path
from agentlocator.voice.switchboard import Line, Switchboard
from agentlocator.voice.webhook import Addresses, Webhooks
from agentlocator.web.calendar_feed import CalendarFeed

# Twilio's frames are 400 bytes. A larger message is refused by the stream and survived; beyond this the socket ends.
MAX_MESSAGE_BYTES = 1024 * 1024


class Deployment:
    """A configured server: its database, its switchboard and its HTTP application."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db
        self.registry = Registry()
        self.draining = False
        self.pace = jobs.Pace()
        self.switchboard = Switchboard(
            Line(
                realtime_url=settings.openai_realtime_url,
                realtime_api_key=settings.openai_api_key.get_secret_value(),
                realtime_model=settings.openai_realtime_model,
                realtime_voice=settings.openai_realtime_voice,
                token_secret=settings.media_secret(),
                journals=settings.data_dir / "calls",
                policy=CallPolicy(
                    connect_timeout_ms=int(settings.realtime_connect_timeout_s * 1000),
                    confirm_timeout_ms=int(settings.realtime_session_timeout_s * 1000),
                ),
            ),
            db,
            self.registry,
        )
        webhooks = Webhooks(
            self.switchboard,
            Addresses(settings.public_url, settings.stream_url(webhook.MEDIA)),
            settings.twilio_auth_tokens(),
        )
        media = MediaEndpoint(self.switchboard, settings.stream_start_timeout_s)
        self.app = Starlette(
            routes=[
                *webhooks.routes(),
                WebSocketRoute(webhook.MEDIA, media.serve),
                CalendarFeed(db).route(),
                *web.routes(self._house()),
                Route("/healthz", _alive),
                Route("/readyz", self._ready),
            ],
            lifespan=self._lifespan,
        )

    def _house(self) -> web.House:
        """What the dashboard is given."""
        return web.House(
            self.db,
            self.settings.public_url,
            Passwords(),
            journal_of=partial(journal_path, self.settings.data_dir / "calls"),
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self.db.migrate()
        background = jobs.running(
            self.db, data_dir=self.settings.data_dir, root_secret=self.settings.media_secret(), pace=self.pace
        )
        async with background, self.switchboard.open():
            # What is loaded by now stays: a full collection over it would stall every call for tens of milliseconds.
            gc.collect()
            gc.freeze()
            yield
        await self.db.close()

    async def _ready(self, _request: Request) -> Response:
        calls = len(self.switchboard.live)
        return JSONResponse({"ready": not self.draining, "calls": calls}, status_code=503 if self.draining else 200)


class DrainServer(uvicorn.Server):
    """A server that lets its calls end. The first SIGTERM stops new traffic, the second one ends the calls too."""

    def __init__(self, config: uvicorn.Config, deployment: Deployment) -> None:
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

    async def on_tick(self, counter: int) -> bool:
        if self._deployment.draining and not self._deployment.switchboard.live:
            self.should_exit = True
        return await super().on_tick(counter)


def server(deployment: Deployment, host: str, port: int) -> DrainServer:
    """The HTTP and WebSocket server of a deployment, not yet serving. Port 0 takes any free one."""
    config = uvicorn.Config(
        deployment.app,
        host=host,
        port=port,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        log_config=None,
        access_log=False,
        server_header=False,
        # The public address comes from the settings, never from a request's headers.
        proxy_headers=False,
    )
    return DrainServer(config, deployment)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})
