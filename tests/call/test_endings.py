"""The assistant ends the call, or hands it to a person: only after what it said of that was heard."""

from __future__ import annotations

import msgspec
import pytest

from agentlocator.call import cues
from agentlocator.call.commands import (
    AddToolOutput,
    EndStream,
    FinishCall,
    InvokeTool,
    RecordTurn,
    RequestResponse,
)
from agentlocator.call.events import (
    AssistantAudioFinished,
    AssistantTextProduced,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CallerTurnCommitted,
    DigitPressed,
    ModelDisconnected,
    ResponseFinished,
    ResponseStarted,
    ServerStopping,
    StreamStarted,
    ToolFinished,
    ToolRequested,
)
from agentlocator.call.policy import Remembered
from agentlocator.call.tools import DONE, NO_SUCH_TARGET
from call.playbook import GREETING, Like, Line, clinic, configured, greeted, speech, spoken

GOODBYE = "תודה שהתקשרתם, להתראות"
ONE_MOMENT = "רגע אחד, השיחה מועברת"
SUMMARY = "דנה כהן, רוצה להזיז את התור של יום ראשון"
DESK, MANAGER = "דלפק הקבלה", "מנהלת המרפאה"
PAUSE_MS = 600


def transfer(to: str = DESK, summary: str = SUMMARY) -> str:
    return msgspec.json.encode({"to": to, "summary": summary}).decode()


def tool(line: Line, name: str, arguments: str = "{}", *, said: str = "", ms: int = 1_000) -> Line:
    """The caller's turn is answered with this call, after these words if there are any."""
    line.caller_turn("לא תודה, זה הכול").hears(ResponseStarted("r9"))
    if said:
        line.hears(*spoken("r9", "i9", said, speech(ms, 9)), AssistantAudioFinished("i9"))
    line.meanwhile().hears(ToolRequested("r9", "t9", name, arguments))
    return line.hears(ResponseFinished("r9", "completed"))


def caller_returns(line: Line) -> Line:
    """He has one more question, and gets his answer."""
    line.caller_turn("רגע, עוד שאלה", item="u9")
    assert line.last(RequestResponse).cue is None, "he is answered like any caller"
    return line.answers("בבקשה", 400)


# The assistant hangs up.


def test_a_goodbye_that_was_said_is_heard_out_and_then_the_call_ends() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE, ms=2_000).does(AddToolOutput("t9", DONE))
    line.until(RecordTurn).does(Like(RecordTurn, text=GOODBYE, heard_ms=2_000, interrupted=False))
    heard_ms = line.now_ms
    line.until(EndStream)
    assert line.last(EndStream) == EndStream("assistant_hung_up")
    assert line.last(FinishCall).outcome == "assistant_hung_up"
    assert PAUSE_MS - 40 <= line.now_ms - heard_ms <= PAUSE_MS + 40
    assert len(line.all(RequestResponse)) == 2, "the greeting and the answer: it is not asked to say goodbye twice"


def test_a_call_is_not_ended_without_a_word() -> None:
    line = tool(greeted(), "end_call").does(AddToolOutput("t9", DONE), Like(RequestResponse, cue=cues.FAREWELL))
    line.after(500)
    assert not line.call.over
    line.answers(GOODBYE, 1_500).until(EndStream)
    assert line.last(RecordTurn).text == GOODBYE
    assert line.last(RecordTurn).heard_ms == 1_500
    assert line.last(EndStream).outcome == "assistant_hung_up"


@pytest.mark.requirement("R10")
def test_the_last_word_of_a_long_goodbye_is_heard_however_long_it_was_generated_before() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE, ms=9_000).until(EndStream)
    assert line.last(RecordTurn).heard_ms == 9_000


@pytest.mark.requirement("R14")
def test_a_caller_who_speaks_into_the_goodbye_is_a_caller_again() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE, ms=4_000).after(1_000).caller_interrupts()
    caller_returns(line).after(5_000)
    assert line.all(EndStream) == []


def test_so_is_one_who_speaks_in_the_pause_after_it() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE).until(RecordTurn).after(PAUSE_MS // 2)
    caller_returns(line).after(5_000)
    assert line.all(EndStream) == []


def test_so_is_one_who_presses_a_key() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE).after(500).hears(DigitPressed("1")).after(3_000)
    assert line.last(RequestResponse).cue is None
    line.answers("קיבלתי", 400).after(3_000)
    assert line.all(EndStream) == []


def test_a_goodbye_that_was_taken_back_before_it_was_begun_is_never_said() -> None:
    line = tool(greeted(), "end_call").meanwhile()
    assert line.last(RequestResponse).cue == cues.FAREWELL
    line.hears(CallerSpeechStarted("u9"), ResponseStarted("r10"), *spoken("r10", "i10", GOODBYE, speech(1_000)))
    line.hears(AssistantAudioFinished("i10"), ResponseFinished("r10", "completed")).after(300)
    line.hears(CallerSpeechStopped("u9"), CallerTurnCommitted("u9"), CallerTranscribed("u9", "רגע, עוד שאלה"))
    line.after(3_000)
    assert GOODBYE not in [turn.text for turn in line.all(RecordTurn)]
    assert line.last(RequestResponse).cue is None


def test_he_may_be_taken_leave_of_again_later() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE, ms=4_000).after(1_000).caller_interrupts()
    caller_returns(line).after(1_000).caller_turn("עכשיו זה הכול", item="u10")
    line.hears(ResponseStarted("r11"), *spoken("r11", "i11", GOODBYE, speech(800)), AssistantAudioFinished("i11"))
    line.hears(ToolRequested("r11", "t11", "end_call", "{}"), ResponseFinished("r11", "completed")).until(EndStream)
    assert line.last(EndStream).outcome == "assistant_hung_up"


def test_what_is_still_being_written_is_answered_before_the_call_ends() -> None:
    line = greeted().caller_turn("תרשמי שאני דנה, ולהתראות").hears(ResponseStarted("r9"))
    line.hears(*spoken("r9", "i9", GOODBYE, speech(800)), AssistantAudioFinished("i9"))
    line.hears(ToolRequested("r9", "t1", "leads_upsert", "{}"), ToolRequested("r9", "t2", "end_call", "{}"))
    line.hears(ResponseFinished("r9", "completed")).after(2_500)
    assert line.all(EndStream) == []
    line.hears(ToolFinished("t1", '{"ok":true}')).answers("נרשם, להתראות", 600).until(EndStream)
    assert line.last(EndStream).outcome == "assistant_hung_up"


def test_a_repeated_hang_up_is_one() -> None:
    line = tool(greeted(), "end_call", said=GOODBYE).hears(ToolRequested("r9", "t9", "end_call", "{}"))
    line.until(EndStream)
    assert len(line.all(EndStream)) == len(line.all(FinishCall)) == 1
    assert line.all(InvokeTool) == [], "it touches no business"


def test_a_hang_up_the_caller_did_not_let_it_announce_is_none() -> None:
    line = greeted().caller_turn().answers("אז להתראות", 4_000, response="r9", status=None).after(1_000)
    line.caller_interrupts().hears(ToolRequested("r9", "t9", "end_call", "{}")).after(3_000)
    assert line.all(EndStream) == []
    assert '"ok":false' in line.last(AddToolOutput).output


# Goodbyes of other reasons.


def test_the_goodbye_of_a_silent_caller_is_taken_back_by_a_key() -> None:
    line = greeted()
    while line.until(RequestResponse).last(RequestResponse).cue != cues.FAREWELL_SILENCE:
        line.answers("אתם איתי?", 500)
    line.answers(GOODBYE, 3_000).after(1_000).hears(DigitPressed("5")).after(2_000).answers("קיבלתי", 500).after(4_000)
    assert line.all(EndStream) == []


@pytest.mark.parametrize("outcome", ["max_length", "server_stopping"])
def test_a_goodbye_that_is_meant_is_not_taken_back(outcome: str) -> None:
    line = greeted(max_call_ms=5_000) if outcome == "max_length" else greeted().hears(ServerStopping())
    if outcome == "max_length":
        line.until(RequestResponse)
    line.answers(GOODBYE, 3_000).after(1_000).caller_interrupts()
    line.hears(CallerSpeechStarted("u9")).caller_says("רגע, עוד לא סיימתי", 2_000)
    assert line.all(EndStream) == [], "but nobody hangs up into his words"
    line.hears(CallerSpeechStopped("u9"), CallerTurnCommitted("u9")).after(line.call.policy.farewell_timeout_ms)
    assert line.last(EndStream).outcome == line.last(FinishCall).outcome == outcome


@pytest.mark.parametrize("said", ["nothing", "half"])
def test_a_goodbye_that_never_comes_is_not_waited_for_for_ever(said: str) -> None:
    line = tool(greeted(), "end_call").meanwhile()
    asked_ms = line.now_ms
    if said == "half":
        line.hears(ResponseStarted("r10"), AssistantTextProduced("r10", "i10", GOODBYE))
    line.until(EndStream)
    assert line.now_ms - asked_ms <= line.call.policy.farewell_timeout_ms
    assert line.last(EndStream).outcome == "assistant_hung_up", "he has said goodbye: nobody else is rung for him"


def test_a_link_lost_under_the_goodbye_does_not_send_the_caller_to_a_person_he_did_not_ask_for() -> None:
    line = tool(greeted(), "end_call").hears(ModelDisconnected("reset")).until(EndStream)
    assert line.last(EndStream).outcome == "assistant_hung_up"


# Transfer.


def test_a_caller_is_put_through_when_he_has_heard_that_he_is() -> None:
    line = tool(clinic(DESK, MANAGER), "transfer_to_human", transfer(MANAGER), said=ONE_MOMENT, ms=1_500)
    line.does(AddToolOutput("t9", DONE)).until(EndStream)
    assert line.all(RecordTurn)[-1].text == ONE_MOMENT
    assert line.all(RecordTurn)[-1].heard_ms == 1_500
    assert line.last(EndStream) == EndStream("transferred", MANAGER, SUMMARY)
    assert line.last(FinishCall).outcome == "transferred"


def test_a_transfer_nobody_announced_is_announced_first() -> None:
    line = tool(clinic(DESK), "transfer_to_human", transfer())
    line.does(AddToolOutput("t9", DONE), Like(RequestResponse, cue=cues.ANNOUNCE_TRANSFER))
    line.answers(ONE_MOMENT, 1_000).until(EndStream)
    assert line.last(EndStream) == EndStream("transferred", DESK, SUMMARY)


def test_without_a_name_it_is_the_first_person_of_the_business() -> None:
    line = tool(clinic(DESK, MANAGER), "transfer_to_human", "{}", said=ONE_MOMENT).until(EndStream)
    assert line.last(EndStream) == EndStream("transferred", DESK)


@pytest.mark.requirement("R30")
@pytest.mark.parametrize(
    "arguments",
    [
        transfer("יוסי, מנהל המוסך"),
        transfer("+972501111111"),
        transfer("דלפק"),
        transfer("* "),
        '{"to": 5}',
        '{"to": null}',
        '{"to": ["דלפק הקבלה"]}',
        '{"to": "דלפק הק',
        "[]",
        "לדלפק",
        "\x00",
    ],
)
def test_whom_the_business_did_not_name_nobody_is_put_through_to(arguments: str) -> None:
    line = tool(clinic(DESK), "transfer_to_human", arguments, said="אני בודקת")
    line.does(AddToolOutput("t9", NO_SUCH_TARGET), RequestResponse)
    line.answers("אין למי להעביר, אפשר להשאיר הודעה?", 1_000).after(3_000)
    assert line.all(EndStream) == []
    assert not line.call.over


@pytest.mark.parametrize("arguments", [transfer(), "{}", ""])
def test_a_business_without_people_puts_nobody_through(arguments: str) -> None:
    line = tool(greeted(), "transfer_to_human", arguments, said="אני בודקת")
    line.does(AddToolOutput("t9", NO_SUCH_TARGET), RequestResponse)
    assert line.after(3_000).all(EndStream) == []


@pytest.mark.requirement("R14")
def test_a_caller_who_interrupts_the_announcement_stays_with_the_assistant() -> None:
    line = tool(clinic(DESK), "transfer_to_human", transfer(), said=ONE_MOMENT, ms=4_000).after(1_000)
    line.caller_interrupts()
    caller_returns(line).after(5_000)
    assert line.all(EndStream) == []


def test_the_second_transfer_goes_where_the_second_time_was_said() -> None:
    line = tool(clinic(DESK, MANAGER), "transfer_to_human", transfer(DESK), said=ONE_MOMENT, ms=4_000).after(1_000)
    line.caller_interrupts()
    line.caller_turn("לא לדלפק, למנהלת", item="u9")
    line.hears(ResponseStarted("r11"), *spoken("r11", "i11", ONE_MOMENT, speech(800)), AssistantAudioFinished("i11"))
    line.hears(ToolRequested("r11", "t11", "transfer_to_human", transfer(MANAGER, "דנה")))
    line.hears(ResponseFinished("r11", "completed")).until(EndStream)
    assert line.last(EndStream) == EndStream("transferred", MANAGER, "דנה")


def test_an_announcement_that_never_comes_does_not_keep_him_from_the_person() -> None:
    line = tool(clinic(DESK), "transfer_to_human", transfer()).meanwhile()
    asked_ms = line.now_ms
    line.until(EndStream)
    assert line.now_ms - asked_ms <= line.call.policy.farewell_timeout_ms
    assert line.last(EndStream) == EndStream("transferred", DESK, SUMMARY)


def test_who_comes_back_from_a_person_who_did_not_answer_is_told_so_and_not_greeted() -> None:
    said = (Remembered("assistant", GREETING), Remembered("user", "תעבירו אותי"))
    line = clinic(DESK, returning=said)
    assert line.all(RequestResponse)[0].cue == cues.NOBODY_ANSWERED
    assert cues.greet(GREETING) not in [request.cue for request in line.all(RequestResponse)]


def test_a_call_that_is_not_yet_greeted_can_be_stopped_politely() -> None:
    line = configured().at(300).hears(StreamStarted("MZ1")).answers(GREETING, 1_000).hears(ServerStopping())
    line.after(1_100)
    assert line.last(RequestResponse).cue == cues.FAREWELL_STOPPING
    line.answers(GOODBYE, 800).until(EndStream)
    assert line.last(EndStream).outcome == "server_stopping"
