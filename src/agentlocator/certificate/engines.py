"""Whether a call could reach any other speech service or text agent than the Realtime model. Looks; calls nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import agentlocator
from agentlocator.config import Settings
from agentlocator.domain.profile import BusinessProfile

_PHONE_PATH: Final = ("audio", "call", "realtime", "twilio", "voice")
_SPEECH: Final = frozenset(
    {
        "google",
        "whisper",
        "openai",
        "agents",
        "speech_recognition",
        "gtts",
        "pyttsx3",
        "torch",
        "azure",
        "boto3",
        "deepgram",
        "elevenlabs",
    }
)


def reachable(settings: Settings, profile: BusinessProfile, source: Path | None = None) -> Iterator[str]:
    """Each way to another engine, in a few words; none in a deployment as it should be."""
    if settings.enable_streaming_stt:
        yield "ENABLE_STREAMING_STT=true"
    engine = profile.policy.get("engine", "realtime")
    if engine != "realtime":
        yield f"policy.engine={engine}"
    folder = source or Path(agentlocator.__file__).parent
    for package in _PHONE_PATH:
        for path in sorted((folder / package).rglob("*.py")):
            for name in sorted(_imported(path) & _SPEECH):
                yield f"{package}/{path.name} imports {name}"


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
