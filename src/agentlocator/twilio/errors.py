"""Whose fault it was when we and the carrier failed to understand each other. Never carries a secret."""

from __future__ import annotations


class RemoteProtocolError(Exception):
    """The carrier said something it must not say; the sentence names the fault."""


class LocalProtocolError(Exception):
    """We were about to say something the carrier does not take; nothing was sent."""


class CarrierRefused(Exception):
    """The REST API understood us and said no. Trying the same again will not help.

    `status` is the HTTP status, `code` Twilio's own error code (None when the answer had none).
    """

    def __init__(self, status: int, code: int | None, message: str) -> None:
        super().__init__(f"the carrier refused: HTTP {status}, code {code}: {message}")
        self.status = status
        self.code = code


class CarrierUnreachable(Exception):
    """No usable answer from the REST API (transport fault, 5xx, or too many requests): worth another try."""
