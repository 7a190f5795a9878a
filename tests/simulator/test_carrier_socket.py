import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx2
import msgspec
import pybase64
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve

from agentlocator.simulator.carrier import Carrier, CarrierFault
from agentlocator.simulator.carrier_socket import CallReport, CarrierShell, sign
from agentlocator.simulator.network import Link

ORIGIN = "https://voice.example.com"
TOKEN = "12345"
SPEECH = bytes(range(1, 161)) * 5
Talk = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


class Office:
    """A server under test: a webhook that orders a stream, an action, status callbacks, and a stream that talks."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.twiml = (
            '<Response><Connect action="/after"><Stream url="wss://voice.example.com/media" '
            'statusCallback="/stream-status"><Parameter name="token" value="t1"/></Stream></Connect></Response>'
        )
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.handshakes: list[tuple[str, str]] = []
        paths = ("/voice", "/after", "/status", "/stream-status")
        self.web = Starlette(routes=[Route(path, self._answer, methods=["POST"]) for path in paths])

    async def _answer(self, request: Request) -> Response:
        raw = (await request.body()).decode()
        form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        self.posts.append((request.url.path, form))
        wanted = sign(f"{ORIGIN}{request.url.path}", form, TOKEN)
        if request.headers.get("x-twilio-signature") != wanted:
            return Response(status_code=403)
        texts = {"/voice": self.twiml, "/after": "<Response><Hangup/></Response>"}
        return Response(texts.get(request.url.path, ""), media_type="text/xml")

    async def stream(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.handshakes.append((socket.request.path, socket.request.headers["x-twilio-signature"]))
        assert msgspec.json.decode(await socket.recv())["event"] == "connected"
        await self.talk(socket, msgspec.json.decode(await socket.recv()))


@asynccontextmanager
async def carrier_calling(office: Office) -> AsyncIterator[CarrierShell]:
    async with (
        serve(office.stream, "127.0.0.1", 0, compression=None) as listening,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(office.web)) as http,
    ):
        port = next(iter(listening.sockets)).getsockname()[1]
        yield CarrierShell(
            "AC1",
            TOKEN,
            http=http,
            webhook_url=f"{ORIGIN}/voice",
            public_origin=ORIGIN,
            local_origin=f"http://127.0.0.1:{port}",
            status_url=f"{ORIGIN}/status",
        )


async def greet_and_close(socket: ServerConnection, start: dict[str, Any]) -> None:
    sid = start["streamSid"]
    payload = pybase64.b64encode(SPEECH).decode()
    await socket.send(f'{{"event":"media","streamSid":"{sid}","media":{{"payload":"{payload}"}}}}')
    await socket.send(f'{{"event":"mark","streamSid":"{sid}","mark":{{"name":"greeted"}}}}')
    async for text in socket:
        if msgspec.json.decode(text)["event"] == "mark":
            return


async def listen_on(socket: ServerConnection, _start: dict[str, Any]) -> None:
    async for _ in socket:
        pass


def nobody(_carrier: Carrier, _now_ms: int) -> None:
    """A caller who only listens."""


def impatient(carrier: Carrier, now_ms: int) -> None:
    """A caller who hangs up after a fifth of a second."""
    if now_ms > 200:
        carrier.hang_up(now_ms)


async def call(shell: CarrierShell, watch: Callable[[Carrier, int], None] = nobody, **how: Any) -> CallReport:
    async with asyncio.timeout(10):
        return await shell.place_call(from_e164="+972501234567", to_e164="+97235550101", watch=watch, **how)


@pytest.mark.parametrize(
    ("url", "parameters", "signature"),
    [
        (
            "https://example.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+12349013030",
                "Digits": "1234",
                "From": "+12349013030",
                "To": "+18005551212",
            },
            "vNe7KK2kJwCsxc9K3OLkkKB3qqI=",
        ),
        ("wss://example.com/twilio/media", {}, "Ko8aymfVk0cCegaxVKH0ZCvSyf4="),
        ("wss://example.com/twilio/media/", {}, "2FSgdRajF1AcedC3OxeCdxXJk50="),
        ("wss://example.com:443/twilio/media", {}, "JPl6eMv6/FLIiyGOYMMOKCyoU3s="),
        ("https://example.com/wa", {"Body": "שלום", "From": "whatsapp:+972501234567"}, "NmBfZjQKk1Hy+Pn3r7chHpwdwvU="),
    ],
)
def test_signatures_are_the_carriers_own(url: str, parameters: dict[str, str], signature: str) -> None:
    assert sign(url, parameters, TOKEN) == signature


async def test_a_call_is_answered_heard_and_ended_by_the_action() -> None:
    office = Office(greet_and_close)
    async with carrier_calling(office) as shell:
        report = await call(shell)

    (carrier,) = report.carriers
    assert b"".join(frame for _, frame in carrier.heard if frame[0] != 0xFF) == SPEECH
    assert [at_ms % 20 for at_ms, _ in carrier.heard] == [0] * len(carrier.heard), "no drift"
    assert carrier.warnings == []
    assert report.close_codes == [1000]
    assert [verb.name for verb in report.verbs] == ["Hangup"]
    assert office.handshakes == [("/media", sign("wss://voice.example.com/media", {}, TOKEN))]
    paths = [path for path, _ in office.posts]
    assert paths == ["/voice", "/stream-status", "/stream-status", "/after", "/status", "/status", "/status"]
    ends = [(form["CallStatus"], form["SequenceNumber"]) for path, form in office.posts if path == "/status"]
    assert ends == [("completed", "2"), ("in-progress", "1"), ("completed", "2")]
    assert report.notes == []


async def test_without_an_action_the_verbs_behind_the_stream_run() -> None:
    office = Office(greet_and_close)
    office.twiml = (
        '<Response><Connect><Stream url="wss://voice.example.com/media"/></Connect>'
        "<Dial><Number>+97235550199</Number></Dial></Response>"
    )
    async with carrier_calling(office) as shell:
        report = await call(shell)
    assert [verb.name for verb in report.verbs] == ["Dial"]


async def test_the_caller_hangs_up_over_a_slow_network() -> None:
    office = Office(listen_on)
    async with carrier_calling(office) as shell:
        rng = random.Random(1)
        report = await call(shell, impatient, uplink=Link(60, 20, rng), downlink=Link(60, 20, rng))
    assert report.verbs == ()
    assert report.close_codes == []
    assert 200 < report.carriers[0].heard[-1][0] < 1_000


async def test_a_wrong_signature_is_noted_and_no_stream_opened() -> None:
    office = Office(listen_on)
    async with carrier_calling(office) as shell:
        report = await call(shell, signing="wrong")
    assert report.carriers == []
    assert report.notes == ["11200: https://voice.example.com/voice answered HTTP 403."]


@pytest.mark.parametrize("signed_url", ["wss://voice.example.com/media/", "wss://voice.example.com:443/media"])
async def test_the_handshake_may_be_signed_for_another_spelling_of_its_url(signed_url: str) -> None:
    office = Office(listen_on)
    async with carrier_calling(office) as shell:
        await call(shell, impatient, signed_as=lambda _: signed_url)
    assert office.handshakes == [("/media", sign(signed_url, {}, TOKEN))]


async def test_a_stolen_token_can_be_tried() -> None:
    async def only_the_first(socket: ServerConnection, _start: dict[str, Any]) -> None:
        if len(office.handshakes) > 1:
            await socket.close(1008)

    office = Office(only_the_first)
    async with carrier_calling(office) as shell:
        report = await call(shell)
        assert await shell.knock(report.orders[0], report.call) == 1008


async def test_a_vanished_line_says_no_stop() -> None:
    office = Office(listen_on)
    async with carrier_calling(office) as shell:
        report = await call(shell, faults=[CarrierFault("vanish", at_ms=100)])
    assert report.close_codes == []
    assert report.carriers[0].ended
