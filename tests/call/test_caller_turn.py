"""Whether the caller is talking, and when he stopped, as far as the model's server can be believed."""

from __future__ import annotations

import pytest

from agentlocator.call.policy import CallPolicy
from agentlocator.call.turn import CallerTurn


def test_he_talks_until_the_server_hears_him_stop() -> None:
    turn = CallerTurn(CallPolicy())
    assert not turn.talking(0)
    turn.begin(1_000)
    assert turn.talking(9_000)
    turn.end()
    assert not turn.talking(9_000)


def test_a_server_that_never_hears_him_stop_is_not_believed_for_ever() -> None:
    turn = CallerTurn(CallPolicy(talk_max_ms=60_000))
    turn.begin(1_000)
    assert turn.talking(60_999)
    assert not turn.talking(61_000)


@pytest.mark.requirement("R8")
def test_a_turn_ended_before_the_silence_the_server_waited_for_or_where_our_ear_heard_him_last() -> None:
    turn = CallerTurn(CallPolicy(vad_silence_ms=400))
    assert turn.ended_ms(last_speech_ms=0, now_ms=5_000) == 4_600
    assert turn.ended_ms(last_speech_ms=4_000, now_ms=5_000) == 4_600
    assert turn.ended_ms(last_speech_ms=4_800, now_ms=5_000) == 4_800


@pytest.mark.requirement("R8")
def test_a_server_that_waits_for_a_finished_sentence_says_nothing_of_silence() -> None:
    turn = CallerTurn(CallPolicy(turn_detection="semantic_vad"))
    assert turn.ended_ms(last_speech_ms=3_000, now_ms=5_000) == 3_000
    assert turn.ended_ms(last_speech_ms=0, now_ms=5_000) == 5_000
