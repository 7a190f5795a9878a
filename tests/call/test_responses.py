"""One response at a time, and none that ends too soon is left at that."""

from __future__ import annotations

from typing import Any

import pytest

from agentlocator.call import cues
from agentlocator.call.commands import (
    CancelResponse,
    EndStream,
    FinishCall,
    OpenModel,
    PlayFrame,
    RaiseAlarm,
    RecordTurn,
    RequestResponse,
)
from agentlocator.call.events import (
    AssistantAudioFinished,
    AssistantAudioProduced,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTurnCommitted,
    ModelErrored,
    ResponseFinished,
    ResponseStarted,
    StreamStarted,
)
from agentlocator.call.gate import ANSWER, GateState, ResponseGate, Want
from agentlocator.call.policy import CallPolicy
from agentlocator.call.responses import Responses, Worth
from call.playbook import Like, configured, greeted, speech, spoken

ACTIVE = "conversation_already_has_active_response"


def test_a_second_wish_waits_for_the_first_response() -> None:
    line = greeted().caller_turn(item="u1").does(RequestResponse, RecordTurn)
    line.hears(ResponseStarted("r2"), AssistantAudioProduced("r2", "i2", speech(200)))
    line.hears(CallerTurnCommitted("u2")).does_nothing()
    line.hears(AssistantAudioFinished("i2"), ResponseFinished("r2", "completed")).does(RequestResponse)


def test_a_response_the_server_began_by_itself_is_waited_for() -> None:
    line = greeted().hears(ResponseStarted("rx"), CallerTurnCommitted("u1")).does_nothing()
    line.hears(AssistantAudioProduced("rx", "ix", speech(100)), AssistantAudioFinished("ix"))
    line.hears(ResponseFinished("rx", "completed")).does(RequestResponse)


def test_our_request_that_crossed_the_servers_own_response_is_made_again_after_it() -> None:
    line = greeted().caller_turn().meanwhile()
    ours = line.last(RequestResponse)
    line.hears(ResponseStarted("rx"), ModelErrored(ACTIVE, "rx is active", ours.event_id)).does_nothing()
    line.hears(*spoken("rx", "ix", "רגע", speech(100)), AssistantAudioFinished("ix"))
    line.hears(ResponseFinished("rx", "completed")).does(RequestResponse)
    assert line.last(RequestResponse).cue == ours.cue
    assert line.last(RequestResponse).event_id != ours.event_id


def test_a_refusal_that_names_no_request_still_means_ours() -> None:
    line = greeted().caller_turn().meanwhile()
    line.hears(ModelErrored(ACTIVE)).does_nothing()
    line.hears(ResponseFinished("rx", "completed")).after(600).does(RequestResponse)


def test_a_caller_who_goes_on_after_a_breath_stops_the_answer_to_half_a_sentence() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2")).meanwhile()
    line.hears(CallerSpeechStarted("u2")).does(CancelResponse("r2"))
    line.hears(AssistantAudioProduced("r2", "i2", speech(400))).after(100)
    line.hears(ResponseFinished("r2", "cancelled")).does_nothing()
    line.hears(CallerSpeechStopped("u2"), CallerTurnCommitted("u2")).does(RequestResponse)
    assert all(frame.response_id != "r2" for frame in line.all(PlayFrame))


def test_a_response_that_was_not_named_yet_is_cancelled_when_it_is() -> None:
    line = greeted().caller_turn().meanwhile()
    line.hears(CallerSpeechStarted("u2")).does_nothing()
    line.hears(ResponseStarted("r2")).does(CancelResponse("r2"))
    line.hears(CallerSpeechStopped("u2"), CallerTurnCommitted("u2")).does_nothing()
    line.hears(ResponseFinished("r2", "cancelled")).does(RequestResponse)


def test_nothing_is_asked_of_the_model_while_the_caller_talks() -> None:
    line = greeted().hears(CallerSpeechStarted("u1")).caller_says(ms=3_000).does_nothing()
    line.hears(CallerSpeechStopped("u1"), CallerTurnCommitted("u1")).does(RequestResponse)


@pytest.mark.requirement("R9")
def test_an_answer_cut_by_the_length_limit_is_continued_and_heard_without_a_seam() -> None:
    first, second = speech(1_000, 1), speech(500, 2)
    line = greeted().caller_turn().meanwhile()
    start, frames = len(line.played), len(line.all(PlayFrame))
    line.answers("התור ביום", audio=first, status="incomplete", reason="max_output_tokens")
    line.does(*[PlayFrame] * 3, Like(RequestResponse, cue=cues.CONTINUE))
    line.after(300).answers("ראשון בעשר", audio=second).after(2_000)

    assert line.played[start:] == first + second
    times = line.times(PlayFrame)[frames:]
    assert line.longest_silence_ms(times[0], times[-1]) == 20


@pytest.mark.requirement("R9")
def test_an_answer_without_end_is_not_continued_for_ever() -> None:
    line = greeted(continuations=2, silence_prompt_ms=60_000).caller_turn()
    for _ in range(4):
        line.answers("ועוד", 200, status="incomplete", reason="max_output_tokens").after(400)
    assert [request.cue for request in line.all(RequestResponse)].count(cues.CONTINUE) == 2


@pytest.mark.requirement("R9")
def test_what_the_caller_interrupted_is_not_continued() -> None:
    line = greeted().caller_turn().answers("ארוך מאוד", 4_000, response="r5", status=None).after(1_000)
    line.caller_interrupts()
    line.meanwhile().hears(ResponseFinished("r5", "incomplete", "max_output_tokens")).after(100).does_nothing()


def test_a_failed_response_is_asked_for_again_with_its_cue_after_a_pause() -> None:
    line = configured().hears(StreamStarted("MZ1"), ResponseStarted("r1"))
    line.hears(ResponseFinished("r1", "failed", code="server_error")).does_nothing()
    line.after(399).does_nothing()
    line.after(1).does(Like(RequestResponse, cue=cues.greet(line.brief.greeting)))


def test_an_empty_response_counts_as_failed() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2")).meanwhile()
    line.hears(ResponseFinished("r2", "completed")).after(500).does(RequestResponse)


def test_after_too_many_failures_the_caller_is_handed_to_the_crash_net() -> None:
    line = greeted(response_retries=2).caller_turn()
    for n in range(3):
        line.hears(ResponseStarted(f"f{n}"), ResponseFinished(f"f{n}", "failed", code="server_error")).after(500)
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == "model_lost"
    assert "server_error" in line.last(RaiseAlarm).detail


def test_a_failure_that_will_not_pass_is_not_tried_again() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2"))
    line.hears(ResponseFinished("r2", "failed", code="insufficient_quota", fatal=True))
    assert line.last(FinishCall).outcome == "model_lost"
    assert len(line.all(RequestResponse)) == 2


def test_a_model_that_is_stuck_is_left_for_a_new_connection() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2")).meanwhile()
    line.after(line.call.policy.stall_ms + 100)
    assert len(line.all(OpenModel)) == 2


def test_a_late_end_of_another_response_frees_nothing() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r8"), CallerTurnCommitted("u3")).meanwhile()
    line.hears(ResponseFinished("r7", "completed")).does_nothing()


def test_equal_wishes_are_one_and_the_oldest_is_granted_first() -> None:
    gate = ResponseGate()
    gate.want(Want("hello"))
    gate.want(ANSWER)
    gate.want(Want("hello"))
    assert gate.request(0) == ("response-1", Want("hello"))
    assert gate.request(0) is None
    gate.started("r1", 10)
    assert gate.state is GateState.ACTIVE
    gate.finished("r1")
    assert gate.request(20) == ("response-2", ANSWER)
    gate.reset()
    assert gate.request(30) is None


def test_a_wish_is_not_granted_before_its_time() -> None:
    gate = ResponseGate()
    gate.want(ANSWER, not_before_ms=400)
    assert gate.request(399) is None
    assert gate.request(400) == ("response-1", ANSWER)


# By themselves: what each response was worth, and what is asked for after it.


def under_way(want: Want = ANSWER, **policy: Any) -> tuple[ResponseGate, Responses]:
    """The model was asked for this at 0 and has begun."""
    gate = ResponseGate()
    responses = Responses(CallPolicy(**policy), gate)
    gate.want(want)
    assert responses.request(0) == [RequestResponse("response-1", want.cue)]
    assert responses.started("r1", 10) == []
    return gate, responses


@pytest.mark.parametrize(
    ("finished", "worth"),
    [
        (ResponseFinished("r1", "completed"), Worth.WHOLE),
        (ResponseFinished("r1", "incomplete", "max_output_tokens"), Worth.CUT),
        (ResponseFinished("r1", "incomplete", "content_filter"), Worth.NOTHING),
        (ResponseFinished("r1", "failed"), Worth.FAILED),
        (ResponseFinished("r1", "failed", fatal=True), Worth.HOPELESS),
        (ResponseFinished("r1", "cancelled"), Worth.NOTHING),
        (ResponseFinished("r7", "completed"), Worth.NOTHING),
    ],
)
def test_a_response_that_spoke_is_worth_what_its_end_says(finished: ResponseFinished, worth: Worth) -> None:
    _, responses = under_way()
    responses.sounded(20)
    assert responses.finished(finished, 30) is worth


def test_what_was_cut_goes_on_before_all_else_and_as_protected_as_it_was() -> None:
    gate, responses = under_way(Want("notice", protected=True))
    gate.want(Want("greeting"))
    responses.sounded(20)
    responses.finished(ResponseFinished("r1", "incomplete", "max_output_tokens"), 30)
    assert gate.next == Want(cues.CONTINUE, protected=True)
    assert responses.is_protected("r1")


def test_an_answer_that_failed_is_asked_for_again_after_a_pause_until_that_is_hopeless() -> None:
    gate, responses = under_way(Want("greeting"), response_retries=1, retry_pause_ms=400)
    assert responses.finished(ResponseFinished("r1", "failed"), 100) is Worth.FAILED
    assert (gate.next, gate.not_before_ms) == (Want("greeting"), 500)
    responses.request(500)
    responses.started("r2", 510)
    assert responses.finished(ResponseFinished("r2", "completed"), 600) is Worth.HOPELESS, "it brought nothing"


def test_only_what_nobody_has_heard_yet_is_taken_back() -> None:
    _, responses = under_way(Want("goodbye"))
    assert responses.take_back([ANSWER], 20) == []
    responses.sounded(30)
    assert responses.take_back([Want("goodbye")], 40) == []
    _, responses = under_way(Want("goodbye"))
    assert responses.take_back([Want("goodbye")], 20) == [CancelResponse("r1")]
    assert not responses.is_heeded("r1")


def test_nothing_of_a_lost_session_is_waited_for() -> None:
    gate, responses = under_way()
    gate.want(Want("later"))
    responses.session_lost()
    assert not responses.is_heeded("r1")
    assert not gate.under_way
