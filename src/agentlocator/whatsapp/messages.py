"""What any WhatsApp transport brings and takes: messages, reports, and the small interface they are sent through. Pure.

A person is known by whatever ids the transport has for him; a phone may be one of them and may be missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

import msgspec

Channel = Literal["cloud", "twilio", "bridge"]
Kind = Literal[
    "text", "image", "audio", "video", "document", "sticker", "location", "contacts", "reaction", "unsupported"
]
Delivery = Literal["queued", "sent", "delivered", "read", "failed", "withheld"]

# Free text must fit the narrowest of the three.
MAX_TEXT = 1600


class Inbound(msgspec.Struct, frozen=True):
    """A message somebody wrote to a line of ours.

    `contact_ids`: all the transport knows him by, the one to answer to first. `is_own`: written by the business
    itself, on its own phone. `sent_at` is the sender's clock, in UTC.
    """

    channel: Channel
    address: str
    contact_ids: tuple[str, ...]
    message_id: str
    sent_at: datetime
    kind: Kind = "text"
    text: str = ""
    phone_raw: str = ""
    profile_name: str = ""
    is_own: bool = False


class Report(msgspec.Struct, frozen=True):
    """What became of a message we sent."""

    channel: Channel
    address: str
    message_id: str
    delivery: Delivery
    error: str = ""


class Template(msgspec.Struct, frozen=True):
    """A message approved beforehand: the only kind that may open a conversation. `values` fill its places in order."""

    name: str
    language: str = "he"
    values: tuple[str, ...] = ()


class Outgoing(msgspec.Struct, frozen=True):
    """One message to one person, as text or as a template. The key is the same however often it is tried."""

    address: str
    to: str
    text: str
    key: str
    template: Template | None = None


class Transport(Protocol):
    """Sends. Answers the transport's own id of the message.

    Raises Refused when trying again would change nothing, Unreachable when it may, NotYet when it must wait.
    """

    async def send(self, outgoing: Outgoing) -> str: ...


class Refused(Exception):
    """The transport will never take this message. `code` is its own; `is_window` says that only a template may go."""

    def __init__(self, code: str, detail: str = "", *, is_window: bool = False) -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.is_window = is_window


class Unreachable(Exception):
    """No answer, or one that says to try again."""


class NotYet(Exception):
    """The transport asks for patience: a rate, a warm-up limit, a session that is not paired."""

    def __init__(self, wait_s: float, detail: str = "") -> None:
        super().__init__(detail or f"wait {wait_s} s")
        self.wait_s = wait_s


class RemoteProtocolError(Exception):
    """The peer sent what nobody can read."""
