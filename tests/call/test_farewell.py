"""Who may end a call, what is said then, and who may still take it back."""

from __future__ import annotations

import pytest

from agentlocator.call import cues
from agentlocator.call.farewell import END_CALL, TRANSFER, Ending, Farewell
from agentlocator.call.gate import Want
from agentlocator.call.policy import CallBrief, CallPolicy

DESK, MANAGER = "דלפק הקבלה", "מנהלת המרפאה"
TO_MANAGER = '{"to":"מנהלת המרפאה","summary":"דנה, רוצה להזיז תור"}'


def farewell(*people: str) -> Farewell:
    """Of a call that goes on, at a business with these people behind it."""
    policy = CallPolicy(farewell_timeout_ms=12_000, farewell_pause_ms=600)
    return Farewell(CallBrief("CA1", "שלום", policy, transfer_targets=people))


@pytest.mark.parametrize(
    ("outcome", "cue", "revocable"),
    [
        ("caller_silent", cues.FAREWELL_SILENCE, True),
        ("max_length", cues.FAREWELL_TIME, False),
        ("server_stopping", cues.FAREWELL_STOPPING, False),
    ],
)
def test_the_core_says_why_it_ends_a_call_and_only_a_silent_caller_can_change_its_mind(
    outcome: str, cue: str, revocable: bool
) -> None:
    leaving = farewell()
    assert leaving.begin(outcome, 1_000) == Want(cue)
    assert leaving.take_back() is revocable
    assert (leaving.ending is None) is revocable


def test_the_first_reason_is_the_one_that_counts() -> None:
    leaving = farewell(DESK)
    leaving.begin("server_stopping", 1_000)
    assert leaving.begin("max_length", 2_000) is None
    assert leaving.obey(TRANSFER, "{}", 2_000), "the model is not told that it came too late"
    assert leaving.ending == Ending("server_stopping", 13_000)


def test_the_model_hangs_up_and_is_asked_for_a_goodbye_it_has_not_said() -> None:
    leaving = farewell()
    assert leaving.obey(END_CALL, "{}", 1_000)
    assert leaving.announcement == Want(cues.FAREWELL)


def test_a_call_that_goes_on_has_nothing_to_announce() -> None:
    leaving = farewell()
    leaving.obey(END_CALL, "{}", 1_000)
    leaving.take_back()
    assert leaving.announcement is None


def test_the_model_hands_the_caller_to_whom_it_names_and_says_what_he_wants() -> None:
    leaving = farewell(DESK, MANAGER)
    assert leaving.obey(TRANSFER, TO_MANAGER, 1_000)
    assert leaving.ending == Ending("transferred", 13_000, True, MANAGER, "דנה, רוצה להזיז תור")
    assert leaving.announcement == Want(cues.ANNOUNCE_TRANSFER)


def test_whom_the_business_has_not_named_nobody_is_handed_to() -> None:
    leaving = farewell(DESK)
    assert not leaving.obey(TRANSFER, TO_MANAGER, 1_000)
    assert leaving.put_through(MANAGER, 1_000) is None
    assert leaving.ending is None


def test_a_persons_wish_goes_before_whatever_was_decided_and_before_a_second_persons() -> None:
    leaving = farewell(DESK, MANAGER)
    leaving.begin("max_length", 1_000)
    assert leaving.put_through(DESK, 2_000) == Want(cues.ANNOUNCE_TRANSFER)
    assert leaving.ending == Ending("transferred", 14_000, transfer_to=DESK)
    assert leaving.put_through(MANAGER, 3_000) is None
    assert not leaving.take_back()


def test_the_call_is_over_a_moment_after_the_last_word_or_when_that_takes_too_long() -> None:
    leaving = farewell()
    assert leaving.due_ms(quiet_since_ms=500) is None
    leaving.obey(END_CALL, "{}", 1_000)
    assert leaving.due_ms(quiet_since_ms=None) == 13_000
    assert leaving.due_ms(quiet_since_ms=4_000) == 4_600
