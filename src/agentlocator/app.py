"""The only wiring: settings become a switchboard, a dashboard, and the application that answers the carrier.

Everything is built here and handed down; nothing below looks for anything by itself.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallPolicy
from agentlocator.clock import utc_now
from agentlocator.config import Settings
from agentlocator.dashboard import Dashboard
from agentlocator.db.engine import Database
from agentlocator.jobs import runner as jobs
from agentlocator.jobs.alert import Operator
from agentlocator.jobs.canary import Canary, Certify
from agentlocator.voice import webhook
from agentlocator.voice.audience import Audience
from agentlocator.voice.media_endpoint import MediaEndpoint
from agentlocator.voice.switchboard import Line, Switchboard
from agentlocator.voice.webhook import Addresses, Webhooks
from agentlocator.web.calendar_feed import CalendarFeed
from agentlocator.web.house import TestCall

if TYPE_CHECKING:
    from agents import Model

    from agentlocator.correspondence import Correspondence


class Deployment:
    """A configured server: its database, its switchboard, its HTTP application, and its WebSockets' `streams` by path.

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
        self.dashboard = Dashboard(
            settings,
            db,
            self.switchboard,
            self.audience,
            test_call=self._test_call,
            write_as_person=self.correspondence.write_as_person if self.correspondence else None,
            phones=self.correspondence.phones if self.correspondence else None,
        )
        webhooks = Webhooks(
            self.switchboard,
            Addresses(settings.public_url, settings.stream_url(webhook.MEDIA)),
            settings.twilio_auth_tokens(),
        )
        media = MediaEndpoint(self.switchboard, settings.stream_start_timeout_s)
        self.streams = {webhook.MEDIA.encode(): media.serve}
        self.app = Starlette(
            routes=[
                *webhooks.routes(),
                *(self.correspondence.routes() if self.correspondence else ()),
                CalendarFeed(db).route(),
                *self.dashboard.routes(),
                Route("/healthz", _alive),
                Route("/readyz", self._ready),
            ],
            lifespan=self._lifespan,
        )

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
        await self.dashboard.close()
        await self.db.close()

    async def _ready(self, _request: Request) -> Response:
        calls = len(self.switchboard.live)
        return JSONResponse({"ready": not self.draining, "calls": calls}, status_code=503 if self.draining else 200)


def _correspondence(settings: Settings, db: Database, registry: Registry, model: Model | None) -> Correspondence | None:
    """The written side, if any transport is configured."""
    if not settings.writes:
        return None
    # Not sooner: this loads the agents' SDK, which no phone call needs.
    from agentlocator.correspondence import Correspondence

    return Correspondence(settings, db, registry, model=model)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})
