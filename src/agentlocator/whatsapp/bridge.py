"""The contract with the bridge: signed HTTP both ways. Pure.

A signature covers method, path, time and body, and holds for five minutes: whoever records a request cannot send it
again tomorrow, and within the five minutes the message's id makes a repeat harmless.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from agentlocator.whatsapp.messages import Delivery, Inbound, Kind, RemoteProtocolError, Report

TIME_HEADER: Final = "X-Bridge-Time"
SIGNATURE_HEADER: Final = "X-Bridge-Signature"
MAX_SKEW_S: Final = 300


class Arrival(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """A message as the bridge hands it over. `ids`: the chat it came from first, then what else he is known by."""

    session: str
    id: str
    ids: tuple[str, ...]
    sent_ms: int
    kind: Kind = "text"
    text: str = ""
    phone: str = ""
    name: str = ""
    own: bool = False


class Fate(msgspec.Struct, frozen=True, tag_field="type", tag="report"):
    """What became of a message that was sent through the bridge."""

    session: str
    id: str
    delivery: Delivery
    error: str = ""


class Health(msgspec.Struct, frozen=True):
    """How a session is, as the bridge tells: `state` is starting, pairing, open, waiting or stopped; score 0 to 100.

    `qr` and `code` are what to pair with, while `state` is pairing.
    """

    session: str
    state: str
    score: int
    reason: str = ""
    qr: str = ""
    code: str = ""
    sent_today: int = 0
    day_limit: int = 0


def verify(
    method: str, path: str, body: bytes, at_s: str | None, signature: str | None, *, secret: str, now: datetime
) -> bool:
    """Whether whoever sent this knows the secret, and sent it now."""
    if not secret or not at_s or not signature or not at_s.isascii() or not at_s.isdecimal() or len(at_s) > 12:
        return False
    is_right = hmac.compare_digest(sign(method, path, body, at_s, secret=secret).encode(), signature.encode())
    return is_right and abs(int(at_s) - int(now.timestamp())) <= MAX_SKEW_S


def sign(method: str, path: str, body: bytes, at_s: str, *, secret: str) -> str:
    """The signature header's value."""
    signed = f"{method}\n{path}\n{at_s}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def headers(method: str, path: str, body: bytes, *, secret: str, now: datetime) -> dict[str, str]:
    """What a request of ours carries."""
    at_s = str(int(now.timestamp()))
    return {TIME_HEADER: at_s, SIGNATURE_HEADER: sign(method, path, body, at_s, secret=secret)}


def parse(body: bytes) -> Inbound | Report:
    """A message or a report. Raises RemoteProtocolError."""
    try:
        told = msgspec.json.decode(body, type=Arrival | Fate)
        if isinstance(told, Fate):
            return Report("bridge", told.session, told.id, told.delivery, told.error)
        return _inbound(told)
    except (msgspec.DecodeError, RecursionError, OverflowError, OSError, ValueError) as unreadable:
        raise RemoteProtocolError("the bridge sent what is no message") from unreadable


def health(body: bytes) -> Health:
    """A session's health. Raises RemoteProtocolError."""
    try:
        return msgspec.json.decode(body, type=Health)
    except msgspec.DecodeError as unreadable:
        raise RemoteProtocolError("the bridge did not tell its health") from unreadable


def to_send(session: str, to: str, text: str, key: str) -> dict[str, Any]:
    """The body of a send request. The bridge sends one message per key, however often it is asked."""
    return {"session": session, "to": to, "text": text, "key": key}


def _inbound(told: Arrival) -> Inbound:
    if not told.id or not told.ids or not all(told.ids):
        raise ValueError("a message comes from somebody and has an id")
    return Inbound(
        channel="bridge",
        address=told.session,
        contact_ids=tuple(dict.fromkeys(told.ids)),
        message_id=f"{told.ids[0]}/{told.id}",
        sent_at=datetime.fromtimestamp(told.sent_ms / 1000, UTC),
        kind=told.kind,
        text=told.text,
        phone_raw=f"+{told.phone}" if told.phone.isdecimal() else "",
        profile_name=told.name,
        is_own=told.own,
    )
