"""Ending and redirecting live calls, against a REST API that answers as the real one does."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx2
import pytest

from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable, LocalProtocolError
from agentlocator.twilio.rest import LiveCalls

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALL = "CA1f4a6b0c7d8e49b2a3c5d6e7f8091a2b"
TOKEN = "canary-auth-token"


def calls(answer: Callable[[httpx2.Request], httpx2.Response]) -> LiveCalls:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return LiveCalls(client, ACCOUNT, TOKEN, base_url="https://carrier.example/")


async def test_a_call_is_ended_by_its_account() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"sid": CALL, "status": "completed"})

    assert await calls(answer).hang_up(CALL)
    (request,) = seen
    assert request.method == "POST"
    assert str(request.url) == f"https://carrier.example/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json"
    assert parse_qs(request.content.decode()) == {"Status": ["completed"]}
    credentials = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {credentials}"


async def test_a_call_is_given_new_twiml() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content.decode())
        return httpx2.Response(200, json={})

    assert await calls(answer).update_twiml(CALL, "<Response><Hangup/></Response>")
    assert parse_qs(seen[0]) == {"Twiml": ["<Response><Hangup/></Response>"]}


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (400, 21220)])
async def test_a_call_that_has_already_ended_is_not_a_failure(status: int, code: int) -> None:
    ended = httpx2.Response(status, json={"code": code, "message": "not in-progress", "status": status})
    assert not await calls(lambda _: ended).hang_up(CALL)


async def test_a_refusal_is_typed_and_keeps_the_carriers_code() -> None:
    refused = httpx2.Response(401, json={"code": 20003, "message": "Authenticate", "status": 401})
    with pytest.raises(CarrierRefused, match="20003") as raised:
        await calls(lambda _: refused).hang_up(CALL)
    assert (raised.value.status, raised.value.code) == (401, 20003)

    # A wrong base URL answers 404 too, and must not pass for a call that has ended.
    with pytest.raises(CarrierRefused, match="not JSON"):
        await calls(lambda _: httpx2.Response(404, text="<html>")).hang_up(CALL)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_carrier_in_trouble_may_be_asked_again(status: int) -> None:
    with pytest.raises(CarrierUnreachable, match=str(status)):
        await calls(lambda _: httpx2.Response(status)).hang_up(CALL)


async def test_a_broken_line_to_the_carrier_is_unreachable_and_tells_no_secret() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectTimeout("timed out", request=request)

    live = calls(broken)
    with pytest.raises(CarrierUnreachable, match="ConnectTimeout") as raised:
        await live.hang_up(CALL)
    assert TOKEN not in repr(raised.value)
    assert TOKEN not in repr(live)


async def test_a_call_sid_cannot_reach_another_resource() -> None:
    with pytest.raises(LocalProtocolError, match="SID"):
        await calls(lambda _: httpx2.Response(200)).hang_up("../Messages")
