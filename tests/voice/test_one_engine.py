"""The phone path has one engine: nothing that a call is made of knows another speech service or a text agent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import agentlocator

SOURCE = Path(agentlocator.__file__).parent
OURS = ("audio", "call", "realtime", "twilio", "voice")
OTHERS = {"google", "whisper", "openai", "agents", "speech_recognition", "gtts", "pyttsx3", "torch", "silero_vad"}
OUR_OTHERS = ("agentlocator.whatsapp", "agentlocator.jobs", "agentlocator.web", "agentlocator.simulator")


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("package", OURS)
def test_no_module_of_the_phone_path_imports_another_speech_service_or_a_text_agent(package: str) -> None:
    for path in sorted((SOURCE / package).rglob("*.py")):
        imported = set(_imports(path))
        assert not {name for name in imported if name.partition(".")[0] in OTHERS}, path.name
        assert not {name for name in imported if name.startswith(OUR_OTHERS)}, path.name


@pytest.mark.requirement("R1")
def test_only_the_model_link_connects_to_anything_from_a_calls_own_code() -> None:
    clients = {
        "picows",
        "websockets",
        "httpx2",
        "httpx",
        "aiohttp",
        "requests",
        "urllib.request",
        "http.client",
        "socket",
    }
    doors = {
        f"{package}/{path.name}"
        for package in OURS
        for path in (SOURCE / package).rglob("*.py")
        if any(name in clients or name.partition(".")[0] in clients for name in _imports(path))
    }

    # The second speaks with the carrier about the account and its numbers; it knows no speech.
    assert doors == {"voice/model_link.py", "twilio/account.py"}


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
