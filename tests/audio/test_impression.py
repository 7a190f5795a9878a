"""What the small network is shown, and that it is asked only about what may be speech."""

from pathlib import Path

import numpy as np
import pytest

from agentlocator.audio.detector import Ear
from agentlocator.audio.frames import FRAME_MS, SILENCE_FRAME
from agentlocator.audio.impression import SEEN, USUAL, Impression, Network, Numbers
from call.hearing import SYLLABLE
from call.playbook import caller_frames


class Looker:
    """Notes what it is shown, and is impressed by nothing."""

    def __init__(self) -> None:
        self.shown: list[Numbers] = []

    def __call__(self, seen: Numbers) -> float:
        self.shown.append(seen)
        return 1.5


def listened(
    frames: list[bytes], probability: float, playing: bytes | None = SILENCE_FRAME
) -> tuple[Looker, list[float]]:
    """An ear on a line where the assistant has the floor, or the caller has (None)."""
    looker = Looker()
    ear = Ear(judge=looker)
    impressions = []
    for number, frame in enumerate(frames):
        now_ms = (number + 1) * FRAME_MS
        heard = ear.hear(frame, playing, now_ms)
        evidence = ear.scored(probability, now_ms) if heard.wants else heard.evidence
        impressions.append(evidence.impression)
    return looker, impressions


@pytest.mark.requirement("R12")
def test_a_quiet_line_and_a_sound_that_is_certainly_no_speech_are_not_looked_at() -> None:
    assert listened([SILENCE_FRAME] * 50, 0.9)[0].shown == []
    assert listened(caller_frames("שלום, אני רוצה לקבוע תור"), 0.01)[0].shown == []


@pytest.mark.requirement("R12")
def test_the_caller_s_own_turn_is_not_looked_at() -> None:
    assert listened(caller_frames("שלום, אני רוצה לקבוע תור"), 0.9, playing=None)[0].shown == []


@pytest.mark.requirement("R13")
def test_what_may_be_speech_is_looked_at_and_what_it_is_like_told() -> None:
    looker, impressions = listened(caller_frames("שלום, אני רוצה לקבוע תור"), 0.9)
    assert looker.shown
    assert all(seen.shape == (SEEN,) and np.isfinite(seen).all() and np.abs(seen).max() <= 20 for seen in looker.shown)
    assert 1.5 in impressions


def test_an_impression_ends_with_its_sound() -> None:
    speech = caller_frames("שלום")
    _, impressions = listened(speech + [SILENCE_FRAME] * 40, 0.9)
    assert impressions[-1] == 0.0


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("frame", [b"\x00" * 160, b"\x80" * 160, bytes([0x00, 0x80] * 80), b"\xff" * 160])
def test_no_sound_whatever_makes_it_anything_but_a_number(frame: bytes) -> None:
    impression = Impression()
    for _ in range(30):
        impression.note(frame, -3.0, -60.0)
        impression.doubt(1.0)
    assert np.isfinite(impression.of(SYLLABLE))


def test_weights_are_kept_in_half_precision_and_come_back(tmp_path: Path) -> None:
    file = tmp_path / "weights.npz"
    USUAL.save(file)
    seen = np.random.default_rng(1).uniform(-1, 3, SEEN).astype(np.float32)
    assert Network.load(file)(seen) == pytest.approx(USUAL(seen), abs=1e-3)
