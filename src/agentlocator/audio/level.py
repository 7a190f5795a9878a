"""How loud a piece of µ-law sound is, cheaply enough to ask of every frame of every call.

Never judges: a level is not speech.
"""

import math
from typing import Final

import numpy as np

from agentlocator.audio.g711 import DECODE_TABLE

SILENCE_DBFS: Final = -96.0
"""What digital silence measures, since its logarithm does not exist."""


def level_dbfs(frame: bytes) -> float:
    """RMS of a piece of any length, in dB below a constant 32768; -96 for silence or nothing.

    A full-scale sine is therefore about -3, speech on a good line -30 to -15.
    """
    amplitudes = _AMPLITUDES[np.frombuffer(frame, np.uint8)]
    energy = float(amplitudes.dot(amplitudes))
    if energy == 0.0:
        return SILENCE_DBFS
    return 10.0 * math.log10(energy / len(frame))


_AMPLITUDES: Final = DECODE_TABLE.astype(np.float32) / np.float32(32768.0)
