"""Reading an account and its numbers, and changing where a number's calls go, against an API that complains."""

from __future__ import annotations

import httpx2
import pytest

from agentlocator.simulator.twilio_account import TwilioAccount
from agentlocator.twilio.account import CarrierAccount
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable, LocalProtocolError

SID = "AC0123456789abcdef0123456789abcdef"
TOKEN = "canary-auth-token"


def opened(peer: TwilioAccount, token: str = TOKEN) -> CarrierAccount:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(peer.answer))
    return CarrierAccount(client, SID, token)


async def test_an_account_says_how_it_stands_and_shows_no_token() -> None:
    account = await opened(TwilioAccount(SID, TOKEN, kind="Trial")).read()
    assert (account.status, account.type, account.auth_token) == ("active", "Trial", TOKEN)
    assert TOKEN not in repr(account)
    assert TOKEN not in repr(opened(TwilioAccount(SID, TOKEN)))


async def test_every_number_is_found_on_however_many_pages() -> None:
    peer = TwilioAccount(SID, TOKEN, page=2)
    bought = [f"+97235550{number:03}" for number in range(7)]
    for e164 in bought:
        peer.add(e164)
    assert [number.phone_number for number in await opened(peer).numbers()] == bought


async def test_a_wrong_token_is_refused_with_the_carriers_code() -> None:
    with pytest.raises(CarrierRefused, match="20003"):
        await opened(TwilioAccount(SID, TOKEN), "guessed").numbers()


async def test_a_change_is_made_and_answered_and_nothing_else_is_touched() -> None:
    peer = TwilioAccount(SID, TOKEN)
    sid = peer.add("+97235550101", friendly_name="Clinic")
    changed = await opened(peer).change(sid, {"voice_url": "https://v.example.com/in", "trunk_sid": ""})
    assert (changed.voice_url, changed.trunk_sid, changed.friendly_name) == ("https://v.example.com/in", "", "Clinic")
    assert peer.changes == [("+97235550101", {"voice_url": "https://v.example.com/in", "trunk_sid": ""})]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_carrier_in_trouble_may_be_asked_again(status: int) -> None:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(status)))
    with pytest.raises(CarrierUnreachable, match=str(status)):
        await CarrierAccount(client, SID, TOKEN).read()


async def test_a_broken_line_to_the_carrier_is_unreachable_and_tells_no_secret() -> None:
    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectTimeout("timed out", request=request)

    account = CarrierAccount(httpx2.AsyncClient(transport=httpx2.MockTransport(broken)), SID, TOKEN)
    with pytest.raises(CarrierUnreachable, match="ConnectTimeout") as raised:
        await account.read()
    assert TOKEN not in repr(raised.value)


async def test_a_refusal_that_is_not_the_carriers_is_still_a_refusal() -> None:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(404, text="<html>")))
    with pytest.raises(CarrierRefused, match="not JSON"):
        await CarrierAccount(client, SID, TOKEN).read()


async def test_what_the_carrier_will_not_store_is_refused() -> None:
    peer = TwilioAccount(SID, TOKEN)
    sid = peer.add("+97235550101")
    with pytest.raises(CarrierRefused, match="21502"):
        await opened(peer).change(sid, {"voice_url": "voice.example.com"})
    with pytest.raises(CarrierRefused, match="20404"):
        await opened(peer).change("PN" + "f" * 32, {"voice_url": "https://v.example.com"})


async def test_a_number_s_sid_cannot_reach_another_resource() -> None:
    with pytest.raises(LocalProtocolError, match="PN"):
        await opened(TwilioAccount(SID, TOKEN)).change("../Messages", {"voice_url": ""})


async def test_the_token_follows_no_page_that_leads_elsewhere() -> None:
    asked: list[str] = []

    def astray(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        page = {"incoming_phone_numbers": [], "next_page_uri": "//thief.example.com/2010-04-01/Accounts"}
        return httpx2.Response(200, json=page)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(astray))
    with pytest.raises(CarrierUnreachable, match="next page"):
        await CarrierAccount(client, SID, TOKEN).numbers()
    assert len(asked) == 1


async def test_a_list_without_an_end_is_left() -> None:
    following = f"/2010-04-01/Accounts/{SID}/IncomingPhoneNumbers.json?Page=1"
    page = httpx2.Response(200, json={"incoming_phone_numbers": [], "next_page_uri": following})
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: page))
    with pytest.raises(CarrierUnreachable, match="no end"):
        await CarrierAccount(client, SID, TOKEN).numbers()


async def test_an_answer_that_is_not_the_carriers_is_told_apart() -> None:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, text="<html>")))
    with pytest.raises(CarrierRefused, match="not what the carrier"):
        await CarrierAccount(client, SID, TOKEN).read()
