"""What an error means for the call it arrives in."""

from __future__ import annotations

import pytest

from agentlocator.realtime.errors import Meaning, meaning


@pytest.mark.parametrize(
    "code",
    [
        "insufficient_quota",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "beta_api_shape_disabled",
    ],
)
def test_some_refusals_are_final(code: str) -> None:
    assert meaning(code) is Meaning.FATAL
    assert meaning(code, "server_error", "try again") is Meaning.FATAL


@pytest.mark.parametrize("code", ["conversation_already_has_active_response", "response_cancel_not_active"])
def test_a_lost_race_is_only_information(code: str) -> None:
    assert meaning(code, "invalid_request_error") is Meaning.INFORMATIONAL


def test_a_truncate_that_came_too_late_is_information_although_it_has_no_code() -> None:
    message = "Audio content of 1460ms is already shorter than 1480ms"
    assert meaning(None, "invalid_request_error", message) is Meaning.INFORMATIONAL


@pytest.mark.parametrize(
    ("code", "kind"), [("rate_limit_exceeded", None), ("session_expired", None), (None, "server_error")]
)
def test_some_losses_are_worth_another_attempt(code: str | None, kind: str | None) -> None:
    assert meaning(code, kind) is Meaning.RETRYABLE


def test_our_own_mistakes_are_not_repeated_and_the_unknown_ends_no_call() -> None:
    assert meaning("unknown_parameter") is Meaning.OURS
    assert meaning("something_new", "invalid_request_error") is Meaning.OURS
    assert meaning("something_new") is Meaning.UNKNOWN
    assert meaning(None) is Meaning.UNKNOWN
