"""What a business's calls cost, against the caps its owner set. It counts and judges; it turns no caller away itself.

Money is millionths of a dollar, as a call's cost is; caps are whole dollars. Which moments a day and a month begin at
is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from sqlalchemy import func, select

from agentlocator.db.schema import Business, Call
from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, localtime, schedules
from agentlocator.domain.text import clean

MOST_USD: Final = 100_000
NEAR: Final = 0.8
_MICRO: Final = 1_000_000

Dollars = Annotated[int, msgspec.Meta(ge=1, le=MOST_USD)]
AtCap = Literal["warn", "person"]
"""What happens at a cap: nothing but a warning, or callers go to the business's own number."""
Mood = Literal["free", "fine", "near", "over"]


class Caps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that should be spent; None where there is no cap."""

    daily_usd: Dollars | None = None
    monthly_usd: Dollars | None = None
    at_cap: AtCap = "warn"


class Account(msgspec.Struct, frozen=True):
    """What was spent in one stretch of time, and what should be at most."""

    spent_micro_usd: int
    cap_usd: int | None

    @property
    def share(self) -> float:
        """How much of the cap is used; 0 without one."""
        return self.spent_micro_usd / (self.cap_usd * _MICRO) if self.cap_usd else 0.0

    @property
    def mood(self) -> Mood:
        if not self.cap_usd:
            return "free"
        return "over" if self.share >= 1 else "near" if self.share >= NEAR else "fine"


class Standing(msgspec.Struct, frozen=True):
    """Where a business stands today and this month."""

    day: Account
    month: Account

    @property
    def mood(self) -> Mood:
        """The worse of the two."""
        moods = (self.day.mood, self.month.mood)
        order: tuple[Mood, ...] = ("over", "near", "fine")
        return next((mood for mood in order if mood in moods), "free")


def caps(policy: Mapping[str, Any]) -> Caps:
    """The caps of a business's policy; none where they cannot be read."""
    try:
        return msgspec.convert(policy.get("spending", {}), Caps)
    except msgspec.ValidationError:
        return Caps()


async def standing(scope: Scope, *, day_began: datetime, month_began: datetime) -> Standing:
    """What the calls of today and of this month have cost so far."""
    row = await scope.get(Business, scope.business_id)
    assert row is not None, "a scope has its business"
    most = caps(row.policy)
    cost = func.sum(Call.cost_micro_usd)
    # In one pass over the month, which an index holds whole.
    found = await scope.rows(
        select(cost.filter(Call.started_at >= day_began), cost).where(Call.started_at >= month_began)
    )
    day, month = (int(spent or 0) for spent in found[0])
    return Standing(Account(day, most.daily_usd), Account(month, most.monthly_usd))


async def hands_over(scope: Scope, *, now: datetime) -> bool:
    """Whether a call that begins now should go to a person, because a cap is reached and the owner wants it so."""
    row = await scope.get(Business, scope.business_id)
    assert row is not None, "a scope has its business"
    if caps(row.policy).at_cap != "person" or row.fallback_number is None:
        return False
    day_began, month_began = began(row.timezone, now)
    return (await standing(scope, day_began=day_began, month_began=month_began)).mood == "over"


def began(timezone: str, now: datetime) -> tuple[datetime, datetime]:
    """When the day and the month began on a business's own wall clock."""
    today = localtime.today(now, timezone)
    day, month = (
        localtime.closest_instant(datetime.combine(first, time.min), timezone)
        for first in (today, today.replace(day=1))
    )
    return day, month


async def set_caps(scope: Scope, *, daily: str, monthly: str, at_cap: str, actor: str, now: datetime) -> dict[str, str]:
    """Set both caps as typed, nothing typed being no cap. Answers the faults; with any, nothing changes."""
    read = {"daily_usd": _dollars(daily), "monthly_usd": _dollars(monthly)}
    faults = {name: "out_of_range" for name, dollars in read.items() if dollars is False}
    if at_cap not in get_args(AtCap):
        faults["at_cap"] = "unknown"
    if faults:
        return faults
    await schedules.take_turn(scope)
    row = await scope.get(Business, scope.business_id)
    assert row is not None, "a scope has its business"
    if at_cap == "person" and row.fallback_number is None:
        return {"at_cap": "no_fallback"}
    given: dict[str, Any] = {name: dollars for name, dollars in read.items() if dollars is not None}
    if given and at_cap != "warn":
        given["at_cap"] = at_cap
    policy = {name: part for name, part in row.policy.items() if name != "spending"}
    await businesses.change(scope, policy={**policy, "spending": given} if given else policy, actor=actor, now=now)
    return {}


def _dollars(typed: str) -> int | Literal[False] | None:
    """Whole dollars; None where nothing is typed, False where it is no amount that can be a cap."""
    digits = clean(typed)
    if not digits:
        return None
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 9):
        return False
    return int(digits) if 1 <= int(digits) <= MOST_USD else False
