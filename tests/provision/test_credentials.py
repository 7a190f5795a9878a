"""A credential is looked at as it is typed: what is wrong with it has a name and a remedy, and is never repeated."""

from __future__ import annotations

import datetime as dt

import httpx2
import pytest

from agentlocator.provision import carrier_account, model_account
from agentlocator.provision.trouble import TROUBLES, Trouble
from agentlocator.twilio.account import Account
from provision.peers import ACCOUNT, MODEL_KEY, SECONDARY, TOKEN, Peers

URL = "https://api.openai.com/v1"
API = "https://api.twilio.com"


@pytest.mark.parametrize(
    ("key", "model", "trouble"),
    [
        ("sk-canary-typo", "gpt-realtime-2.1", "openai_key"),
        ("sk-שגוי", "gpt-realtime-2.1", "openai_key"),
        (MODEL_KEY, "gpt-realtime-9", "openai_model"),
    ],
)
async def test_a_key_that_does_not_open_the_model(key: str, model: str, trouble: str) -> None:
    async with Peers().client() as http:
        found = await model_account.look(http, key, model, api_url=URL)
    assert found == Trouble(trouble)
    assert "canary" not in found.fault + found.remedy


async def test_a_key_that_opens_it_and_how_long_the_model_lives() -> None:
    peers = Peers()
    peers.openai.models["gpt-realtime"] = "2027-01-20"
    async with peers.client() as http:
        found = await model_account.look(http, MODEL_KEY, "gpt-realtime", api_url=URL)
    assert found == model_account.Model("gpt-realtime", dt.date(2027, 1, 20))


@pytest.mark.parametrize(("status", "trouble"), [(403, "openai_forbidden"), (500, "openai_unreachable")])
async def test_answers_that_are_no_json(status: int, trouble: str) -> None:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(status, text="<html>")))
    found = await model_account.look(client, MODEL_KEY, "gpt-realtime-2.1", api_url=URL)
    assert isinstance(found, Trouble)
    assert found.code == trouble


@pytest.mark.parametrize(
    ("sid", "token", "trouble"),
    [
        ("SK" + "0" * 32, TOKEN, "twilio_sid"),
        ("../Accounts", TOKEN, "twilio_sid"),
        (ACCOUNT, "canary-typo", "twilio_token"),
        (ACCOUNT, "שגוי", "twilio_token"),
        ("AC" + "1" * 32, TOKEN, "twilio_token"),
    ],
)
async def test_an_account_that_its_token_does_not_open(sid: str, token: str, trouble: str) -> None:
    async with Peers().client() as http:
        found = await carrier_account.look(http, sid, token, api_url=API)
    assert found == Trouble(trouble)


async def test_the_secondary_token_opens_the_account_and_signs_nothing() -> None:
    async with Peers().client() as http:
        found = await carrier_account.look(http, ACCOUNT, SECONDARY, api_url=API)
    assert isinstance(found, Account)
    assert carrier_account.is_primary(found, SECONDARY) is False
    assert carrier_account.is_primary(found, TOKEN) is True
    assert carrier_account.is_primary(Account(ACCOUNT, "active"), TOKEN) is None


def test_every_trouble_has_a_fault_and_a_remedy() -> None:
    for code in TROUBLES:
        assert Trouble(code).fault.endswith(".")
        assert Trouble(code, "HTTP 500").fault.endswith("(HTTP 500).")
        assert Trouble(code).remedy.endswith(".")
