"""Proof that a booking exists as a row: the only thing on which anybody may say that it does. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["booked", "held", "confirmed", "rescheduled", "cancelled"]


class Receipt(msgspec.Struct, frozen=True):
    """What was done to which appointment. `wall` is the business's clock, naive; the instants are UTC."""

    kind: Kind
    appointment_id: int
    uid: str
    status: str
    starts_at: datetime
    ends_at: datetime
    wall: datetime
    timezone: str
    sequence: int
    service: str | None = None
    resource: str | None = None
    hold_expires_at: datetime | None = None
