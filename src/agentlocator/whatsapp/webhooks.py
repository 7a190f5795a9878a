"""Where the three transports reach us: signed requests in, the shortest answer out.

Nothing is read from an unsigned request but its body, and no more of that than a limit. What is accepted is in the
database before it is answered; answering the person comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agentlocator.db.engine import Database
from agentlocator.twilio import signature
from agentlocator.whatsapp import bridge, cloud, thread, twilio_form
from agentlocator.whatsapp.messages import Inbound, RemoteProtocolError, Report
from agentlocator.whatsapp.thread import Received

CLOUD: Final = "/webhook/whatsapp/cloud"
TWILIO: Final = "/webhook/whatsapp/twilio"
TWILIO_STATUS: Final = "/webhook/whatsapp/twilio_status"
BRIDGE: Final = "/webhook/whatsapp/bridge"

MAX_BODY_BYTES: Final = 512 * 1024

_log = structlog.stdlib.get_logger("agentlocator.whatsapp")


class Secrets(msgspec.Struct, frozen=True):
    """What requests are signed with. Without one, its transport is refused.

    `public_url` is the origin Twilio signs; `twilio_tokens` are two while one is replaced.
    """

    public_url: str
    cloud_app_secret: str = ""
    cloud_verify_token: str = ""
    twilio_tokens: tuple[str, ...] = ()
    bridge_secret: str = ""

    def __repr__(self) -> str:
        return f"Secrets(for {self.public_url})"


class WhatsAppWebhooks:
    """The HTTP side of WhatsApp. `notice` is told of every message that came."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        notice: Callable[[Received], None],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._notice = notice
        self._clock = clock

    def routes(self) -> list[Route]:
        """All of them; each refuses with 403 what is not signed, and with 413 what is too long."""
        return [
            Route(CLOUD, self._challenged, methods=["GET"]),
            Route(CLOUD, self._cloud, methods=["POST"]),
            Route(TWILIO, self._twilio, methods=["POST"]),
            Route(TWILIO_STATUS, self._twilio_status, methods=["POST"]),
            Route(BRIDGE, self._bridge, methods=["POST"]),
        ]

    async def _challenged(self, request: Request) -> Response:
        answer = cloud.challenge(dict(request.query_params), self._secrets.cloud_verify_token)
        return Response(status_code=403) if answer is None else PlainTextResponse(answer)

    async def _cloud(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        if not cloud.verify(body, request.headers.get(cloud.HEADER), self._secrets.cloud_app_secret):
            return Response(status_code=403)
        try:
            told = cloud.parse(body)
        except RemoteProtocolError as unreadable:
            # It was signed, and will be no better the next time: a refusal would only bring it again for days.
            _log.warning("unreadable webhook", detail=str(unreadable))
            return Response()
        return Response(status_code=await self._take(told))

    async def _twilio(self, request: Request) -> Response:
        form = await self._signed_form(request)
        if isinstance(form, Response):
            return form
        inbound = twilio_form.parse(form, self._clock())
        await self._take([] if inbound is None else [inbound])
        return Response("<Response/>", media_type="text/xml")

    async def _twilio_status(self, request: Request) -> Response:
        form = await self._signed_form(request)
        if isinstance(form, Response):
            return form
        report = twilio_form.report(form)
        return Response(status_code=await self._take([] if report is None else [report]))

    async def _bridge(self, request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        if not bridge.verify(
            "POST",
            BRIDGE,
            body,
            request.headers.get(bridge.TIME_HEADER),
            request.headers.get(bridge.SIGNATURE_HEADER),
            secret=self._secrets.bridge_secret,
            now=self._clock(),
        ):
            return Response(status_code=403)
        try:
            told = bridge.parse(body)
        except RemoteProtocolError:
            # The bridge keeps what we did not take. This it may drop.
            return Response(status_code=422)
        return Response(status_code=await self._take([told]))

    async def _take(self, told: Sequence[Inbound | Report]) -> int:
        """The status to answer: 503 when a report came before we knew its message's id, so that it comes again."""
        status = 200
        for one in told:
            if isinstance(one, Report):
                if await thread.report(self._db, one) == "early":
                    status = 503
                continue
            received = await thread.receive(self._db, one, now=self._clock())
            if received is not None and received.is_new:
                self._notice(received)
        return status

    async def _signed_form(self, request: Request) -> dict[str, str] | Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        query = f"?{request.url.query}" if request.url.query else ""
        url = self._secrets.public_url + request.url.path + query
        tokens = self._secrets.twilio_tokens
        if not signature.verify(url, fields, request.headers.get(signature.HEADER), tokens):
            return Response(status_code=403)
        return dict(fields)


async def _body(request: Request) -> bytes | None:
    """The body; None as soon as it is too long."""
    chunks = bytearray()
    try:
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    return bytes(chunks)
