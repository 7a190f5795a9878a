"""Somebody of the business steps in while a call runs: he ends it, or has it handed to a number of the business."""

from __future__ import annotations

import pytest

from agentlocator.call import cues, journal
from agentlocator.call.commands import ClearPlayout, CloseModel, EndStream, FinishCall, RecordTurn, RequestResponse
from agentlocator.call.events import (
    PersonEndedCall,
    PersonTookOver,
)
from call.playbook import Like, answering, clinic, greeted

pytestmark = pytest.mark.requirement("R51")

DESK = "דלפק הקבלה"


def test_a_person_ends_the_call_and_not_another_word_is_heard() -> None:
    line = answering(ms=6_000).hears(PersonEndedCall())
    line.does(
        ClearPlayout,
        EndStream("ended_by_person"),
        Like(RecordTurn, interrupted=True),
        CloseModel,
        Like(FinishCall, outcome="ended_by_person"),
    )
    assert line.call.over


def test_a_call_that_is_taken_over_is_announced_and_then_put_through() -> None:
    line = clinic(DESK).hears(PersonTookOver(DESK)).does(Like(RequestResponse, cue=cues.ANNOUNCE_TRANSFER))
    line.answers("רגע אחד, השיחה מועברת.", 1_500).until(EndStream)
    assert line.last(EndStream) == EndStream("transferred", DESK)
    assert line.last(FinishCall).outcome == "transferred"


def test_a_person_s_wish_is_not_taken_back_by_a_caller_who_speaks() -> None:
    line = clinic(DESK).hears(PersonTookOver(DESK)).answers("רגע אחד, השיחה מועברת.", 1_500)
    line.caller_interrupts().until(EndStream, within_ms=15_000)
    assert line.last(EndStream) == EndStream("transferred", DESK)


def test_asking_twice_is_asking_once() -> None:
    line = clinic(DESK).hears(PersonTookOver(DESK)).meanwhile()
    line.hears(PersonTookOver(DESK)).does_nothing()


def test_a_call_goes_only_where_its_business_sends_calls() -> None:
    clinic(DESK).hears(PersonTookOver("יוסי, מנהל המוסך"), PersonTookOver("+972501111111")).does_nothing()
    greeted().hears(PersonTookOver(DESK)).does_nothing()


def test_what_a_person_did_is_in_the_journal_and_replays() -> None:
    line = clinic(DESK).hears(PersonTookOver(DESK)).answers("רגע אחד, השיחה מועברת.", 1_500).after(500)
    line.hears(PersonEndedCall())
    done: list[str] = []
    _, divergences = journal.replay(line.lines, lambda entry, _: done.append(type(entry.event).__name__))
    assert divergences == []
    assert {"PersonTookOver", "PersonEndedCall"} <= set(done)
