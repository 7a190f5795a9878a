"""The log of this process: what it says of every call, what it never says, and how it costs a call nothing."""

from agentlocator.telemetry.log import Log, call_bound, configure
from agentlocator.telemetry.masking import mask
from agentlocator.telemetry.milestones import (
    SpeechTally,
    ai_said,
    barge_in,
    milestones_of,
    realtime_connected,
    session_configured,
    stream_stopped,
    tool_called,
)

__all__ = [
    "Log",
    "SpeechTally",
    "ai_said",
    "barge_in",
    "call_bound",
    "configure",
    "mask",
    "milestones_of",
    "realtime_connected",
    "session_configured",
    "stream_stopped",
    "tool_called",
]
