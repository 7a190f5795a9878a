"""What the simulated model accepts as configuration: the GA session object, field by field. Pure.

Whatever is not in the tables below is refused, and one refused field refuses the whole update, as the real
service does. Nothing here knows of sound, time or the conversation.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import msgspec

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
REASONING_MODELS = ("gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini")
MODELS = (*REASONING_MODELS, "gpt-realtime-1.5", "gpt-realtime", "gpt-realtime-2025-08-28", "gpt-realtime-mini")
PCMU = "audio/pcmu"
_PCM_24K = {"type": "audio/pcm", "rate": 24000}

Session = dict[str, Any]


class Refusal(msgspec.Struct, frozen=True):
    """Why the service refuses an event: the fields of its `error` object. `code` None is sent as null."""

    code: str | None
    message: str
    param: str | None = None
    type: str = "invalid_request_error"


def default_session(session_id: str, model: str, expires_at: int) -> Session:
    """The configuration of a fresh session; `expires_at` in epoch seconds."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful, witty, and friendly AI. Talk quickly and sound cheerful.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": dict(_PCM_24K),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {**_TURN_DETECTION["server_vad"], "silence_duration_ms": 200},
            },
            "output": {"format": dict(_PCM_24K), "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def refuse_update(update: object, session: Session, has_spoken: bool) -> Refusal | None:
    """Why this `session` object of a `session.update` is refused, or None when all of it may be applied."""
    if not isinstance(update, dict):
        return _wrong_type("session", "an object", update)
    if "type" not in update:
        return missing("session.type")
    refusal = _check_fields(update, _SESSION, "session")
    return refusal or _refuse_change(update, session, has_spoken)


def merge_update(session: Session, update: Mapping[str, Any]) -> Session:
    """The session after a checked update: fields that are present change, all others stay."""
    merged = deepcopy(session)
    for name, value in update.items():
        if name != "audio":
            merged[name] = value
    audio = update.get("audio") or {}
    for name, value in (audio.get("input") or {}).items():
        merged["audio"]["input"][name] = _merged_input(name, session["audio"]["input"].get(name), value)
    merged["audio"]["output"].update(audio.get("output") or {})
    return merged


def refuse_response(options: object, session: Session, has_spoken: bool) -> Refusal | None:
    """Why these options of a `response.create` are refused, or None."""
    if not isinstance(options, dict):
        return _wrong_type("response", "an object", options)
    refusal = _check_fields(options, _RESPONSE, "response")
    if refusal is not None:
        return refusal
    voice = ((options.get("audio") or {}).get("output") or {}).get("voice")
    if voice is not None and has_spoken and voice != session["audio"]["output"]["voice"]:
        return _voice_is_set()
    return _refuse_for_model(options, session["model"], "response")


def unknown_fields(event: Mapping[str, Any], allowed: frozenset[str]) -> Refusal | None:
    """The first field of an event that the service does not know."""
    for name in event:
        if name not in allowed:
            return _unknown(name)
    return None


def missing(param: str) -> Refusal:
    """A field that the service cannot do without."""
    return Refusal("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def wrong_value(param: str, value: object, supported: str) -> Refusal:
    """A value outside of what a field takes."""
    return Refusal("invalid_value", f"Invalid value: {_shown(value)}. Supported values are: {supported}.", param)


def _refuse_change(update: Mapping[str, Any], session: Session, has_spoken: bool) -> Refusal | None:
    model = update.get("model", session["model"])
    if model != session["model"]:
        return Refusal("invalid_value", "The model of a session cannot be changed.", "session.model")
    if session["tracing"] is not None and update.get("tracing", session["tracing"]) != session["tracing"]:
        return Refusal("invalid_value", "Tracing cannot be changed once it is enabled.", "session.tracing")
    output = (update.get("audio") or {}).get("output") or {}
    if has_spoken and output.get("voice", session["audio"]["output"]["voice"]) != session["audio"]["output"]["voice"]:
        return _voice_is_set()
    return _refuse_for_model(update, model, "session")


def _refuse_for_model(options: Mapping[str, Any], model: str, path: str) -> Refusal | None:
    if model in REASONING_MODELS:
        return None
    for name in ("reasoning", "parallel_tool_calls"):
        if options.get(name) is not None:
            message = f"Unsupported parameter: '{path}.{name}' is not supported with this model."
            return Refusal("unsupported_parameter", message, f"{path}.{name}")
    return None


def _voice_is_set() -> Refusal:
    message = "Cannot update a conversation's voice if assistant audio is present."
    return Refusal("cannot_update_voice", message, "session.audio.output.voice")


def _merged_input(name: str, current: object, value: object) -> object:
    if name != "turn_detection" or not isinstance(value, dict):
        return value
    kept = current if isinstance(current, dict) and current["type"] == value["type"] else {}
    return {**_TURN_DETECTION[value["type"]], **kept, **value}


_TURN_DETECTION: dict[str, dict[str, Any]] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    },
}


# A check returns None, or what the service would say of the value at that path.
Check = Callable[[object, str], Refusal | None]


def _check_fields(value: Mapping[str, Any], fields: Mapping[str, Check], path: str) -> Refusal | None:
    for name, part in value.items():
        check = fields.get(name)
        refusal = _unknown(f"{path}.{name}") if check is None else check(part, f"{path}.{name}")
        if refusal is not None:
            return refusal
    return None


def _object(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(value: object, path: str) -> Refusal | None:
        if not isinstance(value, dict):
            return _wrong_type(path, "an object", value)
        for name in required:
            if name not in value:
                return missing(f"{path}.{name}")
        return _check_fields(value, fields, path)

    return check


def _tagged(kinds: Mapping[str, Mapping[str, Check]], tag: str = "type") -> Check:
    """An object whose `tag` says which fields it may have."""

    def check(value: object, path: str) -> Refusal | None:
        if not isinstance(value, dict):
            return _wrong_type(path, "an object", value)
        if tag not in value:
            return missing(f"{path}.{tag}")
        kind = value[tag]
        if not isinstance(kind, str) or kind not in kinds:
            return wrong_value(f"{path}.{tag}", kind, _either(kinds))
        return _check_fields({name: part for name, part in value.items() if name != tag}, kinds[kind], path)

    return check


def _or_null(inner: Check) -> Check:
    return lambda value, path: None if value is None else inner(value, path)


def _one_of(*choices: str) -> Check:
    return lambda value, path: None if value in choices else wrong_value(path, value, _either(choices))


def _number(low: float, high: float, whole: bool = False) -> Check:
    def check(value: object, path: str) -> Refusal | None:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return _wrong_type(path, "an integer" if whole else "a number", value)
        return None if low <= value <= high else wrong_value(path, value, f"{low} to {high}")

    return check


def _text(value: object, path: str) -> Refusal | None:
    return None if isinstance(value, str) else _wrong_type(path, "a string", value)


def _flag(value: object, path: str) -> Refusal | None:
    return None if isinstance(value, bool) else _wrong_type(path, "a boolean", value)


def _list_of(inner: Check) -> Check:
    def check(value: object, path: str) -> Refusal | None:
        if not isinstance(value, list):
            return _wrong_type(path, "an array", value)
        refusals = (inner(part, f"{path}[{place}]") for place, part in enumerate(value))
        return next((refusal for refusal in refusals if refusal is not None), None)

    return check


def _anything(_value: object, _path: str) -> Refusal | None:
    return None


def _object_of_anything(value: object, path: str) -> Refusal | None:
    return None if isinstance(value, dict) else _wrong_type(path, "an object", value)


def _text_or_object(words: tuple[str, ...], inner: Check) -> Check:
    def check(value: object, path: str) -> Refusal | None:
        return _one_of(*words)(value, path) if isinstance(value, str) else inner(value, path)

    return check


def _modalities(value: object, path: str) -> Refusal | None:
    return None if value in (["audio"], ["text"]) else wrong_value(path, value, "['audio'] and ['text']")


def _tool(value: object, path: str) -> Refusal | None:
    refusal = _KINDS_OF_TOOL(value, path)
    if refusal is None and isinstance(value, dict) and value["type"] == "function" and "name" not in value:
        return missing(f"{path}.name")
    return refusal


def _max_output_tokens(value: object, path: str) -> Refusal | None:
    return None if value == "inf" else _number(1, 4096, whole=True)(value, path)


def _metadata(value: object, path: str) -> Refusal | None:
    if not isinstance(value, dict):
        return _wrong_type(path, "an object", value)
    fits = len(value) <= 16 and all(len(k) <= 64 and isinstance(v, str) and len(v) <= 512 for k, v in value.items())
    return None if fits else wrong_value(path, len(value), "16 pairs, keys of 64 and values of 512 characters")


def _unknown(param: str) -> Refusal:
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def _wrong_type(param: str, wanted: str, value: object) -> Refusal:
    message = f"Invalid type for '{param}': expected {wanted}, but got {type(value).__name__} instead."
    return Refusal("invalid_type", message, param)


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _either(choices: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(f"'{choice}'" for choice in choices)


# The service takes A-law too; nothing here could make sense of it.
_FORMAT = _tagged({PCMU: {}, "audio/pcm": {"rate": _number(24000, 24000, whole=True)}})
_VOICE = _text_or_object(VOICES, _object({"id": _text}, required=("id",)))
_EFFORT = _object({"effort": _one_of("minimal", "low", "medium", "high", "xhigh")})
_LANGUAGES = {"languages": _list_of(_text), "keywords": _list_of(_text), "prompt": _text}
_LANGUAGE = {"language": _text, "prompt": _text}
_COUNT = _number(0, 128_000, whole=True)
_DELAY = _one_of("minimal", "low", "medium", "high", "xhigh")
_TRANSCRIPTION = _tagged(
    {
        "gpt-transcribe": _LANGUAGES,
        "gpt-live-transcribe": _LANGUAGES,
        "gpt-realtime-whisper": {"language": _text, "delay": _DELAY},
        "gpt-4o-transcribe": _LANGUAGE,
        "gpt-4o-mini-transcribe": _LANGUAGE,
        "whisper-1": _LANGUAGE,
    },
    tag="model",
)
_ON_SPEECH = {"create_response": _flag, "interrupt_response": _flag}
_DETECTION = _tagged(
    {
        "server_vad": {
            "threshold": _number(0.0, 1.0),
            "prefix_padding_ms": _number(0, 10_000, whole=True),
            "silence_duration_ms": _number(0, 10_000, whole=True),
            "idle_timeout_ms": _or_null(_number(5_000, 30_000, whole=True)),
            **_ON_SPEECH,
        },
        "semantic_vad": {"eagerness": _one_of("low", "medium", "high", "auto"), **_ON_SPEECH},
    }
)
_NOISE_REDUCTION = _object(
    {"type": _one_of("near_field", "far_field"), "strength": _number(0.0, 1.0)}, required=("type",)
)
_FUNCTION = {"name": _text, "description": _text, "parameters": _object_of_anything}
_MCP = dict.fromkeys(("server_label", "server_url", "authorization", "allowed_tools"), _anything)
_KINDS_OF_TOOL = _tagged({"function": _FUNCTION, "mcp": _MCP})
_TOOLS = _list_of(_tool)
_TOOL_CHOICE = _text_or_object(
    ("auto", "none", "required"),
    _tagged({"function": {"name": _text}, "mcp": {"server_label": _text, "name": _text}}),
)
_TRUNCATION = _text_or_object(
    ("auto", "disabled"),
    _tagged(
        {
            "retention_ratio": {
                "retention_ratio": _number(0.0, 1.0),
                "token_limits": _object({"post_instructions": _COUNT}),
            }
        }
    ),
)
_SAID_ALIKE: dict[str, Check] = {
    "instructions": _text,
    "output_modalities": _modalities,
    "tools": _TOOLS,
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": _flag,
    "reasoning": _or_null(_EFFORT),
    "max_output_tokens": _max_output_tokens,
}
_SESSION: dict[str, Check] = {
    **_SAID_ALIKE,
    "type": _one_of("realtime"),
    "model": _text,
    "audio": _object(
        {
            "input": _object(
                {
                    "format": _FORMAT,
                    "noise_reduction": _or_null(_NOISE_REDUCTION),
                    "transcription": _or_null(_TRANSCRIPTION),
                    "turn_detection": _or_null(_DETECTION),
                }
            ),
            "output": _object({"format": _FORMAT, "voice": _VOICE, "speed": _number(0.25, 1.5)}),
        }
    ),
    "truncation": _TRUNCATION,
    "tracing": _or_null(
        _text_or_object(("auto",), _object({"workflow_name": _text, "group_id": _text, "metadata": _metadata}))
    ),
    "include": _or_null(_list_of(_one_of("item.input_audio_transcription.logprobs"))),
    "prompt": _or_null(_object({"id": _text, "version": _text, "variables": _object_of_anything})),
}
_RESPONSE: dict[str, Check] = {
    **_SAID_ALIKE,
    "audio": _object({"output": _object({"format": _FORMAT, "voice": _VOICE})}),
    "metadata": _or_null(_metadata),
    "conversation": _one_of("auto", "none"),
    "input": _list_of(_object_of_anything),
}
