"""How moments, lengths of time and money are written, for one business and one reader. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import msgspec
from babel.dates import format_date

from agentlocator.domain import localtime


class Clock(msgspec.Struct, frozen=True):
    """The business's wall clock, read in the reader's language."""

    timezone: str
    language: str
    now: datetime

    def time(self, at: datetime) -> str:
        return f"{localtime.to_wall(at, self.timezone):%H:%M}"

    def day(self, at: datetime) -> str:
        """The weekday and the date: יום ראשון, 22 בנובמבר."""
        return _day(localtime.to_wall(at, self.timezone).date(), self.language)

    def moment(self, at: datetime) -> str:
        """The time alone today, with the date on any other day."""
        wall, today = localtime.to_wall(at, self.timezone), localtime.today(self.now, self.timezone)
        if wall.date() == today:
            return f"{wall:%H:%M}"
        year = "" if wall.year == today.year else f".{wall:%y}"
        return f"{wall.day}.{wall.month}{year}, {wall:%H:%M}"

    def midnight(self, days_on: int = 0) -> datetime:
        """The instant at which today began, or another day counted from today."""
        day = localtime.today(self.now, self.timezone) + timedelta(days=days_on)
        return localtime.closest_instant(datetime.combine(day, datetime.min.time()), self.timezone)

    @staticmethod
    def length(starts_at: datetime, ends_at: datetime | None) -> str:
        """Minutes and seconds between two moments; empty when it has not ended."""
        if ends_at is None:
            return ""
        seconds = max(0, int((ends_at - starts_at).total_seconds()))
        return f"{seconds // 60}:{seconds % 60:02}"

    @staticmethod
    def dollars(micro_usd: int | None) -> str:
        return "" if micro_usd is None else f"${micro_usd / 1_000_000:.2f}"


# A list names the same few days over and over, and a day's name takes longer to find than its row to read.
@lru_cache(maxsize=512)
def _day(day: date, language: str) -> str:
    pattern = "EEEE, d בMMMM" if language == "he" else "EEEE, d MMMM"
    return format_date(day, pattern, locale=language)
