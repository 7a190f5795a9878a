"""The simulated official APIs refuse what the real ones refuse, and our side reads their refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from agentlocator.simulator.whatsapp_cloud import CloudServer
from agentlocator.simulator.whatsapp_twilio import TwilioServer
from agentlocator.whatsapp.cloud_api import CloudApi
from agentlocator.whatsapp.messages import Outgoing, Refused, Template, Unreachable
from agentlocator.whatsapp.twilio_api import TwilioApi

pytestmark = pytest.mark.requirement("R40")

LINE = "100200300"
SENDER = "whatsapp:+97235550101"
ACCOUNT = "AC" + "0" * 32
DANA = "972541234567"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cloud(clock: Clock) -> AsyncIterator[tuple[CloudServer, httpx2.AsyncClient]]:
    server = CloudServer("secret", "token", clock=clock, webhook_url="http://us/hook")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=server.app)) as http:
        yield server, http


@pytest.fixture
async def twilio(clock: Clock) -> AsyncIterator[tuple[TwilioServer, httpx2.AsyncClient]]:
    server = TwilioServer(ACCOUNT, "token", clock=clock)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=server.app)) as http:
        yield server, http


async def us(http: list[bytes]) -> httpx2.AsyncClient:
    """Our side of a webhook: keeps what it is sent."""

    def keep(request: httpx2.Request) -> httpx2.Response:
        http.append(request.content)
        return httpx2.Response(200)

    return httpx2.AsyncClient(transport=httpx2.MockTransport(keep))


async def test_the_cloud_sends_within_a_day(cloud: tuple[CloudServer, httpx2.AsyncClient], clock: Clock) -> None:
    server, http = cloud
    api = CloudApi(http, "token", base_url="http://graph")
    told: list[bytes] = []
    await server.writes(await us(told), LINE, DANA, "שלום")
    assert len(told) == 1
    assert (await api.send(Outgoing(LINE, DANA, "היי", "k"))).startswith("wamid.")
    clock.now += timedelta(hours=24)
    with pytest.raises(Refused, match="131047") as refused:
        await api.send(Outgoing(LINE, DANA, "היי", "k"))
    assert refused.value.is_window
    await api.send(Outgoing(LINE, DANA, "", "k", Template("visit_reminder", values=("מחר", "10:00"))))
    assert [(one.text, one.template) for one in server.delivered] == [("היי", ""), ("מחר 10:00", "visit_reminder")]


async def test_an_expired_token_is_somebodys_to_renew(cloud: tuple[CloudServer, httpx2.AsyncClient]) -> None:
    _, http = cloud
    with pytest.raises(Unreachable, match="190"):
        await CloudApi(http, "old", base_url="http://graph").send(Outgoing(LINE, DANA, "היי", "k"))


async def test_no_address_is_made_up_into_a_url(cloud: tuple[CloudServer, httpx2.AsyncClient]) -> None:
    _, http = cloud
    with pytest.raises(Refused):
        await CloudApi(http, "token", base_url="http://graph").send(Outgoing("../me", DANA, "היי", "k"))


async def test_twilio_takes_a_late_text_and_fails_it_later(
    twilio: tuple[TwilioServer, httpx2.AsyncClient], clock: Clock
) -> None:
    server, http = twilio
    api = TwilioApi(http, ACCOUNT, "token", status_url="http://us/status", base_url="http://twilio")
    told: list[bytes] = []
    ours = await us(told)
    await server.writes(ours, "http://us/hook", line=SENDER, phone=f"+{DANA}", text="שלום")
    assert (await api.send(Outgoing(SENDER, f"whatsapp:+{DANA}", "היי", "k"))).startswith("SM")
    clock.now += timedelta(days=2)
    await api.send(Outgoing(SENDER, DANA, "היי שוב", "k"))
    await server.report_failures(ours)
    assert b"ErrorCode=63016" in told[-1]
    assert [one["Body"] for one in server.delivered] == ["היי"]


async def test_twilio_refuses_what_is_too_long_or_not_ours(twilio: tuple[TwilioServer, httpx2.AsyncClient]) -> None:
    _, http = twilio
    api = TwilioApi(http, ACCOUNT, "token", status_url="http://us/status", base_url="http://twilio")
    with pytest.raises(Refused, match="21617"):
        await api.send(Outgoing(SENDER, DANA, "א" * 1601, "k"))
    stolen = TwilioApi(http, ACCOUNT, "stolen", status_url="http://us/status", base_url="http://twilio")
    with pytest.raises(Unreachable, match="401"):
        await stolen.send(Outgoing(SENDER, DANA, "היי", "k"))
