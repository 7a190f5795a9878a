"""Who speaks and who waits for whom, and what is due because of it."""

from __future__ import annotations

import msgspec
import pytest

from agentlocator.call.gate import ANSWER, ResponseGate
from agentlocator.call.line import CarrierLine
from agentlocator.call.link import ModelLink
from agentlocator.call.mood import Mood
from agentlocator.call.policy import CallPolicy
from agentlocator.call.responses import Responses
from agentlocator.call.silence import Silence

QUIET = Mood(10_000, live=True, session_up=True, quiet_since_ms=6_000, sound_ended_ms=5_000)
SPEAKING = ["assistant_speaking", "caller_talking", "caller_typing"]
WORKING = ["response_under_way", "tools_running"]


def but(mood: Mood, **facts: bool | int) -> Mood:
    return msgspec.structs.replace(mood, **facts)


@pytest.mark.parametrize("fact", SPEAKING + WORKING)
def test_a_call_is_idle_when_nobody_speaks_and_nothing_is_under_way(fact: str) -> None:
    assert QUIET.idle
    assert not but(QUIET, **{fact: True}).idle


@pytest.mark.parametrize("fact", ["answer_owed", *WORKING])
def test_a_silence_is_ours_while_he_waits_for_something(fact: str) -> None:
    assert not QUIET.owing
    waiting = but(QUIET, **{fact: True})
    assert waiting.owing
    assert not but(waiting, live=False).owing, "nobody is there yet"


@pytest.mark.parametrize("fact", SPEAKING)
def test_where_somebody_speaks_there_is_no_silence(fact: str) -> None:
    assert not but(QUIET, answer_owed=True, **{fact: True}).owing


def test_a_caller_who_owes_the_next_word_is_asked_and_not_while_the_call_ends() -> None:
    silence = Silence(CallPolicy(silence_prompt_ms=8_000), ResponseGate())
    silence.sounded(5_000)
    assert silence.prompt_due_ms(QUIET) == 13_000
    assert silence.prompt_due_ms(but(QUIET, ending=True)) is None
    assert silence.prompt_due_ms(but(QUIET, tools_running=True)) is None


def test_who_waits_for_a_tool_is_told_so_from_the_last_word_of_either_side() -> None:
    gate = ResponseGate()
    silence = Silence(CallPolicy(filler_ms=1_800, fillers=1), gate)
    silence.sounded(5_000)
    waiting = but(QUIET, tools_running=True, caller_last_heard_ms=5_500)
    assert silence.filler_due_ms(waiting) == 7_300
    assert silence.filler_due_ms(but(waiting, response_under_way=True)) is None
    silence.fill()
    assert gate.wanting
    assert silence.filler_due_ms(waiting) is None, "he has been told"


def test_unexplained_silence_counts_from_the_first_moment_he_is_owed() -> None:
    silence = Silence(CallPolicy(dead_air_ms=4_000), ResponseGate())
    assert silence.dead_air_due_ms(QUIET) is None
    owed = but(QUIET, answer_owed=True)
    assert silence.dead_air_due_ms(owed) == 14_000
    assert silence.dead_air_due_ms(but(owed, now_ms=12_000)) == 14_000
    silence.dead_air_due_ms(but(QUIET, now_ms=13_000))
    assert silence.dead_air_due_ms(but(owed, now_ms=13_500)) == 17_500


def test_an_answer_waits_for_the_tools_and_for_a_caller_who_talks() -> None:
    gate = ResponseGate()
    responses = Responses(CallPolicy(), gate)
    gate.want(ANSWER, 10_400)
    assert responses.request_due_ms(QUIET) == 10_400
    assert responses.request_due_ms(but(QUIET, tools_running=True)) is None
    assert responses.request_due_ms(but(QUIET, caller_talking=True)) is None
    assert responses.request_due_ms(but(QUIET, session_up=False)) is None


def test_a_response_that_brings_nothing_is_stuck_once_nothing_is_left_to_play() -> None:
    gate = ResponseGate()
    responses = Responses(CallPolicy(stall_ms=2_500), gate)
    assert responses.stall_due_ms(QUIET) is None
    gate.want(ANSWER)
    responses.request(4_000)
    assert responses.stall_due_ms(QUIET) == 7_500, "2.5 s after the last sound"
    assert responses.stall_due_ms(but(QUIET, assistant_speaking=True)) is None


def test_a_session_is_renewed_in_a_moment_in_which_nobody_speaks() -> None:
    link = ModelLink(CallPolicy(session_max_ms=9_000))
    link.confirmed(0)
    assert link.due_ms(QUIET) == 9_000
    assert link.due_ms(but(QUIET, caller_talking=True)) is None


def test_who_is_owed_something_does_not_wait_in_silence_for_the_last_attempt() -> None:
    link = ModelLink(CallPolicy(connect_timeout_ms=5_000, lost_link_silence_ms=2_000))
    link.failed(7_000, fatal=False)
    link.open(7_300)
    assert link.due_ms(QUIET) == 12_300
    assert link.due_ms(but(QUIET, answer_owed=True)) == 9_000
    assert link.due_ms(but(QUIET, answer_owed=True, quiet_since_ms=8_000)) == 10_000


def test_a_call_that_is_ending_is_not_too_long() -> None:
    line = CarrierLine(CallPolicy(max_call_ms=60_000))
    assert line.longest_ms(QUIET) is None
    line.opened(300)
    assert line.longest_ms(QUIET) == 60_300
    assert line.longest_ms(but(QUIET, ending=True)) is None
