"""The kept lines of a call: there for whoever asks what happened, and without a word of what was said."""

from __future__ import annotations

import io
from pathlib import Path

from agentlocator import telemetry


def test_a_call_s_lines_are_kept_without_what_was_said(tmp_path: Path) -> None:
    kept = tmp_path / "calls.log"
    log = telemetry.configure(stream=io.StringIO(), milestones=kept)
    with telemetry.call_bound("CA1"):
        telemetry.realtime_connected()
        telemetry.ai_said("דנה כהן, נקבע תור")
    with telemetry.call_bound("CA2"):
        telemetry.realtime_connected()
    telemetry.realtime_connected()
    log.close()
    lines = telemetry.milestones_of(kept, "CA1")
    assert [line.partition(" ")[2] for line in lines] == ["[REALTIME] Connected", "[REALTIME] AI said: (18 characters)"]
    assert "דנה" not in kept.read_text(encoding="utf-8")
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 3
