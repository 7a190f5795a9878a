"""The session we ask the model for, in the GA shape, and whether we got it.

Always µ-law both ways: a phone call has no other format here. Never sends a field that the named model
refuses, because one refused field refuses the whole update.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from agentlocator.realtime.errors import LocalProtocolError
from agentlocator.realtime.usage import TRANSCRIBER

# What every GA model speaks with; a custom voice is an id instead.
VOICES: Final = ("marin", "cedar", "shimmer", "coral", "sage", "alloy", "ash", "ballad", "echo", "verse")

Effort = Literal["minimal", "low", "medium", "high", "xhigh"]


class ServerVad(msgspec.Struct, frozen=True):
    """Turns by loudness and silence. With both policies false the server only reports, and we decide."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    create_response: bool = False
    interrupt_response: bool = False
    idle_timeout_ms: int | None = None


class SemanticVad(msgspec.Struct, frozen=True):
    """Turns by whether the sentence sounds finished; it waits at most 8, 4 or 2 s for low, medium or high."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = False
    interrupt_response: bool = False


class Transcription(msgspec.Struct, frozen=True):
    """The separate model that writes down what the caller said. The language is pinned, or it wanders."""

    model: str = TRANSCRIBER
    language: str = "he"
    keywords: tuple[str, ...] = ()


class SessionSettings(msgspec.Struct, frozen=True):
    """What may differ between businesses. `voice` is a name, or the id of a custom voice (`voice_…`).

    `reasoning_effort` is dropped for a model that has none; None leaves it to the server.
    """

    model: str = "gpt-realtime-2.1"
    voice: str = "shimmer"
    max_output_tokens: int = 400
    turn_detection: ServerVad | SemanticVad | None = ServerVad()
    transcription: Transcription | None = Transcription()
    noise_reduction: Literal["near_field", "far_field"] | None = "near_field"
    reasoning_effort: Effort | None = "low"


def session_update(
    instructions: str, tools: Sequence[Mapping[str, object]], settings: SessionSettings
) -> dict[str, Any]:
    """The `session` object of a `session.update` (see `messages.update_session`).

    `tools` are function tools: `type`, `name`, `description`, `parameters`. The model itself is named by the
    connection and cannot change, so it is not repeated. Raises LocalProtocolError, naming the field, for a
    value that the server would refuse.
    """
    for fault in _faults(tools, settings):
        raise LocalProtocolError(fault)
    session: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": instructions,
        "audio": {
            "input": {
                "format": dict(_PCMU),
                "noise_reduction": {"type": settings.noise_reduction} if settings.noise_reduction else None,
                "transcription": _transcription(settings.transcription),
                "turn_detection": _turn_detection(settings.turn_detection),
            },
            "output": {"format": dict(_PCMU), "voice": _voice(settings.voice)},
        },
        "tools": [dict(tool) for tool in tools],
        "tool_choice": "auto",
        "max_output_tokens": settings.max_output_tokens,
    }
    if reasons(settings.model):
        session["parallel_tool_calls"] = False
        if settings.reasoning_effort is not None:
            session["reasoning"] = {"effort": settings.reasoning_effort}
    return session


def reasons(model: str) -> bool:
    """Whether the model takes `reasoning` and `parallel_tool_calls`; the others refuse the whole update."""
    # The first model's snapshots, named by a year, begin like the second model.
    return model.startswith("gpt-realtime-2") and not model.startswith("gpt-realtime-202")


def check_echo(sent: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """What a `session.updated` lacks of the session we sent, one sentence a difference; empty means go.

    Only what would spoil a call is compared: the audio formats, the voice, the tools, the turn detection. No
    caller audio may be forwarded while this list is not empty.
    """
    return [
        *_format_differences(got),
        *_voice_differences(_at(sent, "audio", "output", "voice"), _at(got, "audio", "output", "voice")),
        *_tool_differences(sent, got),
        *_turn_differences(_at(sent, "audio", "input", "turn_detection"), _at(got, "audio", "input", "turn_detection")),
    ]


_PCMU: Final = {"type": "audio/pcmu"}
_TOOL_FIELDS: Final = frozenset({"type", "name", "description", "parameters"})


def _faults(tools: Sequence[Mapping[str, object]], settings: SessionSettings) -> Iterator[str]:
    if not 1 <= settings.max_output_tokens <= 4096:
        yield f"max_output_tokens must be 1 to 4096, not {settings.max_output_tokens}"
    turn = settings.turn_detection
    if isinstance(turn, ServerVad):
        if not 0 <= turn.threshold <= 1:
            yield f"turn_detection.threshold must be 0 to 1, not {turn.threshold}"
        if turn.idle_timeout_ms is not None and not 5_000 <= turn.idle_timeout_ms <= 30_000:
            yield f"turn_detection.idle_timeout_ms must be 5000 to 30000, not {turn.idle_timeout_ms}"
    for tool in tools:
        unknown = sorted(set(tool) - _TOOL_FIELDS)
        if unknown:
            yield f"tool {tool.get('name')} has fields Realtime does not take: {', '.join(unknown)}"


def _transcription(wanted: Transcription | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    # The newer models take a list of languages, and keywords; the others one language and no keywords.
    if wanted.model not in ("gpt-transcribe", "gpt-live-transcribe"):
        return {"model": wanted.model, "language": wanted.language}
    keywords = {"keywords": list(wanted.keywords)} if wanted.keywords else {}
    return {"model": wanted.model, "languages": [wanted.language], **keywords}


def _turn_detection(wanted: ServerVad | SemanticVad | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    kind = "server_vad" if isinstance(wanted, ServerVad) else "semantic_vad"
    fields = msgspec.structs.asdict(wanted)
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def _voice(voice: str) -> str | dict[str, str]:
    return {"id": voice} if voice.startswith("voice_") else voice


def _format_differences(got: Mapping[str, Any]) -> Iterator[str]:
    for side in ("input", "output"):
        format_ = _at(got, "audio", side, "format", "type")
        if format_ != "audio/pcmu":
            yield f"audio.{side}.format is {format_}, not audio/pcmu"


def _voice_differences(sent: Any, got: Any) -> Iterator[str]:
    # A custom voice may come back as its object or as its id.
    wanted, spoken = (_at(voice, "id") or voice for voice in (sent, got))
    if wanted is not None and wanted != spoken:
        yield f"voice is {spoken}, not {wanted}"


def _tool_differences(sent: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[str]:
    present = {_at(tool, "name") for tool in got.get("tools") or ()}
    for tool in sent.get("tools") or ():
        if tool["name"] not in present:
            yield f"tool {tool['name']} is missing"


def _turn_differences(sent: Any, got: Any) -> Iterator[str]:
    if sent is None or got is None:
        if sent is not got:
            yield f"turn_detection is {_at(got, 'type')}, not {_at(sent, 'type')}"
        return
    for name, wanted in sent.items():
        value = _at(got, name)
        if not _same(wanted, value):
            yield f"turn_detection.{name} is {value}, not {wanted}"


def _same(wanted: Any, value: Any) -> bool:
    # A float may make the round trip through single precision.
    if isinstance(wanted, float) and isinstance(value, int | float):
        return math.isclose(wanted, value, rel_tol=1e-6)
    return bool(wanted == value)


def _at(tree: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(name)
    return tree
