"""Which times can be booked: a clinic's real week, its exceptions, and the days the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.domain import localtime
from agentlocator.domain.availability import (
    Busy,
    Calendar,
    Refusal,
    Rules,
    Slot,
    Visit,
    Window,
    check_windows,
    find_slots,
    judge,
    nearest,
)

SUNDAY = date(2026, 11, 22)
FRIDAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
CLINIC = Rules(
    timezone="Asia/Jerusalem",
    weekly={
        **{day: (Window(8 * 60 + 30, 13 * 60), Window(14 * 60, 18 * 60)) for day in range(5)},
        5: (Window(8 * 60 + 30, 13 * 60),),
    },
    active_days=frozenset(range(6)),
    slot_interval_min=30,
    horizon_days=400,
)
HALF_HOUR = Visit(30)
FREE = Calendar((1,))


def rules(**changes: object) -> Rules:
    return msgspec.structs.replace(CLINIC, **changes)


def walls(slots: list[Slot] | tuple[Slot, ...]) -> list[str]:
    return [f"{slot.wall:%H:%M}" for slot in slots]


def on(
    day: date, wanted: Rules = CLINIC, visit: Visit = HALF_HOUR, calendar: Calendar = FREE, now: datetime = NOW
) -> list[str]:
    return walls(find_slots(wanted, visit, calendar, first=day, last=day, now=now))


def busy(start: str, end: str, resource_id: int = 1) -> Busy:
    def instant(written: str) -> datetime:
        return localtime.to_instant(localtime.parse_wall(written), CLINIC.timezone)

    return Busy(resource_id, instant(start), instant(end))


def code(
    wanted: str, given: Rules = CLINIC, visit: Visit = HALF_HOUR, calendar: Calendar = FREE, now: datetime = NOW
) -> str:
    found = judge(given, visit, calendar, wanted=wanted, now=now)
    return found.code if isinstance(found, Refusal) else "free"


@pytest.mark.requirement("R22")
def test_a_working_day_with_a_lunch_break() -> None:
    morning = ["08:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30"]
    afternoon = ["14:00", "14:30", "15:00", "15:30", "16:00", "16:30", "17:00", "17:30"]
    assert on(SUNDAY) == morning + afternoon
    assert on(FRIDAY) == morning, "a short Friday"
    assert on(date(2026, 11, 28)) == [], "Shabbat"


@pytest.mark.requirement("R22")
def test_a_day_that_is_not_active_has_no_slots_whatever_its_hours() -> None:
    assert on(SUNDAY, rules(active_days=frozenset({1, 2}))) == []


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    ("interval", "expected"),
    [(45, ["08:30", "09:15", "10:00", "10:45", "11:30", "12:15"]), (60, ["08:30", "09:30", "10:30", "11:30"])],
)
def test_the_grid_starts_at_the_opening_time(interval: int, expected: list[str]) -> None:
    assert on(FRIDAY, rules(slot_interval_min=interval), Visit(45)) == expected


def test_an_appointment_removes_slots_and_never_moves_the_grid() -> None:
    calendar = Calendar((1,), [busy("2026-11-27T09:10", "2026-11-27T09:40")])
    assert on(FRIDAY, calendar=calendar)[:3] == ["08:30", "10:00", "10:30"]


def test_appointments_that_touch_do_not_overlap() -> None:
    calendar = Calendar((1,), [busy("2026-11-27T09:00", "2026-11-27T09:30")])
    assert on(FRIDAY, calendar=calendar)[:2] == ["08:30", "09:30"]


def test_a_long_visit_fits_across_touching_windows_and_midnight() -> None:
    touching = rules(weekly={0: (Window(540, 600), Window(600, 660))}, slot_interval_min=60)
    assert on(SUNDAY, touching, Visit(120)) == ["09:00"]
    night = rules(weekly={0: (Window(1320, 1440),), 1: (Window(0, 120),)}, slot_interval_min=60)
    assert on(SUNDAY, night, Visit(120)) == ["22:00", "23:00"]
    assert on(SUNDAY + timedelta(days=1), night, Visit(120)) == ["00:00"], "a slot belongs to the date it starts on"


def test_an_override_replaces_the_day() -> None:
    short = rules(overrides={SUNDAY: (Window(600, 660),)})
    assert on(SUNDAY, short) == ["10:00", "10:30"]
    assert on(SUNDAY, rules(overrides={SUNDAY: ()})) == []
    shabbat = date(2026, 11, 28)
    assert on(shabbat, rules(overrides={shabbat: (Window(600, 660),)})) == ["10:00", "10:30"], "it beats active days"


def test_notice_is_inclusive_and_counts_elapsed_minutes() -> None:
    at_eight = localtime.to_instant(datetime(2026, 11, 22, 8, 0), CLINIC.timezone)
    assert on(SUNDAY, rules(notice_min=30), now=at_eight)[0] == "08:30"
    assert on(SUNDAY, rules(notice_min=31), now=at_eight)[0] == "09:00"


def test_the_horizon_is_inclusive_and_capped() -> None:
    near = rules(horizon_days=1)
    assert on(SUNDAY, near)
    assert on(SUNDAY + timedelta(days=1), near) == []
    far = find_slots(rules(horizon_days=5000), HALF_HOUR, FREE, first=SUNDAY, last=date(2040, 1, 1), now=NOW)
    assert far[-1].local_date <= date(2026, 11, 21) + timedelta(days=730)


def test_a_full_day_has_no_slots() -> None:
    calendar = Calendar((1,), booked_on={SUNDAY: 2})
    assert on(SUNDAY, rules(daily_limit=2), calendar=calendar) == []
    assert on(SUNDAY, rules(daily_limit=3), calendar=calendar) != []


def test_buffers_may_not_overlap_and_may_run_past_closing() -> None:
    visit = Visit(30, buffer_before_min=0, buffer_after_min=30)
    assert on(FRIDAY, visit=visit)[-1] == "12:30"
    calendar = Calendar((1,), [busy("2026-11-27T10:00", "2026-11-27T10:30")])
    assert "09:30" not in on(FRIDAY, visit=visit, calendar=calendar)
    assert "09:00" in on(FRIDAY, visit=visit, calendar=calendar)


def test_one_resource_must_be_free_for_the_whole_visit() -> None:
    halves = Calendar(
        (1, 2), [busy("2026-11-27T09:00", "2026-11-27T09:30", 1), busy("2026-11-27T09:30", "2026-11-27T10:00", 2)]
    )
    found = {
        slot.wall.strftime("%H:%M"): slot.resource_ids
        for slot in find_slots(CLINIC, Visit(60), halves, first=FRIDAY, last=FRIDAY, now=NOW)
    }
    assert "09:00" not in found, "two half-free resources are not one free one"
    assert found["08:30"] == (2,)[:0] or "08:30" not in found or found["08:30"] == (2,)
    assert found["10:00"] == (1, 2)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("2026-11-22T10:30", "free"),
        ("2026-11-20T10:30", "date_in_past"),
        ("2026-11-21T18:30", "date_in_past"),
        ("2026-11-28T10:30", "closed"),
        ("2026-11-22T13:15", "outside_hours"),
        ("2026-11-22T12:45", "outside_hours"),
        ("2026-11-22T07:00", "outside_hours"),
        ("2026-11-22T10:10", "not_on_grid"),
        ("2029-01-01T10:00", "too_far_ahead"),
        ("9999-12-31T23:59", "too_far_ahead"),
        ("0001-01-01T00:00", "date_in_past"),
        ("2026-02-30T10:00", "invalid_date"),
        ("2026-13-01T10:00", "invalid_date"),
        ("מחר בעשר", "invalid_date"),
        ("'; DROP TABLE appointment; --", "invalid_date"),
        ("2026-11-22T10:30'; --", "invalid_time"),
        ("2026-11-22T99:00", "invalid_time"),
        ("2026-11-22T10:30+02:00", "invalid_time"),
        ("\u202e2026-11-22T10:30", "invalid_date"),
        ("2026-11-22T10:30" + "x" * 10_000, "invalid_time"),
        ("", "invalid_date"),
    ],
)
def test_every_refusal_has_its_code_and_the_nearest_times(wanted: str, expected: str) -> None:
    found = judge(CLINIC, HALF_HOUR, FREE, wanted=wanted, now=NOW)
    if isinstance(found, Slot):
        assert expected == "free"
        return
    assert found.code == expected
    assert len(found.nearest) == 3


def test_too_soon_slot_taken_and_full_day() -> None:
    assert code("2026-11-22T08:30", rules(notice_min=24 * 60)) == "too_soon"
    taken = Calendar((1,), [busy("2026-11-22T10:30", "2026-11-22T11:00")], {SUNDAY: 1})
    assert code("2026-11-22T10:30", calendar=taken) == "slot_unavailable"
    assert code("2026-11-22T11:00", rules(daily_limit=1), calendar=taken) == "day_full"


@pytest.mark.parametrize("duration_min", [0, -5, 1441, 10**9])
def test_an_impossible_length_is_refused(duration_min: int) -> None:
    assert code("2026-11-22T10:30", visit=Visit(duration_min)) == "invalid_duration"
    assert on(SUNDAY, visit=Visit(duration_min)) == []


def test_the_nearest_times_are_nearest_and_in_order() -> None:
    wish = localtime.to_instant(datetime(2026, 11, 22, 13, 20), CLINIC.timezone)
    assert walls(nearest(CLINIC, HALF_HOUR, FREE, wish=wish, now=NOW)) == ["12:30", "14:00", "14:30"]


def test_a_business_without_hours_has_no_alternatives() -> None:
    refusal = judge(rules(weekly={}), HALF_HOUR, FREE, wanted="2026-11-22T10:30", now=NOW)
    assert refusal == Refusal("closed", ())


def test_spring_a_friday_loses_an_hour_of_the_night() -> None:
    day = date(2026, 3, 27)
    before = datetime(2026, 3, 20, tzinfo=UTC)
    night = rules(weekly={5: (Window(60, 240),)}, slot_interval_min=30)
    assert on(day, night, now=before) == ["01:00", "01:30", "03:00", "03:30"]
    assert code("2026-03-27T02:30", night, now=before) == "skipped_time"
    assert on(day, now=before)[:2] == ["08:30", "09:00"], "and the working day is as it always is"


def test_autumn_a_sunday_has_an_hour_twice() -> None:
    day = date(2026, 10, 25)
    before = datetime(2026, 10, 20, tzinfo=UTC)
    night = rules(weekly={0: (Window(0, 180),)}, slot_interval_min=30)
    found = find_slots(night, HALF_HOUR, FREE, first=day, last=day, now=before)
    assert walls(found) == ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00", "02:30"]
    assert [slot.starts_at for slot in found] == [
        found[0].starts_at + timedelta(minutes=30 * step) for step in range(8)
    ]
    first = judge(night, HALF_HOUR, FREE, wanted="2026-10-25T01:30", now=before)
    assert isinstance(first, Slot)
    assert first.starts_at == datetime(2026, 10, 24, 22, 30, tzinfo=UTC), "a repeated time means the first"


@pytest.mark.parametrize("day", [date(2026, 3, 27), date(2026, 10, 25), date(2027, 3, 26), date(2027, 10, 31)])
def test_a_change_over_day_keeps_its_opening_hours(day: date) -> None:
    found = find_slots(
        CLINIC,
        HALF_HOUR,
        FREE,
        first=day,
        last=day,
        now=datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=3),
    )
    assert walls(found)[0] == "08:30"
    assert len(found) == (9 if day.weekday() == 4 else 17)


def test_windows_that_overlap_or_run_backwards_are_refused() -> None:
    assert check_windows([Window(540, 600), Window(600, 660)]) is None
    assert check_windows([Window(540, 660), Window(600, 700)]) == "overlapping"
    assert check_windows([Window(600, 540)]) == "reversed"
    assert check_windows([Window(0, 1441)]) == "reversed"


window = st.tuples(st.integers(0, 287), st.integers(1, 288)).filter(lambda pair: pair[0] < pair[1])
footprints = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 3 * 1440), st.integers(5, 180)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    pair=window,
    interval=st.sampled_from([15, 20, 30, 45, 60]),
    visit=st.builds(Visit, st.integers(5, 240), st.integers(0, 30), st.integers(0, 30)),
    taken=footprints,
    day=st.sampled_from([SUNDAY, date(2026, 3, 27), date(2026, 10, 25), date(2027, 3, 26)]),
    notice_min=st.integers(0, 2000),
)
def test_every_slot_found_can_be_had_and_no_other_can(
    pair: tuple[int, int], interval: int, visit: Visit, taken: list[tuple[int, int, int]], day: date, notice_min: int
) -> None:
    given = rules(
        weekly={weekday: (Window(pair[0] * 5, pair[1] * 5),) for weekday in range(7)},
        slot_interval_min=interval,
        active_days=frozenset(range(7)),
        notice_min=notice_min,
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    calendar = Calendar(
        (1, 2),
        [
            Busy(who, midnight + timedelta(minutes=at), midnight + timedelta(minutes=at + length))
            for who, at, length in taken
        ],
    )
    now = midnight - timedelta(hours=12)
    found = find_slots(given, visit, calendar, first=day, last=day + timedelta(days=1), now=now)
    assert found == sorted(found, key=lambda slot: slot.starts_at)
    for slot in found:
        assert slot.starts_at >= now + timedelta(minutes=notice_min)
        assert slot.ends_at - slot.starts_at == timedelta(minutes=visit.duration_min)
        minute = slot.wall.hour * 60 + slot.wall.minute
        assert pair[0] * 5 <= minute < pair[1] * 5
        block_from, block_to = slot.footprint(visit)
        for who in slot.resource_ids:
            assert not any(
                one.resource_id == who and one.starts_at < block_to and one.ends_at > block_from
                for one in calendar.busy
            )
        if slot.wall.replace(tzinfo=None) == localtime.to_wall(
            localtime.closest_instant(slot.wall, given.timezone), given.timezone
        ):
            judged = judge(given, visit, calendar, wanted=f"{slot.wall:%Y-%m-%dT%H:%M}", now=now)
            if localtime.to_instant(slot.wall, given.timezone) == slot.starts_at:
                assert judged == slot
