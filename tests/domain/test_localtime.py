"""The business's wall clock, on ordinary days and on the two that have no 24 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.domain import localtime

JERUSALEM = "Asia/Jerusalem"


def test_a_skipped_time_is_refused_and_a_repeated_one_is_the_first() -> None:
    with pytest.raises(localtime.SkippedTime):
        localtime.to_instant(datetime(2026, 3, 27, 2, 30), JERUSALEM)
    assert localtime.to_instant(datetime(2026, 10, 25, 1, 30), JERUSALEM) == datetime(2026, 10, 24, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["2026-02-30", "2026-2-3", "20261122", "2026-W48-1", "22/11/2026", "٢٠٢٦-١١-٢٢", ""]
)
def test_a_date_is_written_in_one_way(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        localtime.parse_date(written)


@pytest.mark.parametrize("written", ["2026-11-22T25:00", "2026-11-22", "2026-11-22T10:30+02:00", "2026-11-22T10:30Z"])
def test_a_time_is_written_in_one_way(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        localtime.parse_wall(written)


@pytest.mark.parametrize(
    ("day", "hours", "pieces"),
    [
        (date(2026, 11, 22), 24, 1),
        (date(2026, 3, 27), 23, 2),
        (date(2026, 10, 25), 25, 2),
        (date(2027, 3, 26), 23, 2),
        (date(2027, 10, 31), 25, 2),
    ],
)
def test_a_change_over_day_has_23_or_25_hours(day: date, hours: int, pieces: int) -> None:
    found = localtime.stretches(day, JERUSALEM)
    assert len(found) == pieces
    assert sum((one.ends_at - one.starts_at for one in found), timedelta()) == timedelta(hours=hours)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2036, 1, 1)),
    st.sampled_from([JERUSALEM, "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_every_instant_lies_in_its_own_day_and_in_no_other(naive: datetime, timezone: str) -> None:
    instant = naive.replace(tzinfo=UTC, microsecond=0)
    day = localtime.today(instant, timezone)
    for near, expected in ((day - timedelta(days=1), 0), (day, 1), (day + timedelta(days=1), 0)):
        holding = [one for one in localtime.stretches(near, timezone) if one.starts_at <= instant < one.ends_at]
        assert len(holding) == expected
