"""Tells a business's own system what happened: one signed HTTP POST for each outbox item.

The receiver knows a repeat by its `Idempotency-Key`, and us by the signature over time and body. An address inside our
own network is never called, and a redirect never followed: the address comes from a business, not from us. The name is
looked up once, and what was judged is what is called.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from agentlocator.clock import Clock
from agentlocator.db.engine import Database
from agentlocator.jobs import policy
from agentlocator.jobs.telling import OutboxItem, Undeliverable

TIMEOUT_S: Final = 10
GONE: Final = 410


class Webhook:
    """The handler for whatever nobody else takes. The client is given, and stays its owner's to close.

    `root_secret` is the installation's; each business's own secret is made of it. `addresses_of` looks a name up, or
    raises OSError. `allow_private` lets addresses of this machine and its network through, for development.
    """

    def __init__(
        self,
        db: Database,
        client: httpx2.AsyncClient,
        root_secret: str,
        *,
        clock: Clock,
        addresses_of: Callable[[str], Awaitable[list[str]]] | None = None,
        allow_private: bool = False,
    ) -> None:
        self._db = db
        self._client = client
        self._root_secret = root_secret
        self._clock = clock
        self._addresses_of = addresses_of or _addresses_of
        self._allow_private = allow_private

    async def __call__(self, item: OutboxItem) -> None:
        """Post the item; raises Unanswered to be asked again, Undeliverable when the receiver wants it no more."""
        async with self._db.reading(item.business_id) as scope:
            url = (await policy.of_business(scope))[0].webhook_url
        if url is None:
            raise Unanswered("the business has no webhook address")
        way = await self._way_to(url)
        body = _body(item)
        headers = way.headers | {
            "Content-Type": "application/json",
            "Idempotency-Key": item.idempotency_key,
            "AgentLocator-Signature": signature(secret_of(self._root_secret, item.business_id), body, self._clock()),
        }
        try:
            answer = await self._client.post(
                way.url,
                content=body,
                headers=headers,
                timeout=TIMEOUT_S,
                follow_redirects=False,
                extensions=way.extensions,
            )
        except httpx2.HTTPError as fault:
            raise Unanswered(f"no answer: {type(fault).__name__}") from fault
        if answer.status_code == GONE:
            raise Undeliverable("the webhook answered 410: it wants this no more")
        if not answer.is_success:
            raise Unanswered(f"the webhook answered {answer.status_code}")

    async def _way_to(self, url: str) -> _Way:
        """Where the item goes: to an address that was judged, under the name that its certificate must show."""
        if self._allow_private and urlsplit(url).scheme in ("http", "https"):
            return _Way(url, {}, {})
        try:
            named = httpx2.URL(url)
        except httpx2.InvalidURL as fault:
            raise Undeliverable("the webhook address is no address") from fault
        if named.scheme != "https" or not named.host:
            raise Undeliverable("the webhook address is not https")
        try:
            found = await self._addresses_of(named.host)
        except OSError as fault:
            raise Unanswered("the webhook's name is not known") from fault
        if not found or not all(ipaddress.ip_address(address).is_global for address in found):
            raise Undeliverable("the webhook address is not a public one")
        return _Way(
            str(named.copy_with(host=found[0])), {"Host": named.netloc.decode("ascii")}, {"sni_hostname": named.host}
        )


class _Way(msgspec.Struct, frozen=True):
    url: str
    headers: dict[str, str]
    extensions: dict[str, Any]


async def _addresses_of(name: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class Unanswered(Exception):
    """The receiver did not take it this time."""


def secret_of(root_secret: str, business_id: int) -> str:
    """A business's own signing secret, to be shown to its owner."""
    return "whsec_" + hmac.new(root_secret.encode(), b"webhook.%d" % business_id, hashlib.sha256).hexdigest()


def signature(secret: str, body: bytes, at: datetime) -> str:
    """The signature header: `t=<epoch seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _body(item: OutboxItem) -> bytes:
    told: dict[str, Any] = {
        "id": item.idempotency_key,
        "kind": item.kind,
        "created_at": item.created_at,
        "data": item.payload,
    }
    return msgspec.json.encode(told)
