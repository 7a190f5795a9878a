"""Two sides of a call as one stereo WAV file: the caller in the left ear, the assistant in the right. Pure."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable

import numpy as np

from agentlocator.audio import g711
from agentlocator.audio.frames import BYTES_PER_MS

Timeline = Iterable[tuple[float, bytes]]
"""µ-law pieces with the moment, in ms from the beginning of the call, at which each began to sound."""


def stereo_wav(caller: Timeline, assistant: Timeline) -> bytes:
    """The WAV file's bytes. Silence where nobody sent; where one side's pieces overlap, the later one sounds."""
    left, right = _laid_out(caller), _laid_out(assistant)
    stereo = np.zeros((max(len(left), len(right)), 2), np.dtype("<i2"))
    stereo[: len(left), 0] = g711.decode(left)
    stereo[: len(right), 1] = g711.decode(right)
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(stereo.tobytes())
    return file.getvalue()


def _laid_out(timeline: Timeline) -> bytes:
    line = bytearray()
    for at_ms, audio in timeline:
        assert at_ms >= 0, f"sound at {at_ms} ms, before the call began"
        start = round(at_ms * BYTES_PER_MS)
        line += bytes([g711.SILENCE]) * (start - len(line))
        line[start : start + len(audio)] = audio
    return bytes(line)
