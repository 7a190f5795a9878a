"""What a call starts with: the business's brief for the core, and the session asked of the model. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import structlog

from agentlocator.assistant import instructions
from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallBrief, CallPolicy, Remembered, overridden
from agentlocator.domain import conduct
from agentlocator.domain.profile import BusinessProfile
from agentlocator.realtime.session import SemanticVad, ServerVad, SessionSettings, Transcription, session_update
from agentlocator.voice import call_tools

_log = structlog.stdlib.get_logger(__name__)


def brief(
    call_sid: str, profile: BusinessProfile, policy: CallPolicy, returning: tuple[Remembered, ...] = ()
) -> CallBrief:
    """What the core must know of the business. `returning`: the call comes back from a person who did not answer."""
    return CallBrief(
        call_sid=call_sid,
        greeting=profile.greeting,
        policy=policy,
        transfer_targets=_labels(profile),
        returning=returning,
    )


def session(
    profile: BusinessProfile, policy: CallPolicy, registry: Registry, now: datetime, model: str, voice: str
) -> dict[str, Any]:
    """The Realtime session: the business's prompt, voice and tools, and how its server ends a turn (R3, R31)."""
    turn_detection: ServerVad | SemanticVad = (
        SemanticVad(eagerness=policy.vad_eagerness)
        if policy.turn_detection == "semantic_vad"
        else ServerVad(threshold=policy.vad_threshold, silence_duration_ms=policy.vad_silence_ms)
    )
    settings = SessionSettings(
        model=model,
        voice=profile.voice or voice,
        max_output_tokens=policy.max_output_tokens,
        turn_detection=turn_detection,
        transcription=Transcription(language=profile.language),
    )
    tools = [*registry.schemas(), *call_tools.schemas(_labels(profile))]
    return session_update(instructions.build(profile, "call", now), tools, settings)


def policy_of(profile: BusinessProfile, usual: CallPolicy, neural_ear: bool) -> CallPolicy:
    """The business's call policy. One that cannot be read is not a reason to lose a caller."""
    try:
        policy = overridden(usual, conduct.of_calls(profile.policy))
    except msgspec.ValidationError as fault:
        _log.error("ALARM", alarm="policy_refused", business=profile.business_id, detail=str(fault))
        policy = usual
    if neural_ear:
        return policy
    # An ear that hears late would cut first syllables, so the model gets everything.
    return msgspec.structs.replace(policy, noise_gate=False)


def _labels(profile: BusinessProfile) -> tuple[str, ...]:
    return tuple(target.label for target in profile.transfer_numbers)
