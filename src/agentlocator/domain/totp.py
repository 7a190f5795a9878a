"""Time-based one-time codes (RFC 6238, six digits, half a minute). Pure: time is an argument.

It never says which half of a login was wrong, and it does not remember what was used; the account does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
# A phone's clock may be this many steps off, either way.
DRIFT_STEPS = 1


def code_at(secret: str, step: int) -> str:
    """The code of one half-minute, counted from 1970. `secret` is base32."""
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: str, code: str, *, now_s: float, after_step: int) -> int | None:
    """The half-minute whose code this is, if it lies near now and after `after_step`; else None."""
    current = int(now_s // STEP_S)
    written = code.strip().replace(" ", "").encode()
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), written) and step > after_step:
            return step
    return None


def enrolment_uri(secret: str, email: str) -> str:
    """What an authenticator app reads from a QR code."""
    return f"otpauth://totp/AgentLocator:{quote(email)}?secret={secret}&issuer=AgentLocator"
