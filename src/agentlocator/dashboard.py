"""A deployment's dashboard, wired: what its pages are given of the database, the calls and the accounts outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import httpx2
from starlette.routing import BaseRoute

from agentlocator import config, web
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.vault import Vault
from agentlocator.provision.setup import Setup
from agentlocator.twilio.account import CarrierAccount
from agentlocator.voice.audience import Audience
from agentlocator.voice.records import journal_path
from agentlocator.voice.switchboard import Switchboard
from agentlocator.voice.webhook import number_wiring
from agentlocator.web.house import Phones, TestCall, WriteAsPerson
from agentlocator.web.pages import sign_on
from agentlocator.web.single_sign_on import SingleSignOn


class Dashboard:
    """The dashboard of one deployment. What the written side lends it is None where nothing is written."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        switchboard: Switchboard,
        audience: Audience,
        *,
        test_call: Callable[[int, bool], Awaitable[TestCall | None]],
        write_as_person: WriteAsPerson | None,
        phones: Phones | None,
    ) -> None:
        self._settings = settings
        self._http: httpx2.AsyncClient | None = None
        self._house = web.House(
            db,
            settings.public_url,
            Passwords(),
            Vault(settings.sealing_key()),
            journal_of=partial(journal_path, settings.data_dir / "calls"),
            write_as_person=write_as_person,
            phones=phones,
            single_sign_on=_single_sign_on(settings),
            audience=audience,
            session_of=switchboard.session_of,
            setup=self._setup(),
            test_call=test_call,
        )

    def routes(self) -> list[BaseRoute]:
        """Where browsers reach us."""
        return web.routes(self._house)

    async def close(self) -> None:
        """Nothing more is asked of others."""
        if self._http is not None:
            await self._http.aclose()

    def _setup(self) -> Setup:
        """What the operator's own page needs to look at the accounts and to wire numbers."""
        settings = self._settings
        return Setup(
            http=self._outside,
            account=self._account,
            wiring=partial(number_wiring, settings.public_url),
            model=settings.openai_realtime_model,
            openai_api_url=settings.openai_api_url,
            twilio_api_url=settings.twilio_api_url,
            said_elsewhere=frozenset(config.outspoken()),
        )

    async def _account(self) -> CarrierAccount:
        settings = self._settings
        token = settings.twilio_auth_token.get_secret_value()
        http = await self._outside()
        return CarrierAccount(http, settings.twilio_account_sid, token, base_url=settings.twilio_api_url)

    async def _outside(self) -> httpx2.AsyncClient:
        """A client for what an operator asks of others, made when he first does."""
        if self._http is None:
            # Reading the certificates takes tens of milliseconds, and calls are under way.
            verify = await asyncio.to_thread(ssl.create_default_context)
            self._http = httpx2.AsyncClient(verify=verify)
        return self._http


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
