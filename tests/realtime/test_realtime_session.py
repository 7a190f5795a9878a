"""The session we ask for, and noticing when we did not get it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentlocator.realtime.errors import LocalProtocolError
from agentlocator.realtime.messages import SessionUpdated, parse
from agentlocator.realtime.session import (
    SemanticVad,
    ServerVad,
    SessionSettings,
    Transcription,
    check_echo,
    reasons,
    session_update,
)

TOOL = {
    "type": "function",
    "name": "calendar_find_slots",
    "description": "מועדים פנויים",
    "parameters": {"type": "object", "properties": {}, "required": []},
}
WIRE = Path(__file__).parents[1] / "wire" / "realtime_call.jsonl"


@pytest.mark.requirement("R3")
@pytest.mark.requirement("R9")
def test_the_whole_session_as_the_living_api_wants_it() -> None:
    assert session_update("דברי בקצרה.", [TOOL], SessionSettings()) == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "דברי בקצרה.",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "noise_reduction": {"type": "near_field"},
                "transcription": {"model": "gpt-transcribe", "languages": ["he"]},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "create_response": False,
                    "interrupt_response": False,
                },
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": "shimmer"},
        },
        "tools": [TOOL],
        "tool_choice": "auto",
        "max_output_tokens": 400,
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
    }


@pytest.mark.parametrize("model", ["gpt-realtime-1.5", "gpt-realtime", "gpt-realtime-mini", "gpt-realtime-2025-08-28"])
def test_a_model_without_reasoning_is_never_asked_to_reason(model: str) -> None:
    session = session_update("", [], SessionSettings(model=model))
    assert not reasons(model)
    assert "reasoning" not in session
    assert "parallel_tool_calls" not in session


@pytest.mark.parametrize("model", ["gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini"])
def test_a_reasoning_model_may_be_left_to_its_own_effort(model: str) -> None:
    assert reasons(model)
    assert "reasoning" not in session_update("", [], SessionSettings(model=model, reasoning_effort=None))


def test_what_is_switched_off_is_said_to_be_off() -> None:
    settings = SessionSettings(turn_detection=None, transcription=None, noise_reduction=None)
    audio = session_update("", [], settings)["audio"]["input"]
    assert audio == {
        "format": {"type": "audio/pcmu"},
        "noise_reduction": None,
        "transcription": None,
        "turn_detection": None,
    }


def test_a_semantic_turn_has_eagerness_and_a_silent_caller_can_be_prompted() -> None:
    semantic = session_update("", [], SessionSettings(turn_detection=SemanticVad(eagerness="high")))
    assert semantic["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": False,
        "interrupt_response": False,
    }
    idle = session_update("", [], SessionSettings(turn_detection=ServerVad(idle_timeout_ms=8000)))
    assert idle["audio"]["input"]["turn_detection"]["idle_timeout_ms"] == 8000


def test_each_transcription_model_is_told_the_language_in_its_own_way() -> None:
    def asked(wanted: Transcription) -> object:
        session = session_update("", [], SessionSettings(transcription=wanted))
        return session["audio"]["input"]["transcription"]

    assert asked(Transcription(keywords=("רוטשילד", "דנה"))) == {
        "model": "gpt-transcribe",
        "languages": ["he"],
        "keywords": ["רוטשילד", "דנה"],
    }
    assert asked(Transcription("gpt-realtime-whisper", keywords=("דנה",))) == {
        "model": "gpt-realtime-whisper",
        "language": "he",
    }


@pytest.mark.parametrize(
    ("tools", "settings", "fault"),
    [
        ([], SessionSettings(max_output_tokens=0), "max_output_tokens"),
        ([], SessionSettings(max_output_tokens=4097), "max_output_tokens"),
        ([], SessionSettings(turn_detection=ServerVad(threshold=1.5)), "threshold"),
        ([], SessionSettings(turn_detection=ServerVad(idle_timeout_ms=4999)), "idle_timeout_ms"),
        ([{**TOOL, "strict": True}], SessionSettings(), "calendar_find_slots.*strict"),
    ],
)
def test_a_value_that_would_refuse_the_whole_session_is_never_sent(
    tools: list[dict[str, object]], settings: SessionSettings, fault: str
) -> None:
    with pytest.raises(LocalProtocolError, match=fault):
        session_update("", tools, settings)


@pytest.mark.requirement("R3")
def test_a_faithful_echo_is_a_go() -> None:
    updated = parse(WIRE.read_text(encoding="utf-8").splitlines()[1])
    assert isinstance(updated, SessionUpdated)
    assert check_echo(session_update("…", [TOOL], SessionSettings()), updated.session) == []


def _pcm_in(got: dict[str, Any]) -> None:
    got["audio"]["input"]["format"] = {"type": "audio/pcm", "rate": 24000}


def _pcm_out(got: dict[str, Any]) -> None:
    got["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24000}


def _other_voice(got: dict[str, Any]) -> None:
    got["audio"]["output"]["voice"] = "alloy"


def _no_tools(got: dict[str, Any]) -> None:
    got["tools"] = None


def _answers_by_itself(got: dict[str, Any]) -> None:
    got["audio"]["input"]["turn_detection"]["create_response"] = True


def _no_turns(got: dict[str, Any]) -> None:
    got["audio"]["input"]["turn_detection"] = None


@pytest.mark.requirement("R3")
@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (_pcm_in, "audio.input.format is audio/pcm, not audio/pcmu"),
        (_pcm_out, "audio.output.format is audio/pcm, not audio/pcmu"),
        (_other_voice, "voice is alloy, not shimmer"),
        (_no_tools, "tool calendar_find_slots is missing"),
        (_answers_by_itself, "turn_detection.create_response is True, not False"),
        (_no_turns, "turn_detection is None, not server_vad"),
    ],
)
def test_an_echo_that_would_spoil_the_call_says_how(change: Callable[[dict[str, Any]], None], difference: str) -> None:
    sent = session_update("", [TOOL], SessionSettings())
    got = copy.deepcopy(sent)
    change(got)
    assert check_echo(sent, got) == [difference]


def test_an_empty_echo_lacks_everything() -> None:
    sent = session_update("", [TOOL], SessionSettings())
    assert len(check_echo(sent, {})) == 5


def test_differences_that_do_not_matter_are_none() -> None:
    sent = session_update("", [], SessionSettings(voice="voice_abc"))
    assert sent["audio"]["output"]["voice"] == {"id": "voice_abc"}
    got = json.loads(json.dumps(sent))
    got["audio"]["output"]["voice"] = "voice_abc"
    got["audio"]["input"]["turn_detection"]["threshold"] = 0.5000000001
    got["audio"]["input"]["turn_detection"]["idle_timeout_ms"] = None
    got["truncation"] = "auto"
    assert check_echo(sent, got) == []
