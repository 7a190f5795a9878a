"""Framer: the same bytes, cut into frames."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME, Framer


def frames_of(framer: Framer) -> list[bytes]:
    return list(iter(framer.pop, None))


@pytest.mark.requirement("R2")
def test_a_frame_is_twenty_milliseconds_of_the_line() -> None:
    assert (FRAME_MS, BYTES_PER_MS, FRAME_BYTES) == (20, 8, 160)
    assert SILENCE_FRAME == b"\xff" * 160


def test_less_than_a_frame_waits() -> None:
    framer = Framer()
    framer.append(b"a" * 159)
    assert framer.pop() is None

    framer.append(b"b" * 2)
    assert framer.pop() == b"a" * 159 + b"b"
    assert framer.pop() is None
    assert framer.held_bytes == 1


@pytest.mark.requirement("R2")
@given(st.lists(st.binary(max_size=700), max_size=12))
def test_any_pieces_leave_as_the_same_bytes_in_whole_frames(pieces: list[bytes]) -> None:
    framer = Framer()
    frames = []
    for piece in pieces:
        framer.append(piece)
        frames += frames_of(framer)
    framer.flush()
    frames += frames_of(framer)

    said = b"".join(pieces)
    padding = -len(said) % 160
    assert b"".join(frames) == said + b"\xff" * padding
    assert {len(frame) for frame in frames} <= {160}
    assert framer.held_bytes == 0


def test_flushing_adds_nothing_to_whole_frames() -> None:
    framer = Framer()
    framer.flush()
    assert framer.pop() is None

    framer.append(b"x" * 320)
    framer.flush()
    framer.flush()
    assert frames_of(framer) == [b"x" * 160] * 2


def test_clearing_forgets_the_half_frame_too() -> None:
    framer = Framer()
    framer.append(b"old" * 100)
    framer.clear()
    framer.append(b"n" * 160)

    assert frames_of(framer) == [b"n" * 160]


def test_an_hour_at_once_costs_no_more_per_frame_than_a_second() -> None:
    framer = Framer()
    framer.append(b"x" * FRAME_BYTES * 180_000)

    began = time.process_time()
    count = sum(1 for _ in iter(framer.pop, None))

    assert count == 180_000
    # About 0.05 s; moving what remains for every frame would be some 2.6 TB, minutes.
    assert time.process_time() - began < 3
