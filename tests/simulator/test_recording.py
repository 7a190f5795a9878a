"""A recording: who spoke in which ear, and when."""

import io
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from agentlocator.audio.g711 import LOUDEST
from agentlocator.simulator.recording import stereo_wav, write_recording

LOUD = b"\x80" * 160


def ears(wav: bytes) -> npt.NDArray[np.int16]:
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def test_the_caller_is_left_and_the_assistant_right() -> None:
    left, right = ears(stereo_wav(caller=[(0, LOUD)], assistant=[(20, LOUD)])).T

    assert left.tolist() == [LOUDEST] * 160 + [0] * 160
    assert right.tolist() == [0] * 160 + [LOUDEST] * 160


def test_gaps_are_silent_and_later_sound_covers_earlier() -> None:
    left, _ = ears(stereo_wav(caller=[(0, LOUD), (40, LOUD), (50, b"\x00" * 80)], assistant=[])).T

    assert left.tolist() == [LOUDEST] * 160 + [0] * 160 + [LOUDEST] * 80 + [-LOUDEST] * 80


def test_a_call_without_sound_is_an_empty_recording() -> None:
    assert len(ears(stereo_wav([], []))) == 0


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    write_recording(path, [(0, LOUD)], [])

    assert path.read_bytes() == stereo_wav([(0, LOUD)], [])


def test_sound_before_the_call_is_a_bug_and_says_so() -> None:
    with pytest.raises(AssertionError, match="before the call"):
        stereo_wav([(-20, LOUD)], [])
