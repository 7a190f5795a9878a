"""From the first ring to the last frame: how a call begins, and every way in which it ends."""

from __future__ import annotations

import pytest

from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.call import cues
from agentlocator.call.commands import (
    AppendAudio,
    CancelResponse,
    CloseModel,
    ConfigureSession,
    EndStream,
    FinishCall,
    OpenModel,
    PlayFrame,
    RaiseAlarm,
    RecordTurn,
    ReportSession,
    RequestResponse,
)
from agentlocator.call.events import (
    AssistantAudioProduced,
    CallerAudio,
    CallerHungUp,
    CallOffered,
    ModelConnected,
    ModelErrored,
    ResponseFinished,
    ResponseStarted,
    ServerStopping,
    SessionConfirmed,
    StreamStarted,
)
from call.playbook import GREETING, VOICE, Like, Line, answering, configured, greeted, speech


@pytest.mark.requirement("R1")
def test_a_call_from_ring_to_hang_up_is_one_conversation_with_one_model() -> None:
    line = Line()
    line.hears(CallOffered()).does(OpenModel(1))
    line.at(100).hears(ModelConnected()).does(ConfigureSession())
    line.at(150).hears(SessionConfirmed(VOICE)).does(
        ReportSession(VOICE), RequestResponse("response-1", cues.greet(GREETING))
    )
    line.at(200).answers(GREETING, 1_000).does_nothing()
    line.at(300).hears(StreamStarted("MZ1")).does(PlayFrame, PlayFrame, PlayFrame)
    line.at(1_400).does(*[PlayFrame] * 47, Like(RecordTurn, speaker="assistant", text=GREETING, heard_ms=1_000))
    line.caller_turn("יש תור ביום ראשון?").does(
        RequestResponse("response-2"), Like(RecordTurn, speaker="caller", text="יש תור ביום ראשון?")
    )
    line.answers("כן, בעשר.", 800).after(1_000).does(Like(RecordTurn, speaker="assistant", text="כן, בעשר."))
    line.hears(CallerHungUp("stop")).does(
        CloseModel(),
        Like(FinishCall, outcome="caller_hung_up", detail="stop", tx=90, produced_ms=1_800, heard_ms=1_800),
    )
    assert len(line.all(OpenModel)) == 1


@pytest.mark.requirement("R4")
def test_the_greeting_is_spoken_by_the_model_in_the_words_of_the_business() -> None:
    line = Line("מוסך הצפון, שלום")
    line.hears(CallOffered(), ModelConnected(), SessionConfirmed(VOICE))
    (request,) = line.all(RequestResponse)
    assert request.cue is not None
    assert "מוסך הצפון, שלום" in request.cue
    line.hears(StreamStarted("MZ1")).after(2_000)
    assert line.played == b"", "nothing is heard that the model did not say"


@pytest.mark.requirement("R4")
def test_a_greeting_made_while_the_carrier_connects_leaves_with_the_streams_first_moment() -> None:
    greeting = speech(1_000)
    line = configured().answers(GREETING, audio=greeting).at(2_000)
    assert line.played == b""
    line.hears(StreamStarted("MZ1"))
    assert line.times(PlayFrame) == [2_000] * 3
    assert line.after(1_500).played == greeting


@pytest.mark.requirement("R3")
def test_the_caller_is_not_heard_before_the_session_is_confirmed_nor_before_the_greeting() -> None:
    line = Line()
    line.hears(CallOffered(), StreamStarted("MZ1")).at(500).hears(ModelConnected()).at(1_000)
    line.caller_says("הלו?", 400)
    assert line.forwarded == b""

    line.hears(SessionConfirmed(VOICE)).after(100)
    assert line.forwarded == b"", "what he says before he was greeted answers nothing"
    line.answers(GREETING, 500).after(700).caller_sound = None
    line.caller_says("יש לי שאלה", 200)
    assert line.times(AppendAudio)[0] > line.times(ReportSession)[0]


@pytest.mark.requirement("R3")
def test_a_session_with_another_sound_format_is_not_spoken_through() -> None:
    line = Line()
    line.hears(CallOffered(), StreamStarted("MZ1"), ModelConnected()).meanwhile()
    line.hears(SessionConfirmed(VOICE, ("input.format is audio/pcm",), usable=False))
    assert [alarm.code for alarm in line.all(RaiseAlarm)] == ["session_differs", "model_lost"]
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == "model_lost"
    assert line.all(RequestResponse) == []


@pytest.mark.requirement("R2")
def test_a_line_with_another_sound_format_is_left_for_a_person_before_anything_is_said_on_it() -> None:
    line = configured().answers(GREETING, 1_000).at(300)
    line.hears(StreamStarted("MZ1", "the media stream announces encoding audio/x-alaw")).does(
        RaiseAlarm("line_unusable", "the media stream announces encoding audio/x-alaw"),
        EndStream("line_unusable"),
        Like(RaiseAlarm, code="nothing_sent"),
        CloseModel(),
        Like(FinishCall, outcome="line_unusable", detail="the media stream announces encoding audio/x-alaw", tx=0),
    )
    assert line.all(PlayFrame) == []


@pytest.mark.requirement("R3")
def test_a_difference_that_can_be_lived_with_is_an_alarm_and_the_call_goes_on() -> None:
    line = Line()
    line.hears(CallOffered(), ModelConnected()).meanwhile()
    line.hears(SessionConfirmed("alloy", ("voice is alloy",))).does(
        RaiseAlarm("session_differs", "voice is alloy"), ReportSession("alloy"), RequestResponse
    )


def test_a_refused_configuration_is_not_sent_again() -> None:
    line = Line()
    line.hears(CallOffered(), StreamStarted("MZ1"), ModelConnected()).meanwhile()
    line.hears(ModelErrored("unknown_parameter", "session.speed", ConfigureSession().event_id))
    assert line.last(RaiseAlarm) == RaiseAlarm("model_lost", "unknown_parameter: session.speed")
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == "model_lost"
    assert len(line.all(ConfigureSession)) == 1


def test_an_error_that_ends_nothing_changes_nothing() -> None:
    answering().hears(ModelErrored("item_truncate_invalid_item_id", "gone", "event-7")).does_nothing()


def test_a_stream_that_never_comes_is_not_waited_for_for_ever() -> None:
    line = configured(stream_wait_ms=15_000).answers(GREETING)
    line.at(14_999).does_nothing()
    line.at(15_000)
    assert line.last(FinishCall).outcome == "never_connected"
    assert line.last(FinishCall).tx == 0


def test_a_line_without_frames_is_dead() -> None:
    line = greeted(line_dead_ms=4_000)
    last_frame_ms = line.now_ms
    line.caller_sound = None
    line.at(last_frame_ms + 3_999).does_nothing()
    line.at(last_frame_ms + 4_000).does(EndStream("line_dead"), CloseModel(), Like(FinishCall, outcome="line_dead"))


def test_after_the_end_nothing_is_done_any_more() -> None:
    line = greeted().hears(CallerHungUp("stop")).meanwhile()
    line.hears(ResponseStarted("r9"), CallerAudio(SILENCE_FRAME), CallerHungUp("again"), ServerStopping())
    line.at(100_000).does_nothing()
    assert line.call.deadline_ms is None


def test_a_second_start_of_the_stream_changes_nothing() -> None:
    line = answering().hears(StreamStarted("MZ2")).does_nothing()
    assert line.after(500).call.live


def test_a_call_that_reaches_its_longest_length_says_goodbye_and_ends_after_it() -> None:
    line = greeted(max_call_ms=20_000, silence_prompt_ms=60_000)
    line.at(20_299).does_nothing()
    line.at(20_300).does(Like(RequestResponse, cue=cues.FAREWELL_TIME))
    line.answers("תודה ולהתראות", 1_000).after(1_000).does(RecordTurn)
    line.until(EndStream).does(EndStream("max_length"), CloseModel(), Like(FinishCall, outcome="max_length"))
    assert line.now_ms >= 20_300 + 1_000 + line.call.policy.farewell_pause_ms, "the last word is not cut"


def test_a_goodbye_that_never_comes_does_not_hold_the_line() -> None:
    line = greeted(max_call_ms=20_000, silence_prompt_ms=60_000, farewell_timeout_ms=3_000, stall_ms=30_000)
    line.at(23_299).does(RequestResponse)
    line.at(23_300).does(EndStream("max_length"), CloseModel(), FinishCall)


def test_a_server_that_is_stopping_takes_its_leave_of_the_caller() -> None:
    line = greeted().hears(ServerStopping()).does(Like(RequestResponse, cue=cues.FAREWELL_STOPPING))
    line.hears(ServerStopping()).does_nothing()
    line.answers("נא להתקשר שוב בעוד דקה", 800).until(EndStream)
    assert line.last(FinishCall).outcome == "server_stopping"


def test_hanging_up_in_the_middle_of_a_word_keeps_what_was_heard() -> None:
    line = answering(4_000).hears(CallerHungUp("stop"))
    turn = line.last(RecordTurn)
    assert turn.interrupted
    assert 900 <= turn.heard_ms <= 1_000 < turn.generated_ms
    assert turn.generated_text.startswith(turn.text)
    end = line.last(FinishCall)
    assert end.heard_ms + end.discarded_ms == end.produced_ms


@pytest.mark.requirement("R7")
def test_speech_of_which_no_frame_left_is_an_alarm() -> None:
    line = configured().hears(StreamStarted("MZ1"), ResponseStarted("r1"))
    line.hears(AssistantAudioProduced("r1", "i1", b"\x01" * 159), CallerHungUp("stop"))
    (alarm,) = line.all(RaiseAlarm)
    assert alarm.code == "nothing_sent"
    assert line.last(FinishCall).tx == 0


@pytest.mark.requirement("R7")
def test_tx_counts_every_frame_and_a_call_with_frames_raises_no_alarm() -> None:
    line = answering().hears(CallerHungUp("stop"))
    assert line.last(FinishCall).tx == len(line.all(PlayFrame)) > 0
    assert line.all(RaiseAlarm) == []


def test_a_call_nobody_spoke_in_raises_no_alarm() -> None:
    line = Line().hears(CallOffered(), StreamStarted("MZ1"), CallerHungUp("stop"))
    line.does(OpenModel, CloseModel, Like(FinishCall, tx=0, produced_ms=0))


def test_the_model_is_closed_once() -> None:
    line = greeted().hears(ModelErrored("insufficient_quota", "no money", fatal=True))
    assert len(line.all(CloseModel)) == 1


def test_a_goodbye_waits_for_the_response_that_is_under_way() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("r8")).meanwhile().hears(ServerStopping()).does_nothing()
    line.hears(ResponseFinished("r8", "cancelled")).does(Like(RequestResponse, cue=cues.FAREWELL_STOPPING))
    assert line.all(CancelResponse) == []
