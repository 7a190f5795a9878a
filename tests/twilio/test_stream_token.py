"""A ticket to one call's stream: genuine, fresh, and with one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.twilio.errors import LocalProtocolError
from agentlocator.twilio.stream_token import StreamClaim, digest, issue, read

SECRET = "a secret of the deployment's own"
CALL = "CA1f4a6b0c7d8e49b2a3c5d6e7f8091a2b"
NOW_S = 1_795_248_000.25


def test_a_fresh_token_says_whose_call_it_is() -> None:
    token = issue(SECRET, CALL, 7, NOW_S)
    assert read(SECRET, token, NOW_S + 59) == StreamClaim(CALL, 7, NOW_S + 60)


def test_a_token_is_good_for_a_minute() -> None:
    token = issue(SECRET, CALL, 7, NOW_S)
    assert read(SECRET, token, NOW_S + 60) is None
    assert read(SECRET, issue(SECRET, CALL, 7, NOW_S, ttl_s=5), NOW_S + 5) is None


def test_a_token_of_another_deployment_opens_nothing() -> None:
    assert read("another secret", issue(SECRET, CALL, 7, NOW_S), NOW_S) is None
    assert read("", issue(SECRET, CALL, 7, NOW_S), NOW_S) is None
    with pytest.raises(LocalProtocolError, match="secret"):
        issue("", CALL, 7, NOW_S)


def test_a_token_travels_in_a_url_and_a_parameter() -> None:
    token = issue(SECRET, CALL, 2**31, NOW_S)
    assert len(token) < 400
    assert all(character.isascii() and (character.isalnum() or character in "-_.") for character in token)
    with pytest.raises(LocalProtocolError, match="400"):
        issue(SECRET, "C" * 400, 7, NOW_S)


def test_no_change_of_any_character_leaves_a_token_valid() -> None:
    token = issue(SECRET, CALL, 7, NOW_S)
    for place, character in enumerate(token):
        for other in "AQgw-_.=":
            forged = token[:place] + other + token[place + 1 :]
            assert other == character or read(SECRET, forged, NOW_S) is None
    assert read(SECRET, token + "=", NOW_S) is None


def test_a_used_token_is_remembered_by_a_digest_that_does_not_give_it_away() -> None:
    token, later = issue(SECRET, CALL, 7, NOW_S), issue(SECRET, CALL, 7, NOW_S + 1)
    assert digest(token) == digest(token)
    assert digest(token) != digest(later)
    assert len(digest(token)) == 64
    assert token not in digest(token)


@given(st.text(max_size=500))
def test_arbitrary_text_is_no_token_and_no_error(text: str) -> None:
    assert read(SECRET, text, NOW_S) is None
    assert len(digest(text)) == 64
