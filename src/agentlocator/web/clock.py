"""How moments, lengths of time and money are written, for one business and one reader. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from babel.dates import format_date, format_datetime, format_time

from agentlocator.domain import localtime


class Clock(msgspec.Struct, frozen=True):
    """The business's wall clock, read in the reader's language."""

    timezone: str
    language: str
    now: datetime

    def time(self, at: datetime) -> str:
        return format_time(localtime.to_wall(at, self.timezone), "HH:mm", locale=self.language)

    def day(self, at: datetime) -> str:
        """The weekday and the date: יום ראשון, 22 בנובמבר."""
        wall = localtime.to_wall(at, self.timezone)
        pattern = "EEEE, d בMMMM" if self.language == "he" else "EEEE, d MMMM"
        return format_date(wall, pattern, locale=self.language)

    def moment(self, at: datetime) -> str:
        """The time alone today, with the date on any other day."""
        wall, today = localtime.to_wall(at, self.timezone), localtime.today(self.now, self.timezone)
        if wall.date() == today:
            return self.time(at)
        pattern = "d.M, HH:mm" if wall.year == today.year else "d.M.yy, HH:mm"
        return format_datetime(wall, pattern, locale=self.language)

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
