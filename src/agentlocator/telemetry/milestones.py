"""The lines an operator looks for in every good call, and the file that keeps them, so that they can be shown later.

None of them is a line per frame: `SpeechTally` logs the first of each response and counts the rest. What was said is
not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog

_log = structlog.stdlib.get_logger("agentlocator.call")


def realtime_connected() -> None:
    _log.info("[REALTIME] Connected")


def session_configured(voice: str) -> None:
    _log.info(f"[REALTIME] Session configured: voice={voice}")


def ai_said(text: str) -> None:
    _log.info(f"[REALTIME] AI said: {text}")


def tool_called(name: str) -> None:
    _log.info(f"[REALTIME] tool called: {name}")


def barge_in(heard_ms: int, speech_ms: int) -> None:
    """`heard_ms`: how much of the assistant's sentence was heard; `speech_ms`: how long the caller had spoken."""
    _log.info(f"[REALTIME] BARGE-IN triggered heard_ms={heard_ms} speech_ms={speech_ms}")


def stream_stopped(tx: int, rx: int, *, model_spoke: bool) -> None:
    """The end of a call's stream: frames sent and received. Sound that never left is an alarm."""
    _log.info(f"WS_STOP tx={tx} rx={rx}")
    if model_spoke and tx == 0:
        _log.error("ALARM: the model spoke and no frame was sent to the carrier", alarm="silent_call")


class SpeechTally:
    """One call's speech on its way out: chunks from the model, frames to the carrier."""

    def __init__(self) -> None:
        self.chunks = 0
        self.frames = 0
        self._chunk_of: str | None = None
        self._frame_of: str | None = None

    def chunk(self, response_id: str, size: int) -> None:
        """Audio of `size` bytes came from the model."""
        self.chunks += 1
        if response_id != self._chunk_of:
            self._chunk_of = response_id
            _log.info(f"[REALTIME] got audio chunk response={response_id} bytes={size} chunks={self.chunks}")

    def frame(self, response_id: str) -> None:
        """A frame was sent to the carrier."""
        self.frames += 1
        if response_id != self._frame_of:
            self._frame_of = response_id
            _log.info(f"[REALTIME] sending frame to Twilio response={response_id} tx={self.frames}")


def milestones_of(path: Path, call_sid: str) -> list[str]:
    """A call's kept lines, the oldest first: when and what, as they stand in the log."""
    lines: list[str] = []
    for part in (path.with_suffix(".1"), path):
        if part.is_file():
            for line in part.read_text(encoding="utf-8").splitlines():
                if call_sid in line:
                    record = json.loads(line)
                    lines.append(f"{record['at']} {record['event']}")
    return lines


def keep(path: Path, record: Mapping[str, Any]) -> None:
    """Adds a call's masked record to the file, if it is one of these lines."""
    event = str(record.get("event", ""))
    if not event.startswith(_MILESTONES):
        return
    # What was said belongs to the call's transcript, which is forgotten when the business wants it forgotten.
    if event.startswith(_SAID):
        event = f"{_SAID} ({len(event) - len(_SAID)} characters)"
    line = json.dumps({"at": record.get("at"), "call_id": record["call_id"], "event": event}, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _MILESTONE_BYTES:
        path.replace(path.with_suffix(".1"))
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


_SAID: Final = "[REALTIME] AI said:"
_MILESTONES: Final = ("[REALTIME] ", "WS_STOP ", "ALARM")
_MILESTONE_BYTES: Final = 4_000_000
