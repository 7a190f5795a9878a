"""Nobody waits in unexplained silence: whatever the model, its server or a tool does, for four seconds at most."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio.frames import FRAME_MS
from agentlocator.call import cues
from agentlocator.call.commands import (
    AddToolOutput,
    CloseModel,
    Command,
    EndStream,
    InvokeTool,
    OpenModel,
    PlayFrame,
    RaiseAlarm,
    RequestResponse,
)
from agentlocator.call.events import (
    AssistantAudioFinished,
    AssistantAudioProduced,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTurnCommitted,
    CallOffered,
    Event,
    ModelConnected,
    ModelDisconnected,
    ModelErrored,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    StreamStarted,
    ToolFinished,
    ToolRequested,
)
from call.playbook import GREETING, VOICE, Line, configured, greeted, speech, spoken

DEAD_AIR_MS = 4_000
FOUND = '{"ok":true,"say":"יום ראשון בעשר"}'

Deed = Literal["speaks", "is slow", "fails", "says nothing", "stalls", "stalls in mid-word", "drops", "is cut"]


# Tools that take their time.


def looked_up(tool_ms: int, filler_ms: int = 900, **policy: Any) -> Line:
    """The caller asks, the model calls a tool, and says that it is looking as often as it is asked to."""
    line = greeted(**policy).caller_turn("יש תור?").hears(ResponseStarted("q2"))
    line.hears(ToolRequested("q2", "t1", "calendar_find_slots", "{}"), ResponseFinished("q2", "completed"))
    ends_ms, said = line.now_ms + tool_ms, len(line.all(RequestResponse))
    while line.now_ms < ends_ms and not line.all(AddToolOutput):
        line.after(FRAME_MS)
        if len(line.all(RequestResponse)) > said:
            said += 1
            if line.last(RequestResponse).cue == cues.ONE_MOMENT:
                line.answers("רק רגע, אני בודקת", filler_ms)
    line.hears(ToolFinished("t1", FOUND))
    return line.after(100)


@pytest.mark.requirement("R50")
@pytest.mark.parametrize(("tool_ms", "fillers"), [(1_000, 0), (3_000, 1), (7_000, 3)])
def test_while_a_tool_works_the_model_says_that_it_is_looking(tool_ms: int, fillers: int) -> None:
    line = looked_up(tool_ms)
    asked = [request.cue for request in line.all(RequestResponse)]
    assert asked.count(cues.ONE_MOMENT) == fillers
    assert asked[-1] is None, "then it answers"
    line.answers("יש ביום ראשון בעשר", 1_000).after(1_200)
    assert audible_gap_ms(line) < DEAD_AIR_MS
    assert not line.call.over


def test_a_tool_that_needs_twelve_seconds_is_given_up_at_eight_and_the_caller_is_told() -> None:
    line = looked_up(12_000)
    assert [alarm.code for alarm in line.all(RaiseAlarm)] == ["tool_timed_out"]
    assert '"ok":false' in line.all(AddToolOutput)[0].output
    assert len(line.all(AddToolOutput)) == 1
    line.answers("זה לוקח יותר זמן מהרגיל", 1_000).after(1_200)
    assert audible_gap_ms(line) < DEAD_AIR_MS


def test_a_filler_never_cuts_into_what_the_model_says_before_its_tool() -> None:
    line = greeted().caller_turn("יש תור?").hears(ResponseStarted("q2"))
    line.hears(*spoken("q2", "i2", "רגע, אני בודקת ביומן", speech(2_500, 2)), AssistantAudioFinished("i2"))
    line.hears(ToolRequested("q2", "t1", "calendar_find_slots", "{}"), ResponseFinished("q2", "completed"))
    began_ms = line.now_ms
    line.meanwhile().until(RequestResponse)
    assert line.last(RequestResponse).cue == cues.ONE_MOMENT
    assert line.now_ms - began_ms >= 2_500 + line.call.policy.filler_ms - FRAME_MS


def test_a_caller_who_speaks_while_a_tool_works_gets_no_filler_into_his_words() -> None:
    line = greeted().caller_turn("יש תור?").hears(ResponseStarted("q2"))
    line.hears(ToolRequested("q2", "t1", "calendar_find_slots", "{}"), ResponseFinished("q2", "completed"))
    line.meanwhile().hears(CallerSpeechStarted("u2")).caller_says("רצוי בבוקר אם אפשר", 3_500).does_nothing()


def test_the_next_tool_has_fillers_of_its_own() -> None:
    line = looked_up(7_000)
    line.hears(ResponseStarted("q8"), ToolRequested("q8", "t2", "leads_search", "{}"))
    line.hears(ResponseFinished("q8", "completed")).meanwhile().until(RequestResponse)
    assert line.last(RequestResponse).cue == cues.ONE_MOMENT


# A model that does not answer.


def test_a_stalled_answer_is_asked_of_a_new_session() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("q2")).until(OpenModel)
    assert len(line.all(CloseModel)) == 1
    line.after(200).hears(ModelConnected()).after(60).hears(SessionConfirmed(VOICE))
    assert line.last(RequestResponse).cue == cues.RESUME_AFTER_LOSS
    line.after(300).answers("סליחה, יש ביום ראשון", 1_000).after(1_200)
    assert audible_gap_ms(line) < DEAD_AIR_MS
    assert not line.call.over


def test_a_model_that_stalls_in_the_new_session_too_is_given_up() -> None:
    line = greeted().caller_turn().hears(ResponseStarted("q2")).until(OpenModel).after(300)
    line.hears(ModelConnected(), SessionConfirmed(VOICE), ResponseStarted("q3")).until(EndStream)
    assert line.last(EndStream).outcome == "model_lost"
    assert audible_gap_ms(line) <= DEAD_AIR_MS + FRAME_MS


def test_failed_answers_are_retried_only_as_long_as_the_caller_waits() -> None:
    line = greeted().caller_turn()
    for n in range(3):
        line.hears(ResponseStarted(f"f{n}")).after(1_200)
        line.hears(ResponseFinished(f"f{n}", "failed", code="server_error")).after(410)
    line.after(3_000)
    assert line.last(EndStream).outcome == "model_lost"
    assert audible_gap_ms(line) <= DEAD_AIR_MS + FRAME_MS


@pytest.mark.parametrize("comes", ["nothing", "the connection only"])
def test_a_first_connection_that_hangs_sends_the_caller_to_the_net_in_time(comes: str) -> None:
    line = Line().hears(CallOffered()).at(300).hears(StreamStarted("MZ1"))
    if comes != "nothing":
        line.hears(ModelConnected())
    line.until(EndStream)
    assert line.now_ms - 300 <= DEAD_AIR_MS + FRAME_MS


def test_a_greeting_that_never_sounds_is_not_waited_for() -> None:
    line = configured().at(300).hears(StreamStarted("MZ1"), ResponseStarted("q1")).until(EndStream)
    assert line.now_ms - 300 <= DEAD_AIR_MS + FRAME_MS


def test_a_sentence_that_breaks_off_in_mid_word_is_not_waited_for_either() -> None:
    line = greeted().caller_turn().answers("יש לי תור ביום", 1_500, response="q2", status=None)
    line.after(12_000)
    assert line.all(EndStream), "no session came"
    assert audible_gap_ms(line) <= DEAD_AIR_MS + FRAME_MS


# Silence that is not ours.


@pytest.mark.parametrize("pause_ms", [4_500, 7_500])
def test_a_caller_who_thinks_is_not_lost(pause_ms: int) -> None:
    line = greeted(silence_prompt_ms=8_000).caller_turn().answers("באיזה יום נוח לך?", 1_000).after(1_100 + pause_ms)
    assert line.all(EndStream) == []
    assert line.all(RaiseAlarm) == []


def test_nor_is_one_who_talks_for_long() -> None:
    line = greeted().hears(CallerSpeechStarted("u1")).caller_says("סיפור ארוך", 15_000).after(500)
    line.hears(CallerSpeechStopped("u1"), CallerTurnCommitted("u1")).after(300).answers("הבנתי", 500).after(1_000)
    assert not line.call.over


def test_a_wait_begins_when_the_caller_has_finished_not_when_he_began() -> None:
    line = greeted().caller_turn(ms=6_000)
    ended_ms = line.now_ms - line.call.policy.vad_silence_ms
    line.after(2_000)
    assert not line.call.over
    line.until(EndStream)
    assert ended_ms + DEAD_AIR_MS - 200 <= line.now_ms <= ended_ms + DEAD_AIR_MS + 400


# What cannot be cured is not tried again.


FATAL: list[Event] = [
    ModelDisconnected("HTTP 401", fatal=True),
    ModelDisconnected("the model was retired", fatal=True),
    ModelErrored("insufficient_quota", "no credit left", fatal=True),
    ResponseFinished("q2", "failed", code="insufficient_quota", fatal=True),
]


@pytest.mark.parametrize("fault", FATAL, ids=lambda fault: f"{type(fault).__name__}: {fault}"[:40])
@pytest.mark.parametrize("when", ["before the greeting", "in the conversation"])
def test_a_fatal_error_opens_no_second_connection(fault: Event, when: str) -> None:
    if when == "before the greeting":
        line = configured().at(300).hears(StreamStarted("MZ1"), ResponseStarted("q2"))
    else:
        line = greeted().caller_turn().hears(ResponseStarted("q2"))
    line.hears(fault).after(30_000)
    assert len(line.all(OpenModel)) == 1
    assert [end.outcome for end in line.all(EndStream)] == ["model_lost"]
    assert [alarm.code for alarm in line.all(RaiseAlarm)] == ["model_lost"]


def test_a_server_that_admits_and_drops_for_ever_is_not_called_for_ever() -> None:
    line = Line().hears(CallOffered(), StreamStarted("MZ1"))
    for _ in range(50):
        line.hears(ModelConnected(), SessionConfirmed(VOICE), ModelDisconnected("reset")).after(700)
    assert len(line.all(OpenModel)) <= line.call.policy.reconnect_attempts
    assert line.last(EndStream).outcome == "model_lost"


def test_nor_one_that_breaks_off_each_answer_at_its_first_word() -> None:
    line = greeted().caller_turn()
    for n in range(60):
        if line.call.over:
            break
        line.hears(ResponseStarted(f"b{n}"), AssistantAudioProduced(f"b{n}", f"bi{n}", speech(40, n))).after(100)
        line.hears(ModelDisconnected("reset")).after(50).hears(ModelConnected(), SessionConfirmed(VOICE))
    assert line.call.over, "the caller has heard sixty beginnings and no answer"


# Whatever happens.


class Server:
    """A model that does what the dice say to each request and connection, and answers well in the end.

    `deeds` are done one after the other; when there are none left it is well again. `finished` is set when it has
    answered the caller whole.
    """

    def __init__(self, line: Line, deeds: list[Deed], delays_ms: list[int], tool_ms: int) -> None:
        self.line = line
        self.deeds = deeds
        self.delays_ms = delays_ms
        self.tool_ms = tool_ms
        self.finished = False
        self._due: list[tuple[int, Event]] = []
        self._seen = len(line.history)
        self._responses = 0
        self._tool_called = False
        self._cuts = 0

    def run(self, for_ms: int = 90_000) -> None:
        until_ms = self.line.now_ms + for_ms
        while self.line.now_ms < until_ms and not self.line.call.over and not self.finished:
            self.line.after(FRAME_MS)
            while self._seen < len(self.line.history):
                self._seen += 1
                self.is_asked(self.line.history[self._seen - 1][1])
            ripe = sorted((due for due in self._due if due[0] <= self.line.now_ms), key=lambda due: due[0])
            self._due = [due for due in self._due if due[0] > self.line.now_ms]
            for _, event in ripe:
                self.line.hears(event)
                if isinstance(event, ResponseFinished) and event.response_id.startswith("answer"):
                    self.finished = True

    def is_asked(self, command: Command) -> None:
        if isinstance(command, OpenModel):
            self._opens()
        elif isinstance(command, CloseModel):
            self._forget()
        elif isinstance(command, InvokeTool):
            self._later(self.tool_ms, ToolFinished(command.tool_call_id, FOUND))
        elif isinstance(command, RequestResponse):
            self._responds(command)

    def _opens(self) -> None:
        self._forget()
        deed = self.deeds.pop(0) if self.deeds and self.deeds[0] in ("stalls", "drops") else "speaks"
        if deed == "stalls":
            return
        delay_ms = self._delay_ms()
        if deed == "drops":
            self._later(delay_ms, ModelDisconnected("refused"))
            return
        self._later(delay_ms, ModelConnected())
        self._later(delay_ms + 60, SessionConfirmed(VOICE))

    def _responds(self, request: RequestResponse) -> None:
        self._responses += 1
        deed: Deed = self.deeds.pop(0) if self.deeds else "speaks"
        filler = request.cue == cues.ONE_MOMENT
        use_tool = self.tool_ms and not self._tool_called and not filler and deed in ("speaks", "is slow")
        whole = deed in ("speaks", "is slow") and not filler and not use_tool
        if deed in ("speaks", "is slow"):
            self._cuts = 0
        elif deed == "is cut":
            self._cuts += 1
        # One that is cut again and again is not continued for ever: then that was the answer.
        last = whole or self._cuts > self.line.call.policy.continuations
        name = f"{'answer' if last else 'part'}-{self._responses}"
        item = f"item-{self._responses}"
        at_ms = self._delay_ms() + (1_500 if deed == "is slow" else 0)
        self._later(100, ResponseStarted(name))
        match deed:
            case "fails":
                self._later(at_ms + 100, ResponseFinished(name, "failed", code="server_error"))
            case "says nothing":
                self._later(at_ms + 100, ResponseFinished(name, "completed"))
            case "stalls":
                pass
            case "drops":
                self._later(at_ms + 100, ModelDisconnected("reset"))
            case "stalls in mid-word":
                self._later(at_ms + 100, *spoken(name, item, "יש לי", speech(410, self._responses)))
            case "is cut":
                self._later(at_ms + 100, *spoken(name, item, "יש לי תור", speech(600, self._responses)))
                self._later(at_ms + 110, AssistantAudioFinished(item), ResponseFinished(name, "incomplete", "max"))
            case _ if use_tool:
                self._tool_called = True
                self._later(at_ms + 100, ToolRequested(name, f"t{self._responses}", "calendar_find_slots", "{}"))
                self._later(at_ms + 120, ResponseFinished(name, "completed"))
            case _:
                self._later(at_ms + 100, *spoken(name, item, "יש לי תור ביום ראשון", speech(900, self._responses)))
                self._later(at_ms + 120, AssistantAudioFinished(item), ResponseFinished(name, "completed"))

    def _delay_ms(self) -> int:
        return self.delays_ms[self._responses % len(self.delays_ms)] if self.delays_ms else 300

    def _later(self, delay_ms: int, *events: Event) -> None:
        self._due.extend((self.line.now_ms + delay_ms, event) for event in events)

    def _forget(self) -> None:
        """The connection is gone, and what was under way on it; tools are not its affair."""
        self._due = [due for due in self._due if isinstance(due[1], ToolFinished)]


DEEDS: tuple[Deed, ...] = (
    "speaks",
    "is slow",
    "fails",
    "says nothing",
    "stalls",
    "stalls in mid-word",
    "drops",
    "is cut",
)
deeds = st.lists(st.sampled_from(DEEDS), max_size=6)
delays_ms = st.lists(st.sampled_from([50, 300, 700, 1_200, 2_000]), min_size=1, max_size=4)
tools_ms = st.sampled_from([0, 0, 500, 3_000, 7_000, 12_000])


@given(deeds, delays_ms, tools_ms)
@settings(max_examples=250, deadline=None)
def test_whatever_the_model_does_the_caller_waits_no_longer_than_that(
    deeds: list[Deed], delays_ms: list[int], tool_ms: int
) -> None:
    line = greeted(silence_prompt_ms=60_000).caller_turn("יש תור?")
    server = Server(line, list(deeds), delays_ms, tool_ms)
    server.is_asked(line.last(RequestResponse))
    server.run()
    assert audible_gap_ms(line) <= DEAD_AIR_MS + FRAME_MS
    assert len(line.all(OpenModel)) <= 12


@given(deeds, delays_ms)
@settings(max_examples=100, deadline=None)
def test_nor_does_he_wait_longer_for_the_greeting(deeds: list[Deed], delays_ms: list[int]) -> None:
    line = Line(GREETING, silence_prompt_ms=60_000).hears(CallOffered())
    server = Server(line, list(deeds), delays_ms, 0)
    server.is_asked(line.last(OpenModel))
    line.after(250).hears(StreamStarted("MZ1"))
    answered_ms = line.now_ms
    server.run()
    assert audible_gap_ms(line, answered_ms) <= DEAD_AIR_MS + FRAME_MS


def audible_gap_ms(line: Line, since_ms: int | None = None) -> int:
    """The longest time in which the caller, who is owed something since then, heard nothing of it.

    Without a time given: since his first turn was over. Until now, or until he was handed on.
    """
    ends = line.times(EndStream)
    until_ms = ends[0] if ends else line.now_ms
    heard_until_ms = line.times(RequestResponse)[1] if since_ms is None else since_ms
    longest_ms = 0
    for at_ms in line.times(PlayFrame):
        if at_ms + FRAME_MS < heard_until_ms:
            continue
        longest_ms = max(longest_ms, at_ms - heard_until_ms)
        heard_until_ms = max(heard_until_ms, at_ms) + FRAME_MS
    return max(longest_ms, until_ms - heard_until_ms)
