"""The floor over JSON lines, with the neural detector where its weights are installed."""

import base64
import io
import json

import numpy as np
import pytest

from agentlocator.audio.g711 import encode
from agentlocator.call.floor import FloorPolicy
from agentlocator.floor_protocol import serve
from agentlocator.voice.scorer import ScorerUnavailable, SpeechModel


def answers(*lines: object, model: SpeechModel | None = None) -> list[dict[str, object]]:
    asked = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    out = io.StringIO()
    serve(io.StringIO(asked), out, model, FloorPolicy())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def frame(t_ms: int, media: bytes, speaking: bool = True) -> dict[str, object]:
    coded = base64.b64encode(media).decode()
    silence = base64.b64encode(b"\xff" * 160).decode()
    return {"op": "frame", "t_ms": t_ms, "media": coded, "agent_speaking": speaking, "agent_media": silence}


def talk(frames: int) -> list[bytes]:
    """Five vowels a second on a gliding voice, with the formants of an a."""
    count = frames * 160
    times = np.arange(count) / 8000
    pitch = 120 * (1 + 0.2 * np.sin(2 * np.pi * 1.7 * times))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    sound = np.zeros(count)
    for k in range(1, 25):
        hz = 120 * k
        weight = np.exp(-(((hz - 700) / 250) ** 2)) + 0.6 * np.exp(-(((hz - 1200) / 300) ** 2)) + 0.02
        sound += weight * np.sin(k * phase)
    sound *= 6000 * (0.1 + 0.9 * np.abs(np.sin(np.pi * 4.5 * times)) ** 0.7)
    coded = encode(np.clip(sound, -32000, 32000).astype(np.int16))
    return [coded[at : at + 160] for at in range(0, count, 160)]


def test_every_line_is_answered_and_a_bad_one_does_not_end_it() -> None:
    replies = answers(
        {"op": "reset"},
        frame(0, b"\xff" * 160),
        "not json",
        {"op": "sing"},
        {"op": "frame", "t_ms": 20, "media": "!!", "agent_speaking": True},
        {"op": "frame", "t_ms": 20, "media": "שלום", "agent_speaking": True},
        "",
        frame(20, b"\x00" * 7),
        {"op": "reset"},
    )
    assert [next(iter(reply)) for reply in replies] == [
        "ok", "events", "error", "error", "error", "error", "error", "events", "ok",
    ]  # fmt: skip


def verdicts(replies: list[dict[str, object]], since_ms: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for number, reply in enumerate(replies):
        events = reply["events"]
        assert isinstance(events, list)
        found += [(20 * (number + 1) - since_ms, event["type"]) for event in events]
    return found


@pytest.mark.requirement("R13")
def test_a_caller_who_speaks_up_stops_the_assistant_within_200_ms() -> None:
    try:
        model = SpeechModel.load()
    except ScorerUnavailable:
        pytest.skip("the neural detector's weights are not installed")
    frames = [b"\xff" * 160] * 100 + talk(60)
    replies = answers(*(frame(20 * n, media) for n, media in enumerate(frames)), model=model)
    at_ms, verdict = verdicts(replies, since_ms=2000)[0]
    assert verdict == "pause"
    assert at_ms <= 200


@pytest.mark.requirement("R13")
def test_without_the_neural_detector_a_caller_still_gets_the_floor() -> None:
    frames = [b"\xff" * 160] * 100 + talk(60)
    replies = answers(*(frame(20 * n, media) for n, media in enumerate(frames)))
    assert [verdict for _, verdict in verdicts(replies, since_ms=2000)] == ["pause", "commit"]


@pytest.mark.requirement("R12")
def test_clicks_end_nothing() -> None:
    click = b"\xff" * 80 + b"\x05" * 8 + b"\xff" * 72
    frames = ([click] + [b"\xff" * 160] * 14) * 20
    replies = answers(*(frame(20 * n, media) for n, media in enumerate(frames)))
    assert all(reply == {"events": []} for reply in replies)
