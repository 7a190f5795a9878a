"""When people are reminded: awake, in time, and not on Shabbat."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentlocator.domain import localtime, reminders

ZONE = "Asia/Jerusalem"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def reminded(visit: str, now: datetime = NOW) -> str | None:
    due_at = reminders.due_at(localtime.to_instant(localtime.parse_wall(visit), ZONE), ZONE, now=now)
    return None if due_at is None else f"{localtime.to_wall(due_at, ZONE):%a %d %H:%M}"


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        ("2026-11-24T10:30", "Mon 23 10:30"),
        ("2026-11-24T07:30", "Mon 23 09:00"),
        ("2026-11-24T21:00", "Mon 23 20:00"),
        ("2026-11-22T10:30", "Fri 20 10:30"),
        ("2026-11-22T17:00", "Fri 20 13:00"),
        ("2026-11-21T21:00", "Fri 20 13:00"),
        ("2026-03-28T03:00", "Fri 27 09:00"),
    ],
)
def test_a_day_ahead_at_a_decent_hour_and_never_on_shabbat(visit: str, expected: str) -> None:
    assert reminded(visit, datetime(2026, 3, 1, tzinfo=UTC)) == expected


def test_a_visit_that_is_near_is_not_reminded_of() -> None:
    assert reminded("2026-11-24T10:30", datetime(2026, 11, 23, 20, 0, tzinfo=UTC)) is None
