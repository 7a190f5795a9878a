"""The carrier's webhooks: signed forms in, TwiML out.

Nothing is read from an unsigned request but its body. Whose call it is follows from the number called, never from
anything else the request says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl, urlencode

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agentlocator.call.commands import EndStream
from agentlocator.domain.profile import BusinessProfile
from agentlocator.provision.wiring import Wiring
from agentlocator.twilio import signature, twiml
from agentlocator.voice.switchboard import Offer, Switchboard

_log = structlog.stdlib.get_logger(__name__)

INCOMING = "/webhook/incoming_call"
CALL_STATUS = "/webhook/call_status"
STREAM_STATUS = "/webhook/stream_status"
AFTER_STREAM = "/webhook/after_stream"
AFTER_TRANSFER = "/webhook/after_transfer"
WHISPER = "/webhook/whisper"
MEDIA = "/media"

MAX_FORM_BYTES = 64 * 1024
UNKNOWN_NUMBER = "שלום. המספר שחויג אינו מחובר למענה. אפשר לבדוק את המספר ולנסות שוב. תודה."

# Endings that were meant: the caller has had his goodbye, or has left.
_DONE = frozenset(
    {"caller_hung_up", "caller_silent", "max_length", "server_stopping", "assistant_hung_up", "ended_by_person"}
)
_ANSWERED = frozenset({"completed", "answered"})

Form = dict[str, str]


class Addresses(msgspec.Struct, frozen=True):
    """Where the carrier reaches us: an origin such as `https://voice.example.com`, and the media stream's URL."""

    public_url: str
    media_url: str


def number_wiring(public_url: str, fallback_url: str | None = None) -> Wiring:
    """Where a number's calls must go to come here. The fallback answers when this server cannot, so it is elsewhere."""
    return Wiring(public_url + INCOMING, public_url + CALL_STATUS, fallback_url)


class Webhooks:
    """The carrier's HTTP side. `tokens` are the account's auth tokens, two while one is replaced."""

    def __init__(self, switchboard: Switchboard, addresses: Addresses, tokens: Sequence[str]) -> None:
        self._switchboard = switchboard
        self._addresses = addresses
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """All of them; each refuses with 403 what is not signed."""
        return [
            Route(INCOMING, self._signed(self._incoming), methods=["POST"]),
            Route(CALL_STATUS, self._signed(self._call_status), methods=["POST"]),
            Route(STREAM_STATUS, self._signed(self._stream_status), methods=["POST"]),
            Route(AFTER_STREAM, self._signed(self._after_stream), methods=["POST"]),
            Route(AFTER_TRANSFER, self._signed(self._after_transfer), methods=["POST"]),
            Route(WHISPER, self._signed(self._whisper), methods=["POST"]),
        ]

    async def _incoming(self, form: Form) -> Response:
        call_sid, to_e164 = form.get("CallSid", ""), form.get("To", "")
        if not call_sid:
            return Response("CallSid is missing", status_code=400)
        offer = await self._switchboard.offer(call_sid, form.get("From", ""), to_e164)
        if offer is None:
            _log.warning("call to a number of no business", call_id=call_sid, to=to_e164)
            return _twiml(twiml.refuse(UNKNOWN_NUMBER))
        if offer.to_person and offer.business.fallback_number:
            _log.info("caller sent to a person: spending is at its cap", call_id=call_sid)
            return _twiml(twiml.transfer(offer.business.fallback_number, caller_id=to_e164))
        return self._stream(offer, call_sid, to_e164)

    def _stream(self, offer: Offer, call_sid: str, to_e164: str) -> Response:
        return _twiml(
            twiml.connect_stream(
                self._addresses.media_url,
                {"token": offer.token, "call": call_sid},
                action=self._url(AFTER_STREAM),
                status_callback=self._url(STREAM_STATUS),
                fallback_e164=offer.business.fallback_number,
                caller_id=to_e164,
            )
        )

    async def _after_stream(self, form: Form) -> Response:
        """The stream is over and the call is not: it was meant to end, goes to a person, or falls into the net."""
        call_sid, to_e164 = form.get("CallSid", ""), form.get("To", "")
        found = await self._switchboard.ending(call_sid, to_e164)
        if found is None:
            return _twiml(twiml.refuse(twiml.SORRY))
        profile, ending = found
        if ending.outcome in _DONE:
            return _twiml(twiml.hang_up())
        if ending.outcome == "transferred":
            return self._transfer(profile, ending, call_sid, to_e164)
        _log.warning("caller sent to the crash net", call_id=call_sid, outcome=ending.outcome)
        if profile.fallback_number:
            return _twiml(twiml.transfer(profile.fallback_number, caller_id=to_e164))
        return _twiml(twiml.refuse(twiml.SORRY))

    def _transfer(self, profile: BusinessProfile, ending: EndStream, call_sid: str, to_e164: str) -> Response:
        """Rings the person; the number is the business's own, found by the label that was agreed on."""
        target = next((t for t in profile.transfer_numbers if t.label == ending.transfer_to), None)
        if target is None:
            return _twiml(twiml.refuse(twiml.SORRY))
        return _twiml(
            twiml.transfer(
                target.e164,
                caller_id=to_e164,
                action=self._url(AFTER_TRANSFER),
                whisper_url=f"{self._url(WHISPER)}?{urlencode({'call': call_sid, 'to': to_e164})}",
            )
        )

    async def _after_transfer(self, form: Form) -> Response:
        """The person has hung up, or never answered: then the caller comes back to the assistant."""
        call_sid, to_e164 = form.get("CallSid", ""), form.get("To", "")
        if form.get("DialCallStatus") in _ANSWERED:
            return _twiml(twiml.hang_up())
        offer = await self._switchboard.come_back(call_sid, to_e164)
        return _twiml(twiml.refuse(twiml.SORRY)) if offer is None else self._stream(offer, call_sid, to_e164)

    async def _whisper(self, form: Form) -> Response:
        """What the person hears before the caller is put through."""
        found = await self._switchboard.ending(form.get("?call", ""), form.get("?to", ""))
        if found is None or found[1].outcome != "transferred":
            return _twiml(twiml.hang_up())
        profile, ending = found
        return _twiml(twiml.whisper(f"שיחה מועברת מהעוזרת של {profile.name}. {ending.summary}".strip()))

    async def _call_status(self, form: Form) -> Response:
        status = form.get("CallStatus", "")
        await self._switchboard.carrier_reported(form.get("CallSid", ""), form.get("To", ""), status)
        return Response(status_code=204)

    async def _stream_status(self, form: Form) -> Response:
        if form.get("StreamEvent") == "stream-error":
            _log.error("ALARM", alarm="stream_error", call_id=form.get("CallSid"), detail=form.get("StreamError"))
        return Response(status_code=204)

    def _signed(self, handle: Callable[[Form], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            body = await _body(request)
            if body is None:
                return Response("the form is too large", status_code=413)
            fields = _fields(body)
            query = f"?{request.url.query}" if request.url.query else ""
            url = self._url(request.url.path) + query
            header = request.headers.get("x-twilio-signature")
            if fields is None or not signature.verify(url, fields, header, self._tokens):
                _log.warning("webhook refused: the signature does not match", path=request.url.path)
                return Response(
                    "The signature does not match. PUBLIC_URL must be the very address the carrier was given, "
                    "and TWILIO_AUTH_TOKEN the token of its account.",
                    status_code=403,
                )
            # The query is ours, and as signed as the rest.
            asked = {f"?{name}": value for name, value in request.query_params.items()}
            # PostgreSQL stores no NUL, and no carrier means one.
            return await handle({name: value.replace("\x00", "") for name, value in {**dict(fields), **asked}.items()})

        return checked

    def _url(self, path: str) -> str:
        return self._addresses.public_url + path


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return None
    return body


def _fields(body: bytes) -> list[tuple[str, str]] | None:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return None


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
