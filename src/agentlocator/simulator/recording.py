"""A call as a stereo recording on disk.

Made from what each side sent and when, after the call; never in its way.
"""

from __future__ import annotations

from pathlib import Path

from agentlocator.audio.stereo import Timeline, stereo_wav

__all__ = ["Timeline", "stereo_wav", "write_recording"]


def write_recording(path: Path, caller: Timeline, assistant: Timeline) -> None:
    """Writes a 16-bit, 8 kHz stereo WAV file, whole, over whatever was there."""
    path.write_bytes(stereo_wav(caller, assistant))
