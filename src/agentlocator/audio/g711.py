"""µ-law, the telephone's one-byte sample, to and from 16-bit linear samples.

Two tables and two functions, after ITU-T G.711 table 2. Never resamples, and never sits between the model and
the caller: their bytes pass as they are. It serves only what has to look into the sound, or invent some.
"""

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

SILENCE: Final = 0xFF
"""The code of +0. 0x7F is -0: as quiet, but not what a quiet line sends."""

LOUDEST: Final = 32124
"""The largest magnitude that µ-law can say, in 16-bit units."""

_BIAS: Final = 132
_CLIP: Final = 32635
_Code = TypeVar("_Code", np.int16, np.uint8)


def decode(audio: bytes) -> Samples:
    """One int16 sample for each µ-law byte, within ±32124."""
    return DECODE_TABLE[np.frombuffer(audio, np.uint8)]


def encode(samples: Samples) -> bytes:
    """One µ-law byte for each int16 sample; what is louder than µ-law can say becomes its loudest."""
    assert samples.dtype == np.int16, f"µ-law is made from int16 samples, not {samples.dtype}"
    return _ENCODE_TABLE[samples.view(np.uint16)].tobytes()


def _decode_table() -> Samples:
    inverted = ~np.arange(256, dtype=np.uint8)
    segment = (inverted >> 4 & 0x07).astype(np.int32)
    step = (inverted & 0x0F).astype(np.int32)
    magnitude = (((step << 3) + _BIAS) << segment) - _BIAS
    return _frozen(np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16))


def _encode_table() -> npt.NDArray[np.uint8]:
    linear = np.arange(1 << 16, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = np.searchsorted(1 << np.arange(8, 15), biased, side="right").astype(np.int32)
    step = biased >> (segment + 3) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    return _frozen((~(sign | segment << 4 | step)).astype(np.uint8))


def _frozen(table: npt.NDArray[_Code]) -> npt.NDArray[_Code]:
    table.setflags(write=False)
    return table


DECODE_TABLE: Final = _decode_table()
"""int16 by µ-law byte, read-only."""

_ENCODE_TABLE: Final = _encode_table()
