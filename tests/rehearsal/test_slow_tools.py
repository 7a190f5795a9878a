"""A tool that takes its time: the media path does not notice."""

from __future__ import annotations

import pytest

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.simulator.brain import CallTool, ScriptedBrain, Speak, When
from agentlocator.simulator.play import HangsUp, Hears, Role, Says, Scenario
from agentlocator.simulator.scenarios import CLINIC, DANA
from agentlocator.simulator.speech import Voice
from rehearsal.performance import Performance

TOOL_MS = 5_000


def talker() -> ScriptedBrain:
    """Goes on talking while his tool runs."""
    long_sentence = "רק רגע, אני בודקת ביומן של המרפאה מה פנוי השבוע, זה לוקח לפעמים כמה שניות, תודה על הסבלנות."
    return ScriptedBrain((When("תור", Speak(long_sentence), CallTool("calendar_find_slots")),))


SLOW = Scenario(
    "slow-tool",
    "A tool takes five seconds: the sentence before it is heard whole, the caller is heard all along",
    (Role(CLINIC, DANA, (Hears("לעזור"), Says("אני רוצה לקבוע תור"), Hears("הסבלנות"), Hears("פנוי"), HangsUp())),),
    brain=talker,
    tool_ms=TOOL_MS,
)


@pytest.fixture(scope="module")
def slow(voice: Voice, tmp_path_factory: pytest.TempPathFactory) -> Performance:
    return Performance(SLOW, tmp_path_factory.mktemp("slow"), voice)


@pytest.mark.requirement("R50")
def test_the_assistants_speech_has_no_hole(slow: Performance) -> None:
    assert slow.call.complaints == []
    assert slow.call.underruns == 0
    assert slow.call.bit_exact


@pytest.mark.requirement("R50")
def test_every_frame_of_the_caller_is_taken_while_the_tool_runs(slow: Performance) -> None:
    asked_ms = next(seen.at_ms for seen in slow.seen if isinstance(seen.event, on.ToolRequested))
    answered_ms = next(seen.at_ms for seen in slow.seen if isinstance(seen.event, on.ToolFinished))
    meanwhile = [seen for seen in slow.seen if asked_ms < seen.at_ms < answered_ms]

    assert answered_ms - asked_ms == TOOL_MS
    assert sum(isinstance(seen.event, on.CallerAudio) for seen in meanwhile) >= TOOL_MS // 20 - 3
    assert sum(isinstance(command, do.PlayFrame) for seen in meanwhile for command in seen.commands) > 100
