"""µ-law against the formulas of ITU-T G.711, not against another program's output."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio import g711

ALL_CODES = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)


def test_every_code_survives_decoding_and_encoding() -> None:
    again = g711.encode(g711.decode(ALL_CODES))

    minus_zero, plus_zero = 0x7F, 0xFF
    assert again[minus_zero] == plus_zero
    assert again.replace(b"\xff", b"") == ALL_CODES.replace(b"\x7f", b"").replace(b"\xff", b"")


def test_both_zeros_are_silent_and_silence_is_the_positive_one() -> None:
    assert g711.decode(bytes([0xFF, 0x7F])).tolist() == [0, 0]
    assert g711.encode(np.zeros(3, np.int16)) == bytes([g711.SILENCE]) * 3


def test_the_upper_half_mirrors_the_lower_half() -> None:
    assert (g711.DECODE_TABLE[128:] == -g711.DECODE_TABLE[:128]).all()


def test_the_outputs_are_those_of_the_recommendation() -> None:
    # Table 2a, in 14-bit units: segment s starts at 33·2^s - 33 and rises in steps of 2^(s+1).
    for segment in range(8):
        for step in range(16):
            code = 0xFF - (segment * 16 + step)
            value_14_bit = (33 + 2 * step) * 2**segment - 33
            assert g711.DECODE_TABLE[code] == 4 * value_14_bit
    assert g711.DECODE_TABLE.max() == g711.LOUDEST


def test_a_code_begins_at_its_decision_value_and_ends_below_the_next() -> None:
    # Table 2a again: decision values are 32·2^s - 33, rising in the same steps, and mirrored below zero.
    ranks = np.arange(128)
    decisions = 4 * np.maximum((32 + 2 * (ranks % 16)) * 2 ** (ranks // 16) - 33, 0)
    magnitude = np.minimum(np.abs(EVERY_SAMPLE.astype(np.int32)), 32635)
    rank = np.searchsorted(decisions, magnitude, side="right") - 1

    expected = np.where(EVERY_SAMPLE < 0, 0x7F, 0xFF) - rank
    assert g711.encode(EVERY_SAMPLE) == expected.astype(np.uint8).tobytes()


def test_louder_than_the_code_can_say_is_its_loudest() -> None:
    assert g711.decode(g711.encode(np.array([32767, -32768], np.int16))).tolist() == [32124, -32124]


@given(st.binary(max_size=400))
def test_a_sample_for_every_byte_and_a_byte_for_every_sample(audio: bytes) -> None:
    samples = g711.decode(audio)

    assert samples.dtype == np.int16
    assert len(samples) == len(audio)
    assert g711.encode(samples) == audio.replace(b"\x7f", b"\xff")


def test_a_slice_with_a_stride_encodes_like_its_copy() -> None:
    every_other = EVERY_SAMPLE[::2]

    assert g711.encode(every_other) == g711.encode(every_other.copy())


def test_floats_are_a_bug_and_say_so() -> None:
    with pytest.raises(AssertionError, match="int16"):
        g711.encode(np.zeros(4, np.float32))


def test_the_table_cannot_be_spoiled() -> None:
    with pytest.raises(ValueError, match="read-only"):
        g711.DECODE_TABLE[0] = 1
