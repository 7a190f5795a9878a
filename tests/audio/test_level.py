"""Levels against signals whose level is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio import g711
from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.audio.level import SILENCE_DBFS, level_dbfs


def sine(peak: float) -> bytes:
    phase = 2 * np.pi * 400 / 8000 * np.arange(FRAME_BYTES)
    return g711.encode((peak * np.sin(phase)).astype(np.int16))


def test_silence_has_a_floor_instead_of_an_infinity() -> None:
    assert level_dbfs(SILENCE_FRAME) == SILENCE_DBFS == -96.0
    assert level_dbfs(b"\x7f" * FRAME_BYTES) == -96.0
    assert level_dbfs(b"") == -96.0


@pytest.mark.parametrize(("peak", "dbfs"), [(32000, -3.2), (3276.8, -23.0), (327.68, -43.0)])
def test_a_sine_measures_three_below_its_peak(peak: float, dbfs: float) -> None:
    assert level_dbfs(sine(peak)) == pytest.approx(dbfs, abs=0.3)


def test_a_constant_measures_itself() -> None:
    assert level_dbfs(b"\x80" * FRAME_BYTES) == pytest.approx(20 * np.log10(32124 / 32768))


@given(st.binary(min_size=1, max_size=400))
def test_it_is_the_root_mean_square_of_the_samples(frame: bytes) -> None:
    energy = float(np.mean(g711.decode(frame).astype(np.float64) ** 2)) / 32768**2
    expected = 10 * np.log10(energy) if energy else -96.0

    assert level_dbfs(frame) == pytest.approx(expected, abs=1e-3)
