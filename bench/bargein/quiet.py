"""`python -m bench.bargein.quiet`: what a frame of a quiet line costs, in the process's own CPU time.

Line noise at -66 dBFS, the assistant silent and speaking; the cheapest of some runs, because a busy machine only adds.
"""

import numpy as np

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS
from agentlocator.audio.g711 import encode
from agentlocator.floor_protocol import FloorSession
from agentlocator.voice.scorer import SpeechModel
from bench.bargein.stage import Told, cost_us

FRAMES = 5_000
NOISE = 16.0
VOICE = 3_000.0


def main() -> None:
    model = SpeechModel.load()
    rng = np.random.default_rng(1)
    line = [_frame(rng, NOISE) for _ in range(FRAMES)]
    voice = _frame(rng, VOICE)
    for name, speaking in (("silent", False), ("speaking", True)):
        told: list[Told] = [(number * FRAME_MS, frame, speaking, voice) for number, frame in enumerate(line)]
        spent_us = cost_us(told, lambda: FloorSession(model), runs=7)
        print(f"the assistant {name}: {spent_us / FRAMES:.1f} µs a frame")


def _frame(rng: np.random.Generator, amplitude: float) -> bytes:
    return encode((rng.standard_normal(FRAME_BYTES) * amplitude).astype(np.int16))


if __name__ == "__main__":
    main()
