"""A business at its spending cap: whose owner wants it so, his callers reach a person and no model is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentlocator.db.schema import Call
from agentlocator.domain import calls
from voice.house import House
from voice.stranger import call_form

INCOMING = "/webhook/incoming_call"


@pytest.mark.parametrize(("at_cap", "goes_to_a_person"), [("warn", False), ("person", True)])
async def test_at_the_cap_a_caller_goes_where_the_owner_said(house: House, at_cap: str, goes_to_a_person: bool) -> None:
    await house.change(policy={"spending": {"daily_usd": 1, "at_cap": at_cap}})
    now = datetime.now(UTC)
    async with house.deployment.db.scope(await house.business_id()) as scope:
        await calls.open_call(scope, call_sid="CA0", from_raw="anonymous", to_e164="+97235550101", now=now)
        await calls.finish_call(scope, call_sid="CA0", outcome="completed", now=now, cost_micro_usd=1_000_000)

    answers = [(await house.stranger.post(INCOMING, **call_form("CA1"))).text for _ in range(2)]

    for answer in answers:
        assert "<Number>+97235550199</Number>" in answer, "it is also the net under an answered call"
        assert ("<Stream" in answer) != goes_to_a_person
    assert bool(house.sessions) != goes_to_a_person
    outcomes = {call.call_sid: call.outcome for call in await house.rows(Call)}
    assert outcomes["CA1"] == ("over_cap" if goes_to_a_person else None)
