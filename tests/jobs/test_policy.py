"""Background settings: the defaults are sane, and one bad value costs only itself."""

from __future__ import annotations

from typing import Any

import pytest

from agentlocator.jobs import policy
from agentlocator.jobs.policy import BackgroundPolicy, ReminderPolicy


def test_a_business_that_decided_nothing_has_the_defaults() -> None:
    assert policy.read({}) == BackgroundPolicy()
    assert BackgroundPolicy().retention_days == 180
    assert ReminderPolicy().leads_min == (1440, 120)


@pytest.mark.parametrize(
    "bad",
    [
        {"retention_days": 0},
        {"retention_days": "soon"},
        {"reminders": {"leads_min": [-5]}},
        {"reminders": {"leads_min": [10, 20, 30, 40, 50, 60]}},
        {"reminders": {"quiet_from_min": 720, "quiet_until_min": 720}},
        {"webhook_url": 5},
    ],
)
def test_a_value_that_makes_no_sense_is_the_default_and_the_others_stand(bad: dict[str, Any]) -> None:
    kept = {"webhook_url": "https://example.com/"} if "webhook_url" not in bad else {"retention_days": 30}
    assert policy.read({"background": {**bad, **kept}}) == policy.read({"background": kept})


@pytest.mark.parametrize("part", [None, [], "x", 3])
def test_a_part_that_is_no_part_is_the_default(part: object) -> None:
    assert policy.read({"background": part}) == BackgroundPolicy()
