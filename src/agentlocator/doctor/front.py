"""The front of the house: does the server listen, and does what comes to the public address reach it unharmed."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from agentlocator.doctor.finding import Finding, failure, ok, trouble, warning
from agentlocator.doctor.patient import Patient
from agentlocator.provision import public_address
from agentlocator.provision.trouble import Trouble
from agentlocator.twilio import signature
from agentlocator.voice import webhook
from agentlocator.voice.media_endpoint import POLICY_VIOLATION

RENEW: Final = timedelta(days=14)
TIMEOUT_S: Final = 10
UNCHANGED: Final = "Let the proxy pass WebSockets on unchanged: deploy/Caddyfile does; nginx needs the Upgrade headers."
UNCOMPRESSED: Final = "Switch compression of WebSockets off at the proxy: Twilio breaks the stream off (31924)."


async def server(patient: Patient) -> Finding:
    settings = patient.settings
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - what it listens on
    try:
        answer = await patient.http.get(f"http://{host}:{settings.port}/readyz", timeout=TIMEOUT_S)
    except httpx2.HTTPError:
        return failure(
            f"Nobody listens at {host}:{settings.port}.", "agentlocator serve (or: systemctl start agentlocator)."
        )
    if answer.status_code == 503:
        return failure("The server is stopping, and takes no calls.", "Start it again when its calls have ended.")
    if not answer.is_success:
        return failure(f"Something else listens at {host}:{settings.port}.", "Choose another PORT, or stop what does.")
    return ok(f"It listens at {host}:{settings.port}.")


async def address(patient: Patient) -> Finding:
    found = await public_address.look(patient.http, patient.settings.public_url, tls=patient.tls)
    if isinstance(found, Trouble):
        return trouble(found)
    if found.certified_until is None:
        return warning("The public address is this machine itself: no carrier reaches it.", "Set PUBLIC_URL.")
    left = found.certified_until - patient.now()
    if left < RENEW:
        return warning(
            f"The certificate runs out in {left.days} days.",
            "Let the proxy renew it: Caddy does by itself when ports 80 and 443 are reachable.",
        )
    return ok(f"This server answers there; its certificate is good for {left.days} days.")


async def signed_requests(patient: Patient) -> Finding:
    """Signs as the carrier does, at an address of ours where nothing comes of it; and then forges."""
    settings = patient.settings
    url = settings.public_url + webhook.STREAM_STATUS
    form = [("StreamEvent", "doctor")]
    token = settings.twilio_auth_token.get_secret_value()
    try:
        signed = await _post(patient, url, form, signature.sign(url, form, token))
        forged = await _post(patient, url, form, signature.sign(url, form, "not the token"))
    except httpx2.HTTPError as fault:
        return failure(f"Requests do not reach the server: {type(fault).__name__}.", "See the proxy's log.")
    if signed == 403:
        return failure(
            "The server refuses what is rightly signed.",
            "Restart it, so that it has the same PUBLIC_URL and TWILIO_AUTH_TOKEN; the proxy may change no path.",
        )
    if signed != 204:
        return failure(f"The webhooks answer HTTP {signed}.", "Let the proxy pass POST requests on unchanged.")
    if forged != 403:
        return failure("The server takes what is forged.", "Something answers in its place: see the proxy.")
    return ok("What is rightly signed is taken, and what is forged is refused.")


async def media_socket(patient: Patient) -> Finding:
    """Opens the media stream's socket as the carrier does, offers compression, and comes in without a token."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            connection = await connect(
                patient.settings.stream_url(webhook.MEDIA), ssl=await _trusted(patient), compression="deflate"
            )
    except InvalidStatus as refused:
        return failure(f"The upgrade to a WebSocket is answered HTTP {refused.response.status_code}.", UNCHANGED)
    except (InvalidHandshake, OSError, TimeoutError) as fault:
        return failure(f"The upgrade to a WebSocket fails: {type(fault).__name__}.", UNCHANGED)
    try:
        if connection.protocol.extensions:
            return failure("The media socket is compressed.", UNCOMPRESSED)
        closed_with = await _refused_with(connection)
    finally:
        await connection.close()
    if closed_with != POLICY_VIOLATION:
        return failure(f"A stream without a token was not refused (close code {closed_with}).", UNCHANGED)
    return ok("It opens, uncompressed, and refuses whoever has no token.")


async def _refused_with(connection: ClientConnection) -> int | None:
    """With what code a stream is ended that nobody was promised."""
    start = {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": "MZ" + "0" * 32,
        "start": {
            "streamSid": "MZ" + "0" * 32,
            "accountSid": "AC" + "0" * 32,
            "callSid": "CA" + "0" * 32,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        },
    }
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await connection.send(msgspec.json.encode(start).decode())
            async for _ in connection:
                pass
    except (ConnectionClosed, TimeoutError):
        pass
    return connection.close_code


async def _post(patient: Patient, url: str, form: list[tuple[str, str]], signed: str) -> int:
    answer = await patient.http.post(
        url,
        content=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded", signature.HEADER: signed},
        timeout=TIMEOUT_S,
    )
    return answer.status_code


async def _trusted(patient: Patient) -> ssl.SSLContext | None:
    if not patient.settings.public_url.startswith("https:"):
        return None
    return patient.tls or await asyncio.to_thread(ssl.create_default_context)
