"""What calls cost against the owner's caps: four fifths of one is a warning, all of it is another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentlocator.db.scope import Scope
from agentlocator.domain import businesses, calls, spending
from town import NOW, Town, ring

DAY = NOW - timedelta(hours=12)
MONTH = NOW - timedelta(days=20)


async def costs(town: Town, call_sid: str, dollars: float, *, ago: timedelta) -> None:
    await ring(town, town.clinic, call_sid=call_sid, now=NOW - ago)
    async with town.db.scope(town.clinic) as scope:
        await calls.finish_call(
            scope, call_sid=call_sid, outcome="completed", now=NOW, cost_micro_usd=int(dollars * 1_000_000)
        )


async def stands(scope: Scope) -> spending.Standing:
    return await spending.standing(scope, day_began=DAY, month_began=MONTH)


async def test_without_a_cap_nothing_is_near(town: Town) -> None:
    await costs(town, "CA1", 1_000, ago=timedelta(hours=1))
    async with town.db.scope(town.clinic) as scope:
        standing = await stands(scope)
    assert (standing.mood, standing.day.spent_micro_usd, standing.day.share) == ("free", 1_000_000_000, 0)


@pytest.mark.parametrize(("dollars", "mood"), [(3.99, "fine"), (4.0, "near"), (4.99, "near"), (5.0, "over")])
async def test_four_fifths_of_a_day_s_cap_is_a_warning(town: Town, dollars: float, mood: str) -> None:
    await costs(town, "CA1", dollars, ago=timedelta(hours=1))
    async with town.db.scope(town.clinic) as scope:
        assert await spending.set_caps(scope, daily="5", monthly="", at_cap="warn", actor="נועה", now=NOW) == {}
        assert (await stands(scope)).mood == mood


async def test_yesterday_counts_for_the_month_and_not_for_the_day_and_another_business_not_at_all(town: Town) -> None:
    await costs(town, "CA1", 9, ago=timedelta(days=1))
    async with town.db.scope(town.clinic) as scope:
        await spending.set_caps(scope, daily="10", monthly="10", at_cap="warn", actor="נועה", now=NOW)
        standing = await stands(scope)
    assert (standing.day.mood, standing.month.mood, standing.mood) == ("fine", "near", "near")
    async with town.db.scope(town.charlie) as scope:
        assert (await stands(scope)).month == spending.Account(0, None)


@pytest.mark.parametrize("typed", ["0", "-3", "ten", "1.5", "100001", "9" * 40])
async def test_what_can_be_no_cap_is_refused_and_the_rest_of_the_policy_stays(town: Town, typed: str) -> None:
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, policy={"dead_air_ms": 5_000}, actor="test", now=NOW)
        assert await spending.set_caps(scope, daily=typed, monthly="7", at_cap="warn", actor="נועה", now=NOW) == {
            "daily_usd": "out_of_range"
        }
        await spending.set_caps(scope, daily="", monthly="7", at_cap="warn", actor="נועה", now=NOW)
        assert (await businesses.show(scope)).policy == {"dead_air_ms": 5_000, "spending": {"monthly_usd": 7}}
        await spending.set_caps(scope, daily="", monthly="", at_cap="warn", actor="נועה", now=NOW)
        assert (await businesses.show(scope)).policy == {"dead_air_ms": 5_000}


async def test_callers_are_handed_over_only_at_the_cap_and_only_where_the_owner_wants_it(town: Town) -> None:
    await costs(town, "CA1", 6, ago=timedelta(hours=1))
    async with town.db.scope(town.clinic) as scope:

        async def hands_over(daily: str, at_cap: str) -> bool:
            assert await spending.set_caps(scope, daily=daily, monthly="", at_cap=at_cap, actor="נועה", now=NOW) == {}
            return await spending.hands_over(scope, now=NOW)

        assert not await hands_over("5", "warn")
        assert not await hands_over("7", "person")
        assert not await hands_over("", "person"), "without a cap nobody is at it"
        assert await hands_over("5", "person")
        assert not await spending.hands_over(scope, now=NOW + timedelta(days=1)), "tomorrow is another day"
        await businesses.change(scope, fallback_number="", actor="נועה", now=NOW)
        assert not await spending.hands_over(scope, now=NOW), "there is nowhere to go"
        given = {"daily": "5", "monthly": "", "actor": "נועה", "now": NOW}
        assert await spending.set_caps(scope, at_cap="person", **given) == {"at_cap": "no_fallback"}  # type: ignore[arg-type]
        assert await spending.set_caps(scope, at_cap="magic", **given) == {"at_cap": "unknown"}  # type: ignore[arg-type]
