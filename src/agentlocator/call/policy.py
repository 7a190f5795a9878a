"""The numbers a call is run by: every threshold of the core that is not the ear's own, one place, per business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from agentlocator.call.floor import FloorPolicy


class CallPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Durations in milliseconds; a business overrides single fields."""

    # How much audio may wait at the carrier. Enough to ride out scheduling jitter, little enough that a pause is heard
    # at once: what is queued there can only be thrown away, not taken back.
    playout_lead_ms: int = 60
    mark_every_ms: int = 200
    # Generation that is late inside an utterance does not give the floor away for this long.
    playout_gap_ms: int = 400

    # Audio from before the moment speech was recognised, forwarded with it so that no first syllable is lost.
    pre_roll_ms: int = 300
    # In the caller's own turn the model gets silence instead of what is not speech (R15).
    noise_gate: bool = True
    # Caller audio kept while it is not forwarded. Covers the longest road to a commit plus the pre-roll.
    backlog_ms: int = 2_000

    connect_timeout_ms: int = 5_000
    confirm_timeout_ms: int = 4_000
    reconnect_attempts: int = 3
    reconnect_pause_ms: int = 300
    # The provider ends a session at 60 minutes without warning.
    session_max_ms: int = 50 * 60_000

    # How long the caller hears nothing, while the link is down, before he is handed to the crash net.
    lost_link_silence_ms: int = 2_000
    # A response that is under way and brings nothing, while nothing is left to play: the model is stuck.
    stall_ms: int = 2_500
    # While a tool works this long in silence, the model says that it is looking.
    filler_ms: int = 1_800
    fillers: int = 3
    # The caller never waits longer than this in silence for something he is owed: then a person, or an apology.
    dead_air_ms: int = 4_000
    # A pause inside a number that is being dictated is not the end of a turn.
    dictation_hold_ms: int = 1_800
    retry_pause_ms: int = 400
    response_retries: int = 2
    continuations: int = 3
    tool_timeout_ms: int = 8_000
    # An assistant that keeps claiming what is not so is not argued with for ever.
    corrections: int = 3

    keypad_gap_ms: int = 1_500
    keypad_max_digits: int = 32

    # Nobody talks longer than this without a breath that ends a turn.
    talk_max_ms: int = 60_000

    silence_prompt_ms: int = 8_000
    silence_prompts: int = 2
    max_call_ms: int = 30 * 60_000
    farewell_timeout_ms: int = 12_000
    # Between the last word of a goodbye and the end of the call: people do not hang up into each other's words.
    farewell_pause_ms: int = 600
    stream_wait_ms: int = 15_000
    # Twilio sends 50 frames a second, silence included: a line without them is dead.
    line_dead_ms: int = 4_000

    floor: FloorPolicy = FloorPolicy()

    # Said before the greeting and never interrupted, such as that the call is recorded.
    notice: str = ""
    # The end of the caller's turn, as the model's server detects it: by silence, or by whether a sentence is finished.
    turn_detection: Literal["server_vad", "semantic_vad"] = "server_vad"
    vad_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    # Short, because an answer to a breath is taken back before it is heard; long would be heard after every turn.
    vad_silence_ms: Annotated[int, msgspec.Meta(ge=200, le=3_000)] = 400
    vad_eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    # R9: a ceiling for one response; an answer that reaches it is continued.
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 400


def overridden(usual: CallPolicy, own: Mapping[str, Any]) -> CallPolicy:
    """The usual policy with single fields of a business over it, at every depth. Raises msgspec.ValidationError."""
    return msgspec.convert(_merged(msgspec.to_builtins(usual), own), CallPolicy)


def _merged(usual: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(usual)
    for name, value in own.items():
        inner = usual.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


class Remembered(msgspec.Struct, frozen=True):
    """One turn of an earlier part of this call. `role`: user or assistant."""

    role: str
    text: str


class CallBrief(msgspec.Struct, frozen=True):
    """What the core must know of a call before it starts; the rest of the business is not its concern."""

    call_sid: str
    greeting: str
    policy: CallPolicy = CallPolicy()
    # Whom the assistant may hand the call to, by the labels the business gave them.
    transfer_targets: tuple[str, ...] = ()
    # Set when the call returns to the assistant because nobody there answered: what has been said until now.
    returning: tuple[Remembered, ...] = ()
