"""What a business decided about the work that is done without anybody asking: one part of its policy.

It lies in the business's `policy` under "background". Reading it never fails: a value that makes no sense costs that
business its own choice and falls back to the default, for an unreadable setting must not stop anybody's reminders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agentlocator.db.schema import Business
from agentlocator.db.scope import Scope
from agentlocator.domain.quiet_hours import QuietHours

FIELD: Final = "background"
LEADS_MIN: Final = (24 * 60, 2 * 60)


class ReminderPolicy(QuietHours, frozen=True):
    """When people are reminded. `leads_min` are minutes before the visit."""

    leads_min: tuple[int, ...] = LEADS_MIN

    def __post_init__(self) -> None:
        QuietHours.__post_init__(self)
        if not all(0 < lead <= 14 * 24 * 60 for lead in self.leads_min) or len(self.leads_min) > 5:
            raise ValueError("a reminder comes minutes to a fortnight ahead, and at most five times")


class BackgroundPolicy(msgspec.Struct, frozen=True):
    """A business's background settings. Without a `webhook_url` nobody is told anything over HTTP."""

    reminders: ReminderPolicy = ReminderPolicy()
    retention_days: int = 180
    webhook_url: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.retention_days <= 3650:
            raise ValueError("what is kept is kept for a day to ten years")


async def of_business(scope: Scope) -> tuple[BackgroundPolicy, str]:
    """The background policy of the business in scope, and its time zone."""
    business = await scope.get(Business, scope.business_id)
    assert business is not None, "whoever has a scope has a business"
    return read(business.policy), business.timezone


def read(policy: Mapping[str, Any]) -> BackgroundPolicy:
    """The background part of a business's policy; each of its fields that makes no sense is the default."""
    part = policy.get(FIELD)
    if not isinstance(part, Mapping):
        return BackgroundPolicy()
    sensible = {field: value for field, value in part.items() if _makes_sense(field, value)}
    return msgspec.convert(sensible, BackgroundPolicy)


def _makes_sense(field: str, value: object) -> bool:
    try:
        msgspec.convert({field: value}, BackgroundPolicy)
    except msgspec.ValidationError:
        return False
    return True
