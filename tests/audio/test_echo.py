"""What of the caller's sound our own voice explains, and when that is believed."""

import numpy as np
import pytest

from agentlocator.audio.echo import Echo
from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.audio.g711 import encode


def murmur(frames: int, seed: int) -> np.ndarray:
    """Noise with the spectrum and the rhythm of speech, in 16-bit units."""
    drawn = np.random.default_rng(seed).standard_normal(frames * FRAME_BYTES)
    shaped = np.convolve(drawn, [1.0, 1.6, 0.9, 0.3], "same")
    return shaped * 1500 * (0.6 + 0.4 * np.sin(np.arange(len(shaped)) / 500))


def frames(sound: np.ndarray) -> list[bytes]:
    coded = encode(np.clip(sound, -32000, 32000).astype(np.int16))
    return [coded[at : at + FRAME_BYTES] for at in range(0, len(coded), FRAME_BYTES)]


def explained(played: np.ndarray, heard: np.ndarray, echo: Echo) -> list[float]:
    """dB explained after each frame from the 20th on."""
    found = []
    for number, frame in enumerate(frames(played)):
        echo.play(frame)
        if number >= 20:
            newest = heard[(number - 4) * FRAME_BYTES : (number + 1) * FRAME_BYTES]
            found.append(echo.explained_db(newest.astype(np.float32)))
    return found


@pytest.mark.requirement("R12")
def test_our_voice_that_comes_back_later_and_fainter_is_ours_for_sure() -> None:
    said = murmur(40, seed=1)
    back = np.concatenate([np.zeros(960), said[:-960] * 0.1])
    echo = Echo()
    assert min(explained(said, back, echo)) > 6
    assert echo.sure


@pytest.mark.requirement("R13")
def test_another_voice_is_not_ours() -> None:
    echo = Echo()
    assert max(explained(murmur(40, seed=1), murmur(40, seed=2), echo)) < 6
    assert not echo.sure


def test_after_silence_nothing_can_come_back() -> None:
    echo = Echo()
    for frame in [*frames(murmur(5, seed=1)), *[SILENCE_FRAME] * 30]:
        echo.play(frame)
    assert not echo.possible
    assert echo.explained_db(murmur(5, seed=1).astype(np.float32)) == 0.0


def test_a_line_that_returned_nothing_rules_an_echo_out_for_a_while() -> None:
    echo = Echo()
    for frame in frames(murmur(40, seed=1)):
        echo.play(frame)
    loud_dbfs = -25.0
    assert not echo.ruled_out(loud_dbfs, now_ms=800)
    echo.unanswered(-54.0, now_ms=800)
    assert echo.ruled_out(loud_dbfs, now_ms=900)
    assert not echo.ruled_out(-50.0, now_ms=900)
    assert not echo.ruled_out(loud_dbfs, now_ms=10_000)


@pytest.mark.requirement("R12")
def test_an_echo_that_hardly_stands_out_of_the_noise_is_known_by_going_on() -> None:
    said = murmur(50, seed=1)
    hiss = np.random.default_rng(3).standard_normal(len(said)) * 250
    back = np.concatenate([np.zeros(960), said[:-960] * 0.1]) + hiss
    echo = Echo()
    for frame in frames(hiss[: 10 * FRAME_BYTES]):
        echo.quiet(frame)
    assert max(explained(said, back, echo)) < 6
    assert echo.sure
    assert echo.rest_db < 3


@pytest.mark.requirement("R13")
def test_another_voice_in_noise_stands_out_of_it_and_is_never_ours() -> None:
    hiss = np.random.default_rng(3).standard_normal(50 * FRAME_BYTES) * 250
    echo = Echo()
    for frame in frames(hiss[: 10 * FRAME_BYTES]):
        echo.quiet(frame)
    explained(murmur(50, seed=1), murmur(50, seed=2) * 0.5 + hiss, echo)
    assert not echo.sure
    assert not echo.untried
    assert echo.rest_db > 5
