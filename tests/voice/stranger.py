"""A carrier made of nothing but an HTTP client, a WebSocket client and hand-written messages.

It shares no code with the product or its simulator: what it can do, any stranger's tools can do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

ACCOUNT_SID = "AC" + "0" * 32
DANA = "+972501234567"
CLINIC = "+97235550101"
GARAGE = "+97245550202"
SILENCE = b"\xff" * 160
TELEPHONE = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Ticket:
    """What the TwiML tells the carrier: where to stream to, and with which parameters."""

    url: str
    parameters: dict[str, str]


class Stranger:
    """One account at a carrier; `token` is what it signs with."""

    def __init__(self, http: httpx2.AsyncClient, origin: str, token: str) -> None:
        self.http = http
        self.origin = origin
        self.token = token

    async def post(self, path: str, *, signature: str | None = None, **form: str) -> httpx2.Response:
        """Posts a form, signed unless a signature is given; an empty one is left out."""
        url = self.origin + path
        signed = sign(url, form, self.token) if signature is None else signature
        headers = {"X-Twilio-Signature": signed} if signed else {}
        return await self.http.post(url, data=form, headers=headers)

    async def ring(self, call_sid: str, to: str = CLINIC, from_: str = DANA) -> httpx2.Response:
        """Announces a call."""
        return await self.post("/webhook/incoming_call", **call_form(call_sid, to, from_))

    async def ticket(self, call_sid: str, to: str = CLINIC, from_: str = DANA) -> Ticket:
        """Announces a call that must be taken; the stream it is answered with."""
        return read_ticket((await self.ring(call_sid, to, from_)).text)

    @asynccontextmanager
    async def line(self, ticket: Ticket, call_sid: str, media_format: object = TELEPHONE) -> AsyncIterator[Line]:
        """A media stream that has said `connected` and `start`."""
        async with connect(ticket.url, compression=None, max_size=None, proxy=None) as socket:
            line = Line(socket, call_sid, media_format)
            await line.start(ticket.parameters)
            yield line


@dataclass
class Line:
    """One media stream as the carrier has it; everything that was received is kept. A format of None is not told."""

    socket: ClientConnection
    call_sid: str
    media_format: object = field(default_factory=lambda: TELEPHONE)
    stream_sid: str = "MZ" + "7" * 32
    received: list[dict[str, Any]] = field(default_factory=list)
    sequence: int = 0

    async def start(self, parameters: dict[str, str]) -> None:
        await self.send_text('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        details: dict[str, object] = {
            "streamSid": self.stream_sid,
            "accountSid": ACCOUNT_SID,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": parameters,
        }
        if self.media_format is not None:
            details["mediaFormat"] = self.media_format
        await self.say("start", start=details)

    async def say(self, event: str, **fields: Any) -> None:
        self.sequence += 1
        message = {"event": event, "sequenceNumber": str(self.sequence), "streamSid": self.stream_sid, **fields}
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        await self.socket.send(text)

    async def sound(self, audio: bytes) -> None:
        """One media message with all of this in it, whatever its size."""
        payload = base64.b64encode(audio).decode()
        await self.say("media", media={"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload})

    async def stop(self) -> None:
        await self.say("stop", stop={"accountSid": ACCOUNT_SID, "callSid": self.call_sid})

    async def converse(self, done: Callable[[Line], bool], speech: bytes = b"") -> None:
        """Sends 20 ms of speech, then of silence, every 20 ms, and echoes marks at once, until `done` or cut off."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        give_up_s = next_s + PATIENCE_S
        while not done(self):
            assert next_s < give_up_s, f"in vain: {[message['event'] for message in self.received][-20:]}"
            frame, speech = speech[:160] or SILENCE, speech[160:]
            next_s += 0.020
            try:
                await self.sound(frame)
                await self._receive_until(next_s)
            except ConnectionClosed:
                return

    async def closed(self) -> int | None:
        """Waits until the server has closed the stream; its code."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self.received.append(json.loads(await self.socket.recv()))
        except ConnectionClosed:
            return self.socket.close_code

    @property
    def frames(self) -> list[bytes]:
        """The sound that came, message by message."""
        return [base64.b64decode(m["media"]["payload"]) for m in self.received if m["event"] == "media"]

    async def _receive_until(self, until_s: float) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := until_s - loop.time()) > 0:
            try:
                message = json.loads(await asyncio.wait_for(self.socket.recv(), left_s))
            except TimeoutError:
                return
            self.received.append(message)
            if message["event"] == "mark":
                await self.say("mark", mark=message["mark"])


def greeted(line: Line) -> bool:
    """Whether the assistant has begun to speak."""
    return len(line.frames) >= 10


def sign(url: str, form: dict[str, str], token: str) -> str:
    """X-Twilio-Signature, as the carrier documents it."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def call_form(call_sid: str, to: str = CLINIC, from_: str = DANA, status: str = "ringing") -> dict[str, str]:
    """What the carrier tells of a call."""
    return {
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": status,
        "Direction": "inbound",
        "From": from_,
        "To": to,
    }


def read_ticket(twiml: str) -> Ticket:
    (url,) = re.findall(r'<Stream url="([^"]+)"', twiml)
    parameters = re.findall(r'<Parameter name="([^"]+)" value="([^"]+)"', twiml)
    return Ticket(html.unescape(url), {name: html.unescape(value) for name, value in parameters})
