"""The link to the model breaks: three attempts, two seconds of patience, and a memory for the next session."""

from __future__ import annotations

import pytest

from agentlocator.call import cues
from agentlocator.call.commands import (
    AddMessage,
    AppendAudio,
    CloseModel,
    Command,
    ConfigureSession,
    EndStream,
    FinishCall,
    OpenModel,
    RaiseAlarm,
    ReportSession,
    RequestResponse,
)
from agentlocator.call.events import (
    AssistantAudioProduced,
    AssistantTextProduced,
    CallerTurnCommitted,
    CallOffered,
    ModelConnected,
    ModelDisconnected,
    ResponseStarted,
    SessionConfirmed,
    StreamStarted,
)
from call.playbook import GREETING, VOICE, Like, Line, answering, greeted, speech

LOST = ModelDisconnected("the connection broke")


def since(line: Line, at_ms: int, *kinds: type[Command]) -> list[Command]:
    return [command for time_ms, command in line.history if time_ms >= at_ms and isinstance(command, kinds)]


@pytest.mark.requirement("R1")
def test_a_broken_session_is_followed_at_once_by_another_with_its_own_configuration() -> None:
    line = greeted().hears(LOST).does(OpenModel(1))
    line.after(200).hears(ModelConnected()).does(ConfigureSession())
    line.after(100).hears(SessionConfirmed(VOICE)).does(ReportSession(VOICE), AddMessage("assistant", GREETING))
    assert not line.call.over


def test_the_new_session_is_told_what_was_said_in_order_and_only_what_was_heard() -> None:
    line = greeted().caller_turn("יש תור?").answers("יש ביום ראשון בעשר", 4_000).after(2_000).caller_interrupts()
    line.caller_turn("לא, ביום שני", item="u2").hears(LOST).after(100)
    at_ms = line.now_ms
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    told = since(line, at_ms, AddMessage)
    assert told[0] == AddMessage("assistant", GREETING)
    assert told[1] == AddMessage("user", "יש תור?")
    cut = told[2]
    assert isinstance(cut, AddMessage)
    assert cut.role == "assistant"
    assert "יש ביום ראשון בעשר".startswith(cut.text)
    assert cut.text != "יש ביום ראשון בעשר"
    assert told[3] == AddMessage("user", "לא, ביום שני")
    assert line.last(RequestResponse).cue == cues.RESUME_AFTER_LOSS


def test_speech_that_was_generated_goes_on_and_the_caller_notices_nothing() -> None:
    audio = speech(4_000, 8)
    line = greeted().caller_turn()
    start, began_ms = len(line.played), line.now_ms
    line.answers("תשובה", audio=audio).after(500).hears(LOST).after(300)
    line.hears(ModelConnected(), SessionConfirmed(VOICE)).after(4_000)
    assert line.played[start:] == audio
    assert line.longest_silence_ms(began_ms, began_ms + 3_900) <= 20
    requests = len(line.all(RequestResponse))
    assert line.meanwhile().after(500).all(RequestResponse)[requests:] == [], "it owes nobody an answer"


def test_a_response_cut_in_the_middle_is_taken_up_again() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r2"), AssistantTextProduced("r2", "i2", "יש לי"))
    line.hears(AssistantAudioProduced("r2", "i2", speech(400))).after(300).hears(LOST).after(100).meanwhile()
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    assert line.last(RequestResponse).cue == cues.RESUME_AFTER_LOSS


def test_a_call_that_was_not_greeted_yet_is_greeted_by_the_next_session() -> None:
    line = Line().hears(CallOffered(), StreamStarted("MZ1"), ModelConnected(), SessionConfirmed(VOICE))
    line.hears(LOST).after(100).hears(ModelConnected(), SessionConfirmed(VOICE))
    assert [request.cue for request in line.all(RequestResponse)] == [cues.greet(GREETING)] * 2


def test_three_attempts_and_then_the_crash_net() -> None:
    line = Line().hears(CallOffered(), StreamStarted("MZ1"))
    for _ in range(3):
        line.hears(ModelDisconnected("refused")).after(700)
    assert [opening.attempt for opening in line.all(OpenModel)] == [1, 2, 3]
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == "model_lost"
    assert line.last(RaiseAlarm) == RaiseAlarm("model_lost", "refused")


def test_each_retry_waits_a_little_longer() -> None:
    line = Line().hears(CallOffered())
    line.hears(LOST).after(1_000).hears(LOST).after(1_000)
    first, second, third = line.times(OpenModel)
    assert (second - first, third - 1_000) == (300, 600)


def test_a_session_that_spoke_gives_the_next_loss_a_new_count() -> None:
    line = greeted(silence_prompt_ms=60_000)
    for _ in range(6):
        line.hears(LOST).after(50).hears(ModelConnected(), SessionConfirmed(VOICE))
        line.hears(CallerTurnCommitted("u")).answers("כן", 200).after(400)
    assert not line.call.over
    assert {opening.attempt for opening in line.all(OpenModel)} == {1}


def test_a_refusal_that_will_not_pass_is_not_tried_again() -> None:
    line = greeted().hears(ModelDisconnected("HTTP 401", fatal=True))
    assert len(line.all(OpenModel)) == 1
    assert line.last(FinishCall).outcome == "model_lost"


@pytest.mark.parametrize("speaks_ms", [0, 3_000])
def test_a_caller_who_is_owed_an_answer_hears_no_more_than_two_seconds_of_nothing(speaks_ms: int) -> None:
    line = greeted().caller_turn()
    if speaks_ms:
        line.answers("משהו ארוך", speaks_ms, status=None)
    lost_ms = line.now_ms
    line.hears(LOST).until(EndStream)
    assert line.longest_silence_ms(lost_ms, line.times(EndStream)[0]) <= 2_000 + line.call.policy.playout_lead_ms
    assert line.last(EndStream).outcome == "model_lost"


@pytest.mark.requirement("R3")
def test_no_caller_audio_goes_to_a_session_that_is_not_confirmed_again() -> None:
    line = greeted().hears(LOST)
    heard = len(line.all(AppendAudio))
    line.after(200).hears(ModelConnected()).after(100)
    assert len(line.all(AppendAudio)) == heard
    line.hears(SessionConfirmed(VOICE)).after(100)
    assert len(line.all(AppendAudio)) > heard


def test_a_server_that_takes_too_long_is_left() -> None:
    line = Line(connect_timeout_ms=1_000).hears(CallOffered()).meanwhile()
    line.at(1_000).does(CloseModel())
    line.at(1_300).does(OpenModel(2))


def test_a_session_near_its_longest_age_is_renewed_when_nobody_speaks() -> None:
    line = greeted(session_max_ms=10_000, silence_prompt_ms=60_000).at(9_000).caller_turn().answers("תשובה", 3_000)
    line.meanwhile().after(2_900).does_nothing()
    line.until(OpenModel).meanwhile().after(100)
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    assert line.last(AddMessage).text == "תשובה"
    line.meanwhile().after(500).does_nothing()


def test_a_lost_link_before_the_stream_is_the_same_and_the_stream_finds_the_greeting() -> None:
    line = Line().hears(CallOffered(), LOST).after(400).hears(ModelConnected(), SessionConfirmed(VOICE))
    line.answers(GREETING, 500).after(100).hears(StreamStarted("MZ1")).after(800)
    assert len(line.played) == 500 * 8
    line.meanwhile().hears(LOST).does(Like(OpenModel, attempt=1))


def test_what_the_assistant_is_saying_is_known_to_the_new_session() -> None:
    line = answering(6_000, "יש תור פנוי ביום שלישי").hears(LOST).after(100).meanwhile()
    line.hears(ModelConnected(), SessionConfirmed(VOICE))
    assert line.last(AddMessage).text.startswith("יש תור פנוי")


def test_a_caller_is_not_left_in_silence_while_the_first_connection_hangs() -> None:
    line = Line().hears(CallOffered()).at(500).hears(StreamStarted("MZ1")).until(EndStream)
    assert line.now_ms - 500 <= line.call.policy.dead_air_ms + 100
    assert line.last(EndStream).outcome == "model_lost"
