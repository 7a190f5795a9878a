"""Looks at the public address from outside: its name, its certificate, and whether it is this product that answers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from agentlocator.provision.trouble import Trouble

TIMEOUT_S: Final = 10


class Address(msgspec.Struct, frozen=True):
    """An address at which this product answers. `certified_until` is None where there is no TLS, on loopback."""

    certified_until: datetime | None


async def look(http: httpx2.AsyncClient, public_url: str, *, tls: ssl.SSLContext | None = None) -> Address | Trouble:
    """Comes in as the carrier would, so the server must run. `tls` is whom to trust, if not whom the machine does."""
    parts = urlsplit(public_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Trouble("address_name", host)
    until: datetime | None = None
    if parts.scheme == "https":
        if tls is None:
            # Reading the machine's certificates takes tens of milliseconds, and calls may be under way.
            tls = await asyncio.to_thread(ssl.create_default_context)
        seen = await _certificate(host, port, tls)
        if isinstance(seen, Trouble):
            return seen
        until = seen
    trouble = await _who_answers(http, public_url)
    return trouble or Address(until)


async def _certificate(host: str, port: int, trusted: ssl.SSLContext) -> datetime | Trouble:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted, server_hostname=host)
    except ssl.SSLCertVerificationError as fault:
        return Trouble("address_certificate", fault.verify_message)
    except ssl.SSLError as fault:
        return Trouble("address_certificate", fault.reason or "no TLS")
    except (OSError, TimeoutError) as fault:
        return Trouble("address_closed", f"{host}:{port}: {type(fault).__name__}")
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


async def _who_answers(http: httpx2.AsyncClient, public_url: str) -> Trouble | None:
    try:
        answer = await http.get(f"{public_url}/healthz", timeout=TIMEOUT_S)
    except httpx2.HTTPError as fault:
        return Trouble("address_closed", type(fault).__name__)
    if answer.is_success and answer.content == ALIVE:
        return None
    return Trouble("address_stranger", f"HTTP {answer.status_code} at /healthz")


ALIVE: Final = b'{"alive":true}'
