"""What the dashboard is given by the deployment: the database, its public address, and where calls are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agentlocator.db.engine import Database
from agentlocator.domain.passwords import Passwords


def _now() -> datetime:
    return datetime.now(UTC)


class House(msgspec.Struct, frozen=True):
    """One deployment, as its dashboard knows it.

    `public_url` is an origin without a path; `journal_of(business_id, call_sid)` is where a call's journal is, if there
    is one.
    """

    db: Database
    public_url: str
    passwords: Passwords
    journal_of: Callable[[int, str], Path]
    now: Callable[[], datetime] = _now

    @property
    def is_secure(self) -> bool:
        return self.public_url.startswith("https://")
