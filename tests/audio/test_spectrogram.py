"""The last half second by frequency, whenever somebody looks."""

import numpy as np

from agentlocator.audio.frames import FRAME_BYTES
from agentlocator.audio.g711 import encode
from agentlocator.audio.spectrogram import BANDS, FRAMES, Spectrogram


def tone(hz: float, frames: int) -> list[bytes]:
    times = np.arange(frames * FRAME_BYTES) / 8000
    coded = encode((8000 * np.sin(2 * np.pi * hz * times)).astype(np.int16))
    return [coded[at : at + FRAME_BYTES] for at in range(0, len(coded), FRAME_BYTES)]


def heard(*frames: bytes) -> Spectrogram:
    spectrogram = Spectrogram()
    for frame in frames:
        spectrogram.note(frame)
    return spectrogram


def test_a_line_on_which_nothing_was_heard_is_silent_in_every_band() -> None:
    bands = Spectrogram().draw()
    assert bands.shape == (FRAMES, BANDS)
    assert (bands < -60).all()


def test_a_higher_tone_lies_in_a_higher_band() -> None:
    low, high = (int(heard(*tone(hz, 30)).draw()[-1].argmax()) for hz in (300, 2400))
    assert 0 < low < high < BANDS


def test_whoever_looks_late_sees_what_he_would_have_seen_by_looking_at_every_frame() -> None:
    frames = tone(500, 20) + tone(1500, 15)
    watched = Spectrogram()
    for frame in frames:
        watched.note(frame)
        watched.draw()
    assert np.allclose(heard(*frames).draw(), watched.draw(), atol=1e-3)


def test_a_second_look_at_the_same_frame_sees_the_same() -> None:
    spectrogram = heard(*tone(700, 5))
    assert (spectrogram.draw().copy() == spectrogram.draw()).all()
