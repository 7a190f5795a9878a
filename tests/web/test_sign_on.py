"""Signing in through a provider: who has an account comes in, nobody else, however the provider lies."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from agentlocator.web import routes
from agentlocator.web.oidc import Oidc
from agentlocator.web.pages.sign_on import CALLBACK, PATH
from web.office import ORIGIN, Office
from web.provider import CLIENT, ISSUER, SECRET, Provider

pytestmark = pytest.mark.requirement("R51")


@pytest.fixture
def backend() -> str:
    """Who may come in does not hang on the database."""
    return "sqlite"


@pytest.fixture
def provider(office: Office) -> Provider:
    """A provider that the office knows."""
    known = Provider(ORIGIN + CALLBACK)
    client = Oidc(ISSUER, CLIENT, SECRET, label="Example", redirect_uri=ORIGIN + CALLBACK, transport=known.transport)
    office.house = msgspec.structs.replace(office.house, single_sign_on=client)
    office.app = Starlette(routes=routes(office.house))
    return known


async def sign_in(browser: httpx2.AsyncClient, provider: Provider, **instead: str) -> httpx2.Response:
    """The whole way: from our button to the provider and back."""
    there = await browser.get(PATH)
    assert there.status_code == 303, there.text
    return await browser.get(CALLBACK, params=provider.sign_in(there.headers["location"]) | instead)


async def test_who_has_an_account_comes_in_by_his_verified_address(office: Office, provider: Provider) -> None:
    provider.who = "Owner@Example.com"
    async with office.browser() as browser:
        assert "Example" in (await browser.get("/login")).text
        assert (await sign_in(browser, provider)).headers["location"] == "/"
        assert (await browser.get(f"/b/{office.town.clinic}/today")).status_code == 200
        assert "כניסה דרך ספק הזהויות" in (await browser.get("/account")).text


@pytest.mark.parametrize("who", ["stranger@example.com", "operator@example.com", ""])
async def test_a_stranger_and_an_operator_do_not(office: Office, provider: Provider, who: str) -> None:
    provider.who = who
    async with office.browser() as browser:
        assert (await sign_in(browser, provider)).status_code == 403
        assert (await browser.get("/")).headers["location"] == "/login"


@pytest.mark.parametrize(
    "lie",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": ["owner@example.com"]},
        {"nonce": "another sign-in's"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"iss": "https://evil.test"},
        {"exp": 1},
        {"exp": None},
    ],
    ids=str,
)
async def test_a_token_that_does_not_hold_lets_nobody_in(
    office: Office, provider: Provider, lie: dict[str, Any]
) -> None:
    provider.lies = lie
    async with office.browser() as browser:
        assert (await sign_in(browser, provider)).status_code == 403
        assert (await browser.get("/")).headers["location"] == "/login"


@pytest.mark.parametrize("fault", ["unsigned", "strange_key", "by_the_client_s_secret"])
async def test_a_signature_that_is_not_the_provider_s_lets_nobody_in(
    office: Office, provider: Provider, fault: str
) -> None:
    provider.faults.add(fault)
    async with office.browser() as browser:
        assert (await sign_in(browser, provider)).status_code == 403
        assert (await browser.get("/")).headers["location"] == "/login"


@pytest.mark.parametrize("fault", ["down", "another_issuer", "off_tls"])
async def test_a_provider_that_is_not_itself_is_not_gone_to(office: Office, provider: Provider, fault: str) -> None:
    provider.faults.add(fault)
    async with office.browser() as browser:
        assert (await browser.get(PATH)).status_code == 403
        provider.faults.clear()
        assert (await browser.get(PATH)).status_code == 303, "it is asked again"


async def test_an_answer_is_good_for_the_browser_that_asked_and_once(office: Office, provider: Provider) -> None:
    async with office.browser() as mine, office.browser() as victim:
        back = provider.sign_in((await mine.get(PATH)).headers["location"])
        assert (await victim.get(CALLBACK, params=back)).status_code == 403, "no cookie"
        await victim.get(PATH)
        assert (await victim.get(CALLBACK, params=back)).status_code == 403, "another state"
        assert (await mine.get(CALLBACK, params=back)).status_code == 303
        assert (await mine.get(CALLBACK, params=back)).status_code == 403, "used"
        assert (await sign_in(mine, provider, state="")).status_code == 403
        assert (await sign_in(mine, provider, code="invented")).status_code == 403
    assert provider.complaints == ["invalid_grant"]


async def test_an_attempt_is_not_good_for_ever(office: Office, provider: Provider) -> None:
    async with office.browser() as browser:
        back = provider.sign_in((await browser.get(PATH)).headers["location"])
        office.hands.pass_(minutes=11)
        assert (await browser.get(CALLBACK, params=back)).status_code == 403


async def test_new_keys_of_the_provider_are_found(office: Office, provider: Provider) -> None:
    async with office.browser() as browser:
        assert (await sign_in(browser, provider)).status_code == 303
        provider.rotate()
        assert (await sign_in(browser, provider)).status_code == 303


async def test_without_a_provider_there_is_no_such_page_and_no_button(office: Office) -> None:
    async with office.browser() as browser:
        assert (await browser.get(PATH)).status_code == 404
        assert (await browser.get(f"{CALLBACK}?code=x&state=y")).status_code == 404
        assert PATH not in (await browser.get("/login")).text


def test_without_a_provider_none_of_its_code_is_loaded() -> None:
    asked = "import sys, agentlocator.app; print([m for m in ('agentlocator.web.oidc', 'jwt') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
