"""What the dashboard needs of a sign-in provider, and the secrets of one attempt. It knows no provider."""

from __future__ import annotations

import secrets
from typing import Protocol

import msgspec


class SignInRefused(Exception):
    """Nobody came in; the message is for the log, and holds no secret."""


class Challenge(msgspec.Struct, frozen=True):
    """One attempt to sign in: what must come back, and what proves that it is ours."""

    state: str
    nonce: str
    verifier: str
    expires_at_s: int

    @classmethod
    def new(cls, expires_at_s: int) -> Challenge:
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), expires_at_s)


class SingleSignOn(Protocol):
    """A provider, as `web.oidc` is one."""

    label: str

    async def address(self, challenge: Challenge) -> str: ...

    async def email(self, challenge: Challenge, code: str) -> str: ...
