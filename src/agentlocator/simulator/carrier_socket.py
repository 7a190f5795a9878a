"""The simulated carrier on real sockets: places calls through the webhook, runs the media stream.

It signs, posts, connects and keeps time; what is played, echoed and warned of is the `Carrier`'s doing, and what the
caller says comes from whoever watches the call. It verifies nothing about the server under test: it reports.
"""

import asyncio
import base64
import hashlib
import hmac
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentlocator.simulator.carrier import CallFacts, Carrier, CarrierFault
from agentlocator.simulator.carrier_twiml import StreamOrder, Twiml, TwimlRefused, Verb, read_twiml
from agentlocator.simulator.network import Link
from agentlocator.simulator.peer import ABORTED, Out, Send

Watch = Callable[[Carrier, int], None]
"""Called after every 20 ms of a stream with its carrier and the time in ms: here a caller listens and speaks."""

Signing = Literal["right", "wrong", "missing"]


def sign(url: str, parameters: Mapping[str, str], auth_token: str) -> str:
    """The value of X-Twilio-Signature: HMAC-SHA1 over the URL and each sorted parameter, in base64."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class CallReport(msgspec.Struct):
    """What became of a call.

    `carriers` are its streams in their order; `before` is what the TwiML orders before the first of them, `verbs`
    what the last TwiML orders besides streams; `notes` are the carrier's error and warning codes, each with a
    sentence; `close_codes` say how the server ended each stream.
    """

    call: CallFacts
    carriers: list[Carrier] = []
    orders: list[StreamOrder] = []
    verbs: tuple[Verb, ...] = ()
    before: tuple[Verb, ...] = ()
    notes: list[str] = []
    close_codes: list[int] = []


class CarrierShell:
    """One account at the carrier, calling one server.

    The server is configured with `public_origin` (https), which is what gets signed, and is really reached at
    `local_origin` (http). `webhook_url` and `status_url` are public URLs, as they would stand in the number's settings.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        http: httpx2.AsyncClient,
        webhook_url: str,
        public_origin: str,
        local_origin: str,
        status_url: str = "",
        seed: int = 1,
    ) -> None:
        self.account_sid = account_sid
        self._auth_token = auth_token
        self._http = http
        self._webhook_url = webhook_url
        self._public_origin = public_origin
        self._local_origin = local_origin
        self._status_url = status_url
        self._rng = random.Random(seed)  # noqa: S311 - seeded on purpose, guards nothing

    async def place_call(
        self,
        *,
        from_e164: str,
        to_e164: str,
        watch: Watch,
        uplink: Link | None = None,
        downlink: Link | None = None,
        faults: Sequence[CarrierFault] = (),
        signing: Signing = "right",
        signed_as: Callable[[str], str] = str,
    ) -> CallReport:
        """Places one call and stays with it to its end.

        `uplink` delays what goes to the server and `downlink` what comes from it. `signing` is how webhook and
        handshake are signed; `signed_as` rewrites the handshake's URL before it is, since the real carrier signs it
        now with `:443` or a closing slash and now without.
        """
        call = CallFacts(self.account_sid, self._sid("CA"), from_e164, to_e164)
        report = CallReport(call)
        line = _Line(watch, uplink, downlink, tuple(faults), signing, signed_as)
        twiml = await self._ask(self._webhook_url, report, {"CallStatus": "ringing"}, signing)
        while twiml is not None:
            report.notes += twiml.notes
            twiml = await self._run(twiml, report, line)
        await self._report_completion(call)
        return report

    async def knock(self, order: StreamOrder, call: CallFacts, patience_s: float = 2.0) -> int | None:
        """Opens a stream of its own with this order and call, as a thief of the token would.

        Returns the HTTP status of a refused handshake, the code of a closed stream, or None if the server let it
        stay for that long.
        """
        carrier = Carrier(call, self._sid("MZ"), order.parameters)
        try:
            async with self._connected(order.url, "right", str) as socket:
                await _carry(socket, carrier.open(0))
                await asyncio.wait_for(socket.wait_closed(), patience_s)
                return socket.close_code
        except InvalidStatus as refused:
            return refused.response.status_code
        except TimeoutError:
            return None

    async def _ask(
        self, url: str, report: CallReport, parameters: Mapping[str, str], signing: Signing = "right"
    ) -> Twiml | None:
        """Posts a signed form and reads the TwiML that answers it."""
        answer = await self._post(url, {**_call_form(report.call), **parameters}, signing)
        if answer.status_code != 200:
            report.notes.append(f"11200: {url} answered HTTP {answer.status_code}.")
            return None
        if answer.headers.get("content-type", "").partition(";")[0] not in ("text/xml", "application/xml"):
            report.notes.append(f"12300: {url} answered {answer.headers.get('content-type')}.")
            return None
        return self._read(answer.text, report)

    def _read(self, text: str, report: CallReport) -> Twiml | None:
        try:
            return read_twiml(text, allow_plain_loopback=True)
        except TwimlRefused as refused:
            report.notes.append(str(refused))
            return None

    async def _run(self, twiml: Twiml, report: CallReport, line: "_Line") -> Twiml | None:
        """Runs one document; returns the next one, or None when the call is over."""
        if twiml.stream is None:
            report.verbs = twiml.before
            return None
        if not report.orders:
            report.before = twiml.before
        report.orders.append(twiml.stream)
        over = await self._stream(twiml.stream, report, line)
        if over:
            return None
        if twiml.stream.action:
            action = urljoin(self._webhook_url, twiml.stream.action)
            return await self._ask(action, report, {"CallStatus": "in-progress"})
        report.verbs = twiml.after
        return None

    async def _stream(self, order: StreamOrder, report: CallReport, line: "_Line") -> bool:
        """Runs one media stream; true when the caller hung up."""
        carrier = Carrier(report.call, self._sid("MZ"), order.parameters, line.faults)
        try:
            async with self._connected(order.url, line.signing, line.signed_as) as socket:
                report.carriers.append(carrier)
                await self._tell_stream(order, report, carrier, "stream-started")
                closed_by_server = await _carry_stream(socket, carrier, line)
        except InvalidStatus as refused:
            report.notes.append(f"31920: the handshake was answered HTTP {refused.response.status_code}.")
            return False
        except OSError as fault:
            report.notes.append(f"31902: {fault}")
            return False
        if closed_by_server:
            report.close_codes.append(socket.close_code or ABORTED)
        await self._tell_stream(order, report, carrier, "stream-stopped")
        return not closed_by_server

    def _connected(self, url: str, signing: Signing, signed_as: Callable[[str], str]) -> connect:
        return connect(
            self._local(url),
            additional_headers=self._signature(signed_as(url), {}, signing),
            compression=None,
            max_size=None,
            proxy=None,
        )

    def _signature(self, url: str, parameters: Mapping[str, str], signing: Signing) -> dict[str, str]:
        if signing == "missing":
            return {}
        token = self._auth_token if signing == "right" else f"not {self._auth_token}"
        return {"X-Twilio-Signature": sign(url, parameters, token)}

    async def _post(self, url: str, form: dict[str, str], signing: Signing = "right") -> httpx2.Response:
        headers = self._signature(url, form, signing)
        return await self._http.post(self._local(url), data=form, headers=headers)

    def _local(self, public_url: str) -> str:
        """Where a public URL is really served; URLs of other hosts stay as they are."""
        public, local, url = urlsplit(self._public_origin), urlsplit(self._local_origin), urlsplit(public_url)
        if url.hostname != public.hostname:
            return public_url
        scheme = {"wss": "ws", "https": "http"}.get(url.scheme, url.scheme)
        if local.scheme == "https":
            scheme = url.scheme
        return url._replace(scheme=scheme, netloc=local.netloc).geturl()

    async def _tell_stream(self, order: StreamOrder, report: CallReport, carrier: Carrier, event: str) -> None:
        if not order.status_callback:
            return
        call = report.call
        form = {
            "AccountSid": call.account_sid,
            "CallSid": call.call_sid,
            "StreamSid": carrier.stream_sid,
            "StreamName": order.name,
            "StreamEvent": event,
            "Timestamp": "2026-11-22T08:00:00.000Z",
        }
        await self._post(urljoin(self._webhook_url, order.status_callback), form)

    async def _report_completion(self, call: CallFacts) -> None:
        """Tells the end twice, and something older in between."""
        if not self._status_url:
            return
        for status, sequence in (("completed", "2"), ("in-progress", "1"), ("completed", "2")):
            form = {**_call_form(call), "CallStatus": status, "SequenceNumber": sequence, "CallDuration": "1"}
            await self._post(self._status_url, form)

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{self._rng.getrandbits(128):032x}"


class _Line(msgspec.Struct, frozen=True):
    """How one call is to be carried."""

    watch: Watch
    uplink: Link | None
    downlink: Link | None
    faults: tuple[CarrierFault, ...]
    signing: Signing
    signed_as: Callable[[str], str]


async def _carry_stream(socket: ClientConnection, carrier: Carrier, line: _Line) -> bool:
    """Carries one stream to its end; true when the server ended it."""
    loop = asyncio.get_running_loop()
    opened_s = loop.time()
    arriving: deque[tuple[int, str]] = deque()
    leaving: deque[tuple[int, Out]] = deque()

    def now_ms() -> int:
        return int((loop.time() - opened_s) * 1000)

    def leave(outs: Sequence[Out], at_ms: int) -> None:
        for out in outs:
            leaving.append((line.uplink.send(at_ms) if line.uplink else at_ms, out))

    leave(carrier.open(0), 0)
    reading = asyncio.ensure_future(socket.recv())
    try:
        while not carrier.ended or leaving:
            times = [carrier.next_ms(), *(queue[0][0] for queue in (arriving, leaving) if queue)]
            due_ms = min(at_ms for at_ms in times if at_ms is not None)
            await asyncio.wait({reading}, timeout=max(0, due_ms - now_ms()) / 1000)
            at_ms = now_ms()
            if reading.done():
                arriving.append((line.downlink.send(at_ms) if line.downlink else at_ms, str(reading.result())))
                reading = asyncio.ensure_future(socket.recv())
            while arriving and arriving[0][0] <= at_ms:
                leave(carrier.receive(arriving.popleft()[1], at_ms), at_ms)
            frames = len(carrier.heard)
            leave(carrier.timer(at_ms), at_ms)
            if len(carrier.heard) != frames:
                line.watch(carrier, at_ms)
            while leaving and leaving[0][0] <= at_ms:
                await _carry(socket, [leaving.popleft()[1]])
    except ConnectionClosed:
        closed_by_server = not carrier.ended
        carrier.peer_closed(now_ms())
        return closed_by_server
    finally:
        # A reading that failed meanwhile tells nothing new, and must not be reported as lost.
        _ = reading.cancel() or reading.exception()
    return False


async def _carry(socket: ClientConnection, outs: Sequence[Out]) -> None:
    for out in outs:
        if isinstance(out, Send):
            await socket.send(out.text)
        elif out.code == ABORTED:
            socket.transport.abort()
        else:
            await socket.close(out.code, out.reason)


def _call_form(call: CallFacts) -> dict[str, str]:
    return {
        "AccountSid": call.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call.call_sid,
        "Called": call.to_e164,
        "Caller": call.from_e164,
        "Direction": "inbound",
        "From": call.from_e164,
        "To": call.to_e164,
        "FromCity": "",
        "ToCity": "",
    }
