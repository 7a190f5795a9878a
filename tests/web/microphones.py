"""A microphone for a browser: a file it takes for what its owner says."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from agentlocator.audio import g711

RATE = 48_000


def recorded(path: Path, audio: bytes, *, after_s: float, then_s: float = 30.0) -> Path:
    """µ-law speech as a recording at a sound card's rate, between two silences. The browser plays it over and over."""
    telephone = g711.decode(audio).astype(np.float64)
    at = np.arange(len(telephone) * RATE // 8_000) * 8_000 / RATE
    speech = np.interp(at, np.arange(len(telephone)), telephone)
    silence = np.zeros(int(after_s * RATE)), np.zeros(int(then_s * RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate([silence[0], speech, silence[1]]).astype("<i2").tobytes())
    return path
