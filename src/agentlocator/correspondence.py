"""A deployment's written side, wired: webhooks in, the text agent, transports out.

Imported only where a transport is configured: a server that only answers the phone loads no agents' SDK.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import assert_never

import httpx2
import msgspec
from agents import Model, OpenAIProvider
from pydantic import SecretStr
from starlette.routing import Route

from agentlocator.assistant.registry import Registry
from agentlocator.clock import utc_now
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.db.scope import Scope
from agentlocator.jobs.telling import Handler, NotNow, OutboxItem, Undeliverable
from agentlocator.web.house import NoAnswer, PairedPhone
from agentlocator.whatsapp import lines, messages, outgoing, rules, webhooks
from agentlocator.whatsapp.agent import TextAgent
from agentlocator.whatsapp.answering import Responder
from agentlocator.whatsapp.bridge import Health
from agentlocator.whatsapp.bridge_api import BridgeApi
from agentlocator.whatsapp.cloud_api import CloudApi
from agentlocator.whatsapp.messages import Channel, Outgoing, Transport
from agentlocator.whatsapp.outgoing import Job
from agentlocator.whatsapp.twilio_api import TwilioApi
from agentlocator.whatsapp.webhooks import Secrets, WhatsAppWebhooks


class Correspondence:
    """WhatsApp of one deployment. `model` stands in for the configured one, offline."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        registry: Registry,
        *,
        model: Model | None = None,
        settle: timedelta = rules.SETTLE,
    ) -> None:
        self._settings = settings
        self._db = db
        provider = OpenAIProvider(
            api_key=settings.openai_api_key.get_secret_value(), base_url=settings.openai_api_url, use_responses=True
        )
        agent = TextAgent(db, registry, model or settings.whatsapp_model, provider=provider)
        self._responder = Responder(db, agent, clock=utc_now, settle=settle)
        self._transports: dict[Channel, Transport] = {}
        self.phones = BridgedPhones(db) if settings.bridge_url is not None else None

    def routes(self) -> list[Route]:
        """Where the transports reach us."""
        settings = self._settings
        secrets = Secrets(
            settings.public_url,
            cloud_app_secret=_plain(settings.whatsapp_app_secret),
            cloud_verify_token=_plain(settings.whatsapp_verify_token),
            twilio_tokens=tuple(settings.twilio_auth_tokens()) if settings.whatsapp_over_twilio else (),
            bridge_secret=_plain(settings.bridge_secret),
        )
        return WhatsAppWebhooks(self._db, secrets, self._responder.notice, clock=utc_now).routes()

    @staticmethod
    async def write_as_person(scope: Scope, conversation_id: int, text: str, *, now: datetime) -> int | None:
        """A person of the business writes; see `outgoing.write_as_person`."""
        return await outgoing.write_as_person(scope, conversation_id, text, now=now)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Answer, and be able to send, while the context is open."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx2.AsyncClient())
            self._connect(http)
            answering = asyncio.create_task(self._responder.run(), name="written answers")
            try:
                yield
            finally:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)

    def handlers(self) -> dict[str, Handler]:
        """Who delivers what the outbox holds of ours."""
        return {outgoing.KIND: self._deliver}

    async def tell_operator(self, text: str, key: str) -> None:
        """Writes to the installation's operator. Whatever the transport raises is for whoever asked."""
        settings = self._settings
        message = Outgoing(
            f"whatsapp:{settings.operator_whatsapp_from}", f"whatsapp:{settings.operator_whatsapp}", text, key
        )
        await self._transports["twilio"].send(message)

    async def _deliver(self, item: OutboxItem) -> None:
        job = Job(item.business_id, item.payload, item.key, item.attempt)
        told = await outgoing.deliver(self._db, self._transports, job, now=utc_now())
        match told.became:
            case "sent":
                return
            case "wait":
                assert told.until is not None, "whoever is told to wait is told until when"
                raise NotNow(told.until)
            case "hopeless":
                raise Undeliverable(told.reason)
            case _:
                assert_never(told.became)

    def _connect(self, http: httpx2.AsyncClient) -> None:
        settings = self._settings
        if settings.whatsapp_access_token is not None:
            self._transports["cloud"] = CloudApi(
                http, _plain(settings.whatsapp_access_token), base_url=settings.whatsapp_api_url
            )
        if settings.whatsapp_over_twilio:
            self._transports["twilio"] = TwilioApi(
                http,
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                status_url=settings.public_url + webhooks.TWILIO_STATUS,
                base_url=settings.twilio_api_url,
            )
        if settings.bridge_url is not None and self.phones is not None:
            bridge = BridgeApi(http, settings.bridge_url, _plain(settings.bridge_secret), clock=utc_now)
            self._transports["bridge"] = self.phones.bridge = bridge


class BridgedPhones:
    """Businesses' phones behind the bridge, as the dashboard asks for them; see `web.house.Phones`.

    A business has one session. Its name says whose it is and nothing else.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.bridge: BridgeApi | None = None

    async def look(self, business_id: int) -> PairedPhone:
        with _answered():
            return _phone(await self._bridge.health(_session(business_id)))

    async def pair(self, business_id: int, *, phone: str) -> PairedPhone:
        async with self._db.scope(business_id) as scope:
            await lines.add(scope, "bridge", _session(business_id), now=utc_now())
        with _answered():
            return _phone(await self._bridge.pair(_session(business_id), phone=phone))

    async def log_out(self, business_id: int) -> None:
        with _answered():
            await self._bridge.log_out(_session(business_id))

    @property
    def _bridge(self) -> BridgeApi:
        assert self.bridge is not None, "the dashboard is served while the written side is open"
        return self.bridge


def _session(business_id: int) -> str:
    return f"business-{business_id}"


def _phone(health: Health) -> PairedPhone:
    told = msgspec.to_builtins(health)
    del told["session"]
    return PairedPhone(**told)


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except (messages.Unreachable, messages.RemoteProtocolError) as fault:
        raise NoAnswer(str(fault)) from fault


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
