"""A function call runs once, is always answered, and one response follows when all are."""

from __future__ import annotations

import pytest

from agentlocator.call.commands import (
    AddToolCall,
    AddToolOutput,
    CancelResponse,
    InvokeTool,
    RaiseAlarm,
    RequestResponse,
)
from agentlocator.call.events import (
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTurnCommitted,
    ModelConnected,
    ModelDisconnected,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    StreamStarted,
    ToolFinished,
    ToolRequested,
)
from call.playbook import VOICE, Like, Line, configured, greeted

FOUND = '{"ok":true,"say":"יום ראשון בעשר"}'
SLOTS = '{"from":"2026-11-22"}'


def asked() -> Line:
    """The caller has asked for something, and the model has begun to respond."""
    return greeted().caller_turn("יש תור?").hears(ResponseStarted("r2")).meanwhile()


def calls(*names: str, response: str = "r2") -> list[ToolRequested]:
    return [ToolRequested(response, f"t{n}", name, SLOTS) for n, name in enumerate(names, start=1)]


@pytest.mark.requirement("R21")
def test_a_tool_runs_with_what_the_model_wrote_and_its_answer_is_spoken() -> None:
    line = asked()
    line.hears(*calls("calendar_find_slots")).does(InvokeTool("t1", "calendar_find_slots", SLOTS))
    line.hears(ResponseFinished("r2", "completed")).does_nothing()
    line.after(300).hears(ToolFinished("t1", FOUND)).does(AddToolOutput("t1", FOUND), RequestResponse)


@pytest.mark.requirement("R24")
def test_a_tool_call_carries_neither_business_nor_lead() -> None:
    assert set(InvokeTool.__struct_fields__) == {"tool_call_id", "name", "arguments"}


@pytest.mark.requirement("R21")
def test_a_fast_tool_is_answered_within_the_response_and_spoken_after_it() -> None:
    line = asked().hears(*calls("leads_search"), ToolFinished("t1", FOUND))
    line.does(InvokeTool, AddToolOutput("t1", FOUND))
    line.hears(ResponseFinished("r2", "completed")).does(RequestResponse)


@pytest.mark.requirement("R21")
def test_several_tools_are_all_answered_before_the_one_response() -> None:
    line = asked().hears(*calls("leads_search", "calendar_find_slots", "leads_upsert"))
    line.hears(ResponseFinished("r2", "completed")).does(InvokeTool, InvokeTool, InvokeTool)
    line.hears(ToolFinished("t2", FOUND)).does(AddToolOutput("t2", FOUND))
    line.hears(ToolFinished("t1", FOUND)).does(AddToolOutput("t1", FOUND))
    line.hears(ToolFinished("t3", FOUND)).does(AddToolOutput("t3", FOUND), RequestResponse)


@pytest.mark.requirement("R21")
def test_a_tool_that_is_done_before_the_next_is_called_asks_for_no_response_of_its_own() -> None:
    first, second = calls("leads_search", "calendar_find_slots")
    line = asked().hears(first, ToolFinished("t1", FOUND), second).meanwhile()
    line.hears(ResponseFinished("r2", "completed")).does_nothing()
    line.hears(ToolFinished("t2", FOUND)).does(AddToolOutput("t2", FOUND), RequestResponse)


@pytest.mark.requirement("R23")
def test_a_repeated_call_does_not_run_again() -> None:
    line = asked().hears(*calls("calendar_create_appointment")).does(InvokeTool)
    line.hears(*calls("calendar_create_appointment")).does_nothing()
    line.hears(ResponseFinished("r2", "completed"), ToolFinished("t1", FOUND)).meanwhile()
    line.hears(ResponseStarted("r3"), *calls("calendar_create_appointment", response="r3")).does_nothing()
    assert len(line.all(InvokeTool)) == 1


def test_an_answer_that_comes_twice_is_told_once() -> None:
    line = asked().hears(*calls("leads_search"), ToolFinished("t1", FOUND), ToolFinished("t1", "{}"))
    assert line.all(AddToolOutput) == [AddToolOutput("t1", FOUND)]


def test_an_answer_nobody_asked_for_is_nothing() -> None:
    asked().hears(ToolFinished("t9", FOUND)).does_nothing()


@pytest.mark.requirement("R50")
def test_a_tool_that_does_not_answer_is_given_up_and_its_late_answer_ignored() -> None:
    line = greeted(tool_timeout_ms=1_500, fillers=0).caller_turn("יש תור?").hears(ResponseStarted("r2"))
    line.hears(*calls("calendar_find_slots"), ResponseFinished("r2", "completed")).meanwhile()
    line.after(1_499).does_nothing()
    line.after(1).does(
        RaiseAlarm("tool_timed_out", "calendar_find_slots"), Like(AddToolOutput, tool_call_id="t1"), RequestResponse
    )
    assert '"ok":false' in line.last(AddToolOutput).output
    line.hears(ToolFinished("t1", FOUND)).does_nothing()


@pytest.mark.requirement("R23")
def test_a_tool_called_by_an_answer_the_caller_interrupted_is_not_run() -> None:
    line = greeted().caller_turn().answers("אני מזמין לך עכשיו תור", 4_000, response="r5", status=None).after(1_000)
    line.caller_interrupts()
    assert line.last(CancelResponse) == CancelResponse("r5")
    line.meanwhile().hears(*calls("calendar_create_appointment", response="r5"))
    line.does(Like(AddToolOutput, tool_call_id="t1"))
    assert '"ok":false' in line.last(AddToolOutput).output
    assert line.all(InvokeTool) == []


def test_a_caller_who_speaks_while_a_tool_runs_is_answered_and_the_tool_goes_on() -> None:
    line = asked().hears(*calls("calendar_find_slots"), ResponseFinished("r2", "completed")).meanwhile()
    line.hears(CallerSpeechStarted("u2"), ToolFinished("t1", FOUND)).does(AddToolOutput("t1", FOUND))
    line.after(300).does_nothing()
    line.hears(CallerSpeechStopped("u2"), CallerTurnCommitted("u2")).does(RequestResponse)


@pytest.mark.requirement("R23")
def test_a_new_session_learns_what_was_called_and_answered_instead_of_doing_it_again() -> None:
    line = asked().hears(*calls("calendar_create_appointment", "leads_upsert"), ToolFinished("t1", FOUND))
    line.hears(ModelDisconnected("reset")).after(100).hears(ToolFinished("t2", '{"ok":true}'))
    assert AddToolOutput("t2", '{"ok":true}') not in line.all(AddToolOutput), "there is nobody to tell"
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    told = [c for at_ms, c in line.history if at_ms == line.now_ms and isinstance(c, AddToolCall | AddToolOutput)]
    assert told == [
        AddToolCall("t1", "calendar_create_appointment", SLOTS),
        AddToolOutput("t1", FOUND),
        AddToolCall("t2", "leads_upsert", SLOTS),
        AddToolOutput("t2", '{"ok":true}'),
    ]
    assert len(line.all(InvokeTool)) == 2


def test_a_tool_called_before_the_greeting_is_known_to_the_next_session() -> None:
    line = configured().hears(StreamStarted("MZ1"), ResponseStarted("r2"), *calls("leads_search"))
    line.hears(ModelDisconnected("reset")).after(50).hears(ModelConnected(), SessionConfirmed(VOICE))
    line.hears(ToolFinished("t1", FOUND))
    assert [c for _, c in line.history if isinstance(c, AddToolCall | AddToolOutput)] == [
        AddToolCall("t1", "leads_search", SLOTS),
        AddToolOutput("t1", FOUND),
    ]
