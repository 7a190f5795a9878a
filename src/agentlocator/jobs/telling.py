"""One thing to tell the outside, whoever tells it, and what he may answer instead of telling it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec


class OutboxItem(msgspec.Struct, frozen=True):
    """One thing to tell. `idempotency_key` is the same however often it is told, and nobody else's."""

    business_id: int
    row_id: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime

    @property
    def idempotency_key(self) -> str:
        return f"{self.business_id}.{self.key}"


Handler = Callable[[OutboxItem], Awaitable[None]]
"""Tells one item and returns when it is told. Raises Undeliverable, NotNow, or anything else for another attempt."""


class Undeliverable(Exception):
    """Trying again would change nothing; the message is the reason that is kept."""


class NotNow(Exception):
    """Not the time for it. Asked again at `until`, and not counted as an attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until.isoformat()}")
        self.until = until
