"""What an owner sets of his assistant's conduct: within bounds, in the policy's own words, and nothing else touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentlocator.call.policy import CallPolicy, overridden
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, businesses, conduct
from town import NOW, Town

USUAL = {
    "yield_after": str(CallPolicy().floor.commit_active_ms),
    "end_of_turn": "server_vad",
    "turn_silence": "400",
    "eagerness": "auto",
    "dead_air": "4",
    "silence_prompt": "8",
    "longest_call": "30",
    "token_ceiling": "400",
    "notice": "",
}


@pytest.fixture
async def clinic(town: Town) -> AsyncIterator[Scope]:
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, policy={}, actor="test", now=NOW)
        yield scope


async def policy(scope: Scope) -> dict[str, Any]:
    return (await businesses.show(scope)).policy


async def types(scope: Scope, **typed: str) -> dict[str, str]:
    return await conduct.change(scope, typed, actor="נועה", now=NOW)


async def test_what_nobody_set_is_the_usual() -> None:
    assert conduct.read({}) == USUAL


async def test_what_is_set_is_what_the_call_is_run_by(clinic: Scope) -> None:
    assert await types(clinic, yield_after="500", dead_air="6", notice=" השיחה\nמוקלטת ", longest_call="10") == {}
    call = overridden(CallPolicy(), conduct.of_calls(await policy(clinic)))
    assert (call.floor.commit_active_ms, call.dead_air_ms, call.max_call_ms) == (500, 6_000, 600_000)
    assert call.notice == "השיחה מוקלטת"
    assert call.floor.grace_ms == CallPolicy().floor.grace_ms


async def test_the_usual_value_is_not_kept_and_other_parts_of_the_policy_are(clinic: Scope) -> None:
    others = {"background": {"retention_days": 30}, "whatsapp": {"day_tokens": 5}, "floor": {"grace_ms": 300}}
    await businesses.change(clinic, policy=others, actor="test", now=NOW)
    await types(clinic, dead_air="6", yield_after="400")
    await types(clinic, **USUAL)
    assert await policy(clinic) == others


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"dead_air": "2"}, "out_of_range"),
        ({"dead_air": "99999999999"}, "no_number"),
        ({"dead_air": "ארבע"}, "no_number"),
        ({"dead_air": "٤"}, "no_number"),
        ({"token_ceiling": "0"}, "out_of_range"),
        ({"token_ceiling": "-5"}, "no_number"),
        ({"end_of_turn": "magic"}, "unknown"),
        ({"yield_after": "20"}, "unknown"),
        ({"notice": "א" * 301}, "too_long"),
    ],
)
async def test_what_no_call_should_be_run_by_is_refused_whole(clinic: Scope, typed: dict[str, str], fault: str) -> None:
    assert await types(clinic, silence_prompt="9", **typed) == {next(iter(typed)): fault}
    assert await policy(clinic) == {}


async def test_a_value_of_the_operator_s_own_stays_when_the_form_comes_back_with_it(clinic: Scope) -> None:
    await businesses.change(clinic, policy={"vad_silence_ms": 700}, actor="operator", now=NOW)
    assert await types(clinic, **conduct.read(await policy(clinic))) == {}
    assert await policy(clinic) == {"vad_silence_ms": 700}


async def test_a_policy_that_no_call_can_read_is_said_to_be_so(clinic: Scope) -> None:
    await businesses.change(clinic, policy={"nonsense": 1}, actor="operator", now=NOW)
    assert await types(clinic, dead_air="5") == {"": "unreadable"}
    assert await policy(clinic) == {"nonsense": 1}


async def test_who_changed_it_is_remembered(clinic: Scope) -> None:
    await types(clinic, dead_air="5")
    line = (await audit.history(clinic, "business", clinic.business_id))[-1]
    assert (line.actor, line.field, line.new) == ("נועה", "policy", "{'dead_air_ms': 5000}")
