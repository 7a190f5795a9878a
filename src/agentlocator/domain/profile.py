"""What is known of a business, as one value that can be handed around. Pure; it never changes."""

from __future__ import annotations

from typing import Any

import msgspec

from agentlocator.domain.availability import Rules


class TransferTo(msgspec.Struct, frozen=True):
    """A person's number that calls may be handed to."""

    e164: str
    label: str


class ServiceOffered(msgspec.Struct, frozen=True):
    """Something that can be booked. Prices are whole shekels."""

    service_id: int
    name: str
    duration_min: int
    price_ils: int | None = None


class BusinessProfile(msgspec.Struct, frozen=True):
    """A business as its calls see it. `policy` holds the call policy fields it sets otherwise than the default."""

    business_id: int
    name: str
    kind: str
    timezone: str
    language: str
    voice: str
    greeting: str
    custom_prompt: str
    rules: Rules
    length_min: int
    services: tuple[ServiceOffered, ...] = ()
    numbers: tuple[str, ...] = ()
    transfer_numbers: tuple[TransferTo, ...] = ()
    fallback_number: str | None = None
    policy: dict[str, Any] = {}
    prompt_number: int = 0
