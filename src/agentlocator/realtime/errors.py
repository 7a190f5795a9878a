"""How the model's side fails, and what each failure means for a live call. Never decides to retry."""

from __future__ import annotations

import enum
from typing import Final


class RemoteProtocolError(Exception):
    """The model's server sent something that is not its protocol. The socket may well still be fine."""


class LocalProtocolError(Exception):
    """We were about to ask for something the API refuses; nothing was sent."""


class Meaning(enum.Enum):
    """What an error code says about the call that received it."""

    INFORMATIONAL = "informational"
    """A race we lost or a request that came too late; the session is unharmed."""
    RETRYABLE = "retryable"
    """This response or session is lost; another attempt may well succeed."""
    FATAL = "fatal"
    """The account or the dialect is refused: no attempt will succeed."""
    OURS = "ours"
    """We sent something wrong. Sending it again is wrong again; a refused session.update applied nothing."""
    UNKNOWN = "unknown"
    """Never a reason to end a live call: a dead session closes its socket by itself."""


def meaning(code: str | None, kind: str | None = None, message: str | None = None) -> Meaning:
    """The meaning of an `error` frame, or of a failed response's error (`kind` is its `type`)."""
    if code in _CODES:
        return _CODES[code]
    # A truncate past the audio's real length is refused with no code at all.
    if message is not None and "already shorter than" in message:
        return Meaning.INFORMATIONAL
    return _KINDS.get(kind, Meaning.UNKNOWN)


_CODES: Final[dict[str | None, Meaning]] = {
    "conversation_already_has_active_response": Meaning.INFORMATIONAL,
    "response_cancel_not_active": Meaning.INFORMATIONAL,
    "input_audio_buffer_commit_empty": Meaning.INFORMATIONAL,
    "item_retrieve_invalid_item_id": Meaning.INFORMATIONAL,
    "rate_limit_exceeded": Meaning.RETRYABLE,
    "inference_rate_limit_exceeded": Meaning.RETRYABLE,
    "server_error": Meaning.RETRYABLE,
    "session_expired": Meaning.RETRYABLE,
    "insufficient_quota": Meaning.FATAL,
    "invalid_api_key": Meaning.FATAL,
    "account_deactivated": Meaning.FATAL,
    "billing_hard_limit_reached": Meaning.FATAL,
    "beta_api_shape_disabled": Meaning.FATAL,
    "invalid_event": Meaning.OURS,
    "invalid_value": Meaning.OURS,
    "unknown_parameter": Meaning.OURS,
    "bad_response_create": Meaning.OURS,
}

_KINDS: Final[dict[str | None, Meaning]] = {
    "server_error": Meaning.RETRYABLE,
    "invalid_request_error": Meaning.OURS,
}
