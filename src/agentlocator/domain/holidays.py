"""Israeli holidays, offered to the owner as date overrides he may take, change or leave.

Pure: it only says what could be taken. Nothing closes by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from holidays import country_holidays

from agentlocator.domain.schedules import Override

# The eve of a holiday is a working morning at most; a suggestion like every other.
EVE_CLOSES_MIN = 13 * 60


def offered(first: date, last: date, *, usual_opening_min: int = 8 * 60) -> list[Override]:
    """Every public holiday from `first` to `last` as a closed date, and its eve as a short one."""
    days = _public(range(first.year, last.year + 2))
    found = [Override(day, (), "il_holiday", name) for day, name in days.items()]
    found += [
        Override(day - timedelta(days=1), ((usual_opening_min, EVE_CLOSES_MIN),), "il_holiday", f"ערב {name}")
        for day, name in days.items()
        if day - timedelta(days=1) not in days and usual_opening_min < EVE_CLOSES_MIN
    ]
    return sorted((one for one in found if first <= one.on_date <= last), key=lambda one: one.on_date)


def not_yet_taken(offers: Sequence[Override], existing: Sequence[Override]) -> list[Override]:
    """The offers on whose dates nothing was decided yet."""
    decided = {one.on_date for one in existing}
    return [one for one in offers if one.on_date not in decided]


def _public(years: range) -> dict[date, str]:
    return dict(sorted(country_holidays("IL", years=years, language="he").items()))
