"""The only wiring: settings become a database, a switchboard, and a server that answers the carrier.

Everything is built here and handed down; nothing below looks for anything by itself.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import time
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from agentlocator import config, web
from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallPolicy
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.vault import Vault
from agentlocator.jobs import runner as jobs
from agentlocator.jobs.alert import Operator
from agentlocator.jobs.canary import Canary, Certify
from agentlocator.jobs.deliver import utc_now
from agentlocator.provision.setup import Setup
from agentlocator.provision.wiring import Wiring
from agentlocator.twilio.account import CarrierAccount
from agentlocator.voice import webhook
from agentlocator.voice.audience import Audience
from agentlocator.voice.media_endpoint import MediaEndpoint
from agentlocator.voice.records import journal_path
from agentlocator.voice.switchboard import Line, Switchboard
from agentlocator.voice.webhook import Addresses, Webhooks
from agentlocator.web.calendar_feed import CalendarFeed
from agentlocator.web.house import TestCall
from agentlocator.web.pages import sign_on
from agentlocator.web.single_sign_on import SingleSignOn

if TYPE_CHECKING:
    from agents import Model

    from agentlocator.correspondence import Correspondence

# Twilio's frames are 400 bytes. A larger message is refused by the stream and survived; beyond this the socket ends.
MAX_MESSAGE_BYTES = 1024 * 1024
# Longer than any peer keeps an idle connection: the side that sends is the one that gives it up, so that no webhook is
# written into a connection that is just being closed.
KEEP_ALIVE_S = 150


class Deployment:
    """A configured server: its database, its switchboard and its HTTP application.

    `text_model` stands in for the model that answers in writing, offline. `certify` is what the nightly canary does.
    """

    def __init__(
        self, settings: Settings, db: Database, *, text_model: Model | None = None, certify: Certify | None = None
    ) -> None:
        self.settings = settings
        self.db = db
        self.registry = Registry()
        self.draining = False
        self.pace = jobs.Pace()
        self._http: httpx2.AsyncClient | None = None
        self._certify = certify
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
        self.audience = Audience(self.switchboard)
        self.correspondence = _correspondence(settings, db, self.registry, text_model)
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
                *(self.correspondence.routes() if self.correspondence else ()),
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
            Vault(self.settings.sealing_key()),
            journal_of=partial(journal_path, self.settings.data_dir / "calls"),
            write_as_person=self.correspondence.write_as_person if self.correspondence else None,
            phones=self.correspondence.phones if self.correspondence else None,
            single_sign_on=_single_sign_on(self.settings),
            audience=self.audience,
            session_of=self.switchboard.session_of,
            setup=self._setup(),
            test_call=self._test_call,
        )

    def _setup(self) -> Setup:
        """What the operator's own page needs to look at the accounts and to wire numbers."""
        settings = self.settings

        async def account() -> CarrierAccount:
            token = settings.twilio_auth_token.get_secret_value()
            http = await self._outside()
            return CarrierAccount(http, settings.twilio_account_sid, token, base_url=settings.twilio_api_url)

        return Setup(
            http=self._outside,
            account=account,
            wiring=partial(number_wiring, settings.public_url),
            model=settings.openai_realtime_model,
            openai_api_url=settings.openai_api_url,
            twilio_api_url=settings.twilio_api_url,
            said_elsewhere=frozenset(config.outspoken()),
        )

    async def _outside(self) -> httpx2.AsyncClient:
        """A client for what an operator asks of others, made when he first does."""
        if self._http is None:
            # Reading the certificates takes tens of milliseconds, and calls are under way.
            verify = await asyncio.to_thread(ssl.create_default_context)
            self._http = httpx2.AsyncClient(verify=verify)
        return self._http

    def _canary(self) -> Canary | None:
        settings = self.settings
        if self._certify is None or settings.certify_at is None:
            return None
        return Canary(
            self.db,
            self._certify,
            at=time.fromisoformat(settings.certify_at),
            model=settings.openai_realtime_model,
            public_url=settings.public_url,
            clock=utc_now,
        )

    def _operator(self) -> Operator:
        settings = self.settings
        return Operator(
            webhook_url=settings.operator_webhook_url or "",
            webhook_secret=settings.media_secret(),
            email=settings.operator_email,
            smtp_url=settings.smtp_url.get_secret_value(),
        )

    async def _test_call(self, business_id: int, keeps: bool) -> TestCall | None:
        """Somebody tries the assistant from a page, which speaks as the carrier would."""
        if self.draining:
            return None
        offer = await self.switchboard.offer_test(business_id, keeps=keeps)
        return TestCall(offer.call_sid, offer.token, webhook.MEDIA) if offer else None

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self.db.migrate()
        written = self.correspondence
        background = jobs.running(
            self.db,
            data_dir=self.settings.data_dir,
            root_secret=self.settings.media_secret(),
            handlers=written.handlers() if written else {},
            pace=self.pace,
            canary=self._canary(),
            operator=self._operator(),
            whatsapp_operator=written.tell_operator if written and self.settings.operator_whatsapp else None,
        )
        async with written.open() if written else nullcontext(), background, self.switchboard.open():
            # What is loaded by now stays: a full collection over it would stall every call for tens of milliseconds.
            gc.collect()
            gc.freeze()
            yield
        if self._http is not None:
            await self._http.aclose()
        await self.db.close()

    async def _ready(self, _request: Request) -> Response:
        calls = len(self.switchboard.live)
        return JSONResponse({"ready": not self.draining, "calls": calls}, status_code=503 if self.draining else 200)


def number_wiring(public_url: str, fallback_url: str | None = None) -> Wiring:
    """Where a number's calls must go to come here. The fallback answers when this server cannot, so it is elsewhere."""
    return Wiring(public_url + webhook.INCOMING, public_url + webhook.CALL_STATUS, fallback_url)


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A page that follows the calls would keep its connection, and with it the server, for ever.
        self._deployment.audience.close()
        await super().shutdown(sockets)

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
        timeout_keep_alive=KEEP_ALIVE_S,
        log_config=None,
        access_log=False,
        server_header=False,
        # The public address comes from the settings, never from a request's headers.
        proxy_headers=False,
    )
    return DrainServer(config, deployment)


def _correspondence(settings: Settings, db: Database, registry: Registry, model: Model | None) -> Correspondence | None:
    """The written side, if any transport is configured."""
    if not settings.writes:
        return None
    # Not sooner: this loads the agents' SDK, which no phone call needs.
    from agentlocator.correspondence import Correspondence

    return Correspondence(settings, db, registry, model=model)


def _single_sign_on(settings: Settings) -> SingleSignOn | None:
    """The sign-in provider, if one is configured."""
    if settings.oidc_issuer is None:
        return None
    # Not sooner: whoever has no provider loads nothing of one.
    from agentlocator.web.oidc import Oidc

    assert settings.oidc_client_id is not None, "a provider's settings are whole or none"
    assert settings.oidc_client_secret is not None, "a provider's settings are whole or none"
    return Oidc(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        label=settings.oidc_label,
        redirect_uri=settings.public_url + sign_on.CALLBACK,
    )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})
