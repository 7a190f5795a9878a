"""Who may end a call, what is said then, and who may still take it back."""

from __future__ import annotations

import pytest

from agentlocator.call import cues
from agentlocator.call.farewell import END_CALL, TRANSFER, Ending, Farewell
from agentlocator.call.gate import ANSWER, ResponseGate, Want
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallBrief, CallPolicy

DESK, MANAGER = "דלפק הקבלה", "מנהלת המרפאה"
TO_MANAGER = '{"to":"מנהלת המרפאה","summary":"דנה, רוצה להזיז תור"}'


class Stage:
    """A call that goes on, at a business with these people behind it."""

    def __init__(self, *people: str) -> None:
        policy = CallPolicy(farewell_timeout_ms=12_000, farewell_pause_ms=600)
        self.gate = ResponseGate()
        self.farewell = Farewell(CallBrief("CA1", "שלום", policy, transfer_targets=people), self.gate)

    def says(self, cue: str | None) -> None:
        """The assistant is asked to say this, and nothing else."""
        assert self.gate.next == (None if cue is None else Want(cue))
        self.gate.drop_wishes()


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
    stage = Stage()
    stage.gate.want(ANSWER)
    stage.farewell.begin(outcome, 1_000)
    assert stage.farewell.take_back() is revocable
    assert (stage.farewell.ending is None) is revocable
    stage.says(None if revocable else cue)


def test_the_first_reason_is_the_one_that_counts() -> None:
    stage = Stage(DESK)
    stage.farewell.begin("server_stopping", 1_000)
    stage.farewell.begin("max_length", 2_000)
    assert stage.farewell.obey(TRANSFER, "{}", 2_000), "the model is not told that it came too late"
    assert stage.farewell.ending == Ending("server_stopping", 13_000)
    stage.says(cues.FAREWELL_STOPPING)


def test_the_model_hangs_up_and_is_asked_for_a_goodbye_it_has_not_said() -> None:
    stage = Stage()
    assert stage.farewell.obey(END_CALL, "{}", 1_000)
    stage.says(None)
    stage.farewell.announce()
    stage.says(cues.FAREWELL)


def test_a_goodbye_that_was_taken_back_before_it_was_begun_is_not_wanted_any_more() -> None:
    stage = Stage()
    stage.farewell.obey(END_CALL, "{}", 1_000)
    stage.farewell.announce()
    assert stage.farewell.take_back()
    stage.says(None)
    stage.farewell.announce()
    stage.says(None)


def test_the_model_hands_the_caller_to_whom_it_names_and_says_what_he_wants() -> None:
    stage = Stage(DESK, MANAGER)
    assert stage.farewell.obey(TRANSFER, TO_MANAGER, 1_000)
    assert stage.farewell.ending == Ending("transferred", 13_000, True, MANAGER, "דנה, רוצה להזיז תור")
    stage.farewell.announce()
    stage.says(cues.ANNOUNCE_TRANSFER)


def test_whom_the_business_has_not_named_nobody_is_handed_to() -> None:
    stage = Stage(DESK)
    assert not stage.farewell.obey(TRANSFER, TO_MANAGER, 1_000)
    stage.farewell.put_through(MANAGER, 1_000)
    assert stage.farewell.ending is None
    stage.says(None)


def test_a_persons_wish_goes_before_whatever_was_decided_and_before_a_second_persons() -> None:
    stage = Stage(DESK, MANAGER)
    stage.farewell.begin("max_length", 1_000)
    stage.farewell.put_through(DESK, 2_000)
    stage.farewell.put_through(MANAGER, 3_000)
    assert stage.farewell.ending == Ending("transferred", 14_000, transfer_to=DESK)
    assert not stage.farewell.take_back()
    stage.says(cues.ANNOUNCE_TRANSFER)


def test_the_call_is_over_a_moment_after_the_last_word_or_when_that_takes_too_long() -> None:
    farewell = Stage().farewell
    quiet = Mood(5_000, live=True, sound_ended_ms=4_000)
    assert farewell.due_ms(quiet) is None
    farewell.obey(END_CALL, "{}", 1_000)
    assert farewell.due_ms(quiet) == 4_600
    assert farewell.due_ms(Mood(5_000, live=True, assistant_speaking=True)) == 13_000
