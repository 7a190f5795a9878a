"""The ticket a media stream must show: signed, short-lived, and bound to one call of one business.

Anyone can open the socket; only our voice webhook can write this token. That it is used once is the database's
to hold, by `digest`; there is exactly one spelling of a token, so one ticket has one digest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import msgspec

from agentlocator.twilio.errors import LocalProtocolError


class StreamClaim(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a genuine token says. `expires_at_s` is in seconds since the epoch."""

    call_sid: str
    business_id: int
    expires_at_s: float


def issue(secret: str, call_sid: str, business_id: int, now_s: float, ttl_s: float = 60) -> str:
    """A URL-safe token under 400 characters, good for `ttl_s` seconds.

    Raises LocalProtocolError without a secret, or for a call SID of an absurd length.
    """
    if not secret:
        raise LocalProtocolError("a stream token needs a secret")
    claim = StreamClaim(call_sid, business_id, now_s + ttl_s)
    body = _base64url(msgspec.json.encode(claim))
    token = f"{body}.{_seal(secret, body)}"
    if len(token) >= _LIMIT:
        raise LocalProtocolError(f"a stream token must stay under {_LIMIT} characters")
    return token


def read(secret: str, token: str, now_s: float) -> StreamClaim | None:
    """The claim of a genuine token that has not expired; None for anything else."""
    if not secret or len(token) >= _LIMIT or not token.isascii():
        return None
    body, _, seal = token.partition(".")
    # The seal is compared as text: decoded, several spellings would be the same seal and defeat single use.
    if not hmac.compare_digest(_seal(secret, body), seal):
        return None
    claim = _CLAIM.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claim if now_s < claim.expires_at_s else None


def digest(token: str) -> str:
    """What to remember of a used token: 64 hexadecimal characters that do not give the token away."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


_LIMIT: Final = 400
_CLAIM: Final = msgspec.json.Decoder(StreamClaim)


def _seal(secret: str, body: str) -> str:
    # The label keeps a seal made for anything else with the same secret from passing here.
    mac = hmac.new(secret.encode(), b"agentlocator media stream\0" + body.encode(), hashlib.sha256)
    return _base64url(mac.digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
