"""Reminders: decent moments, planned anew when a visit moves, and silent when it does not stand any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from agentlocator.db.schema import Appointment, Outbox
from agentlocator.domain import appointments, businesses, localtime, quiet_hours
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.jobs import remind
from agentlocator.jobs.policy import ReminderPolicy
from agentlocator.jobs.remind import reminders_for
from agentlocator.jobs.telling import NotNow, OutboxItem, Undeliverable
from town import NOW, Town, ring

ZONE = "Asia/Jerusalem"
USUAL = ReminderPolicy()
MINUTE = timedelta(minutes=1)

visits = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
policies = st.builds(
    ReminderPolicy,
    leads_min=st.lists(st.integers(1, 14 * 1440), max_size=5).map(tuple),
    quiet_from_min=st.integers(13 * 60, 24 * 60),
    quiet_until_min=st.integers(0, 11 * 60),
    keeps_shabbat=st.booleans(),
)
zones = st.sampled_from([ZONE, "UTC", "America/New_York", "Australia/Lord_Howe"])


def reminded(visit: str, policy: ReminderPolicy = USUAL) -> list[str]:
    starts_at = localtime.to_instant(localtime.parse_wall(visit), ZONE)
    return [f"{localtime.to_wall(at, ZONE):%a %d %H:%M}" for at in reminders_for(starts_at, policy, ZONE)]


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        ("2026-11-24T10:30", ["Mon 23 10:30", "Tue 24 08:30"]),
        # Two hours before eight is night: the evening before, and then the day before would be said twice.
        ("2026-11-24T08:00", ["Mon 23 08:00", "Mon 23 20:30"]),
        # A day before Sunday is Shabbat.
        ("2026-11-22T11:00", ["Fri 20 15:00", "Sun 22 09:00"]),
        # Saturday night: both moments lie in Shabbat and become one.
        ("2026-11-21T21:30", ["Fri 20 15:00"]),
        # In July Shabbat is not out at eight in the evening.
        ("2026-07-19T22:15", ["Fri 17 15:00", "Sun 19 20:15"]),
        # The day after two days of New Year that follow a Friday: carried back over all three.
        ("2026-09-14T09:30", ["Fri 11 15:00"]),
        # Yom Kippur is Monday; its eve ends at half past three.
        ("2026-09-22T10:30", ["Sun 20 15:00", "Tue 22 08:30"]),
        # The clock goes back on Sunday at two: a day before is counted in hours.
        ("2026-10-26T10:30", ["Sun 25 10:30", "Mon 26 08:30"]),
    ],
)
def test_the_day_before_and_two_hours_before_at_a_decent_hour(visit: str, expected: list[str]) -> None:
    assert reminded(visit) == expected


def test_a_business_that_reminds_of_nothing_reminds_of_nothing() -> None:
    assert reminded("2026-11-24T10:30", ReminderPolicy(leads_min=())) == []


@given(visits, policies, zones)
def test_every_moment_is_decent_and_before_the_visit_and_apart_from_the_next(
    starts_at: datetime, policy: ReminderPolicy, zone: str
) -> None:
    moments = reminders_for(starts_at, policy, zone)
    assert len(moments) <= len(policy.leads_min)
    assert all(not quiet_hours.is_quiet(moment, policy, zone) for moment in moments)
    assert all(moment <= starts_at - remind.LEAST_NOTICE for moment in moments)
    assert all(later - earlier >= remind.APART for earlier, later in pairwise(moments))


@given(visits, policies, zones)
def test_a_moment_never_lies_nearer_to_the_visit_than_was_wished(
    starts_at: datetime, policy: ReminderPolicy, zone: str
) -> None:
    # A repeated hour on the wall may cost one hour, never more.
    nearest = starts_at - timedelta(minutes=min(policy.leads_min, default=0)) + timedelta(hours=1)
    assert all(moment <= nearest for moment in reminders_for(starts_at, policy, zone))


@given(visits)
def test_nobody_is_reminded_on_shabbat_or_at_night(starts_at: datetime) -> None:
    for moment in reminders_for(starts_at, USUAL, ZONE):
        wall = localtime.to_wall(moment, ZONE)
        assert 8 <= wall.hour < 21
        assert wall.strftime("%A") != "Saturday"
        assert wall.strftime("%A") != "Friday" or (wall.hour, wall.minute) < (15, 30)


@given(visits, policies, zones)
def test_quiet_ends_and_the_first_moment_after_it_is_decent(at: datetime, policy: ReminderPolicy, zone: str) -> None:
    until = quiet_hours.quiet_until(at, policy, zone)
    assert until >= at
    assert not quiet_hours.is_quiet(until, policy, zone)


async def booked(town: Town, start: str = "2026-11-24T10:30") -> Receipt:
    dana = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        receipt = await appointments.book(scope, Booking(start=start, lead_id=dana.lead_id), now=NOW)
    assert isinstance(receipt, Receipt)
    return receipt


async def planned(town: Town, now: datetime = NOW) -> list[str]:
    """What will be told after planning, on the clinic's clock."""
    await remind.plan_all(town.db, now=now)
    return [f"{localtime.to_wall(row.due_at, ZONE):%a %d %H:%M}" for row in await rows(town)]


async def rows(town: Town, business_id: int | None = None) -> list[Outbox]:
    async with town.db.reading(business_id or town.clinic) as scope:
        return list(
            await scope.all(
                select(Outbox)
                .where(Outbox.kind == remind.KIND, Outbox.done_at.is_(None), Outbox.failed_at.is_(None))
                .order_by(Outbox.due_at)
            )
        )


async def set_leads(town: Town, *leads_min: int) -> None:
    async with town.db.scope(town.clinic) as scope:
        policy = {"background": {"reminders": {"leads_min": list(leads_min)}}}
        await businesses.change(scope, actor="dana", now=NOW, policy=policy)


async def test_a_booking_gets_its_reminders_once_however_often_they_are_planned(town: Town) -> None:
    await booked(town)
    assert await planned(town) == ["Mon 23 10:30", "Tue 24 08:30"]
    assert await planned(town) == ["Mon 23 10:30", "Tue 24 08:30"]
    async with town.db.scope(town.clinic) as scope:
        assert await remind.plan(scope, now=NOW) == 0


@pytest.mark.requirement("R30")
async def test_charlie_is_never_reminded_of_the_clinics_visit(town: Town) -> None:
    await booked(town)
    await planned(town)
    assert await rows(town, town.charlie) == []


async def test_a_visit_that_moves_takes_its_reminders_with_it(town: Town) -> None:
    receipt = await booked(town)
    await planned(town)
    async with town.db.scope(town.clinic) as scope:
        await appointments.reschedule(scope, receipt.appointment_id, start="2026-11-26T12:00", now=NOW)
    assert await planned(town) == ["Wed 25 12:00", "Thu 26 10:00"]


async def test_a_cancelled_visit_is_not_reminded_of(town: Town) -> None:
    receipt = await booked(town)
    await planned(town)
    async with town.db.scope(town.clinic) as scope:
        await appointments.cancel(scope, receipt.appointment_id, now=NOW)
    assert await planned(town) == []


async def test_a_business_that_changes_its_mind_and_changes_it_back(town: Town) -> None:
    await booked(town)
    await planned(town)
    await set_leads(town, 180)
    assert await planned(town) == ["Mon 23 20:30"]
    await set_leads(town)
    assert await planned(town) == []
    await set_leads(town, 1440, 120)
    assert await planned(town) == ["Mon 23 10:30", "Tue 24 08:30"]


async def test_another_zone_moves_reminders_and_no_visit(town: Town) -> None:
    receipt = await booked(town)
    await planned(town)
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, actor="dana", now=NOW, timezone="America/New_York")
    await remind.plan_all(town.db, now=NOW)
    async with town.db.reading(town.clinic) as scope:
        visit = await scope.get(Appointment, receipt.appointment_id)
    assert visit is not None
    assert visit.starts_at == receipt.starts_at
    assert all(not quiet_hours.is_quiet(row.due_at, USUAL, "America/New_York") for row in await rows(town))


async def test_a_reminder_that_is_due_is_left_to_the_relay(town: Town) -> None:
    await booked(town)
    await planned(town)
    due = (await rows(town))[0].due_at
    assert len(await planned(town, now=due + MINUTE)) == 2


class Fired:
    """A reminder whose moment has come, at some moment."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.sent: list[str] = []

    async def at(self, now: datetime) -> None:
        row = (await rows(self.town))[0]
        handler = remind.while_it_stands(self.town.db, self.send, clock=lambda: now)
        await handler(OutboxItem(self.town.clinic, row.id, row.kind, row.key, row.payload, 1, row.created_at))

    async def send(self, item: OutboxItem) -> None:
        self.sent.append(item.key)


async def test_a_reminder_fires_only_while_its_visit_stands_and_the_hour_is_decent(town: Town) -> None:
    receipt = await booked(town)
    await planned(town)
    fired = Fired(town)
    await fired.at(receipt.starts_at - timedelta(hours=2))
    assert len(fired.sent) == 1

    with pytest.raises(NotNow) as wait:
        await fired.at(receipt.starts_at - timedelta(hours=12))
    assert f"{localtime.to_wall(wait.value.until, ZONE):%a %H:%M}" == "Tue 08:00"
    with pytest.raises(Undeliverable, match="begun"):
        await fired.at(receipt.starts_at)

    async with town.db.scope(town.clinic) as scope:
        visit = await scope.get(Appointment, receipt.appointment_id)
        assert visit is not None
        visit.status = "cancelled"
    with pytest.raises(Undeliverable, match="stand"):
        await fired.at(receipt.starts_at - timedelta(hours=2))
    assert len(fired.sent) == 1
