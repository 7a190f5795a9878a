"""How speech adds up, dictated frame by frame."""

import pytest

from agentlocator.audio.ear_policy import USUAL
from agentlocator.audio.utterance import Utterance


def spoken(frames: int, dbfs: float = -20.0, voicing: float = 0.9) -> Utterance:
    utterance = Utterance(USUAL)
    for _ in range(frames):
        say(utterance, dbfs, voicing)
    return utterance


def say(utterance: Utterance, dbfs: float = -20.0, voicing: float = 0.9) -> None:
    utterance.level(dbfs)
    utterance.note_audible(True)
    utterance.speech(dbfs, voicing, 0.1, 0.95)


def pause(utterance: Utterance, ms: int) -> None:
    for _ in range(ms // 20):
        utterance.note_audible(False)
        utterance.gap()


@pytest.mark.requirement("R13")
def test_what_led_up_to_the_first_word_counts_with_it() -> None:
    utterance = Utterance(USUAL)
    for _ in range(6):
        utterance.note_audible(True)
    say(utterance)
    assert utterance.active_ms == 100


@pytest.mark.requirement("R13")
def test_the_closure_of_a_consonant_is_part_of_the_word() -> None:
    utterance = spoken(5)
    pause(utterance, 100)
    say(utterance)
    assert utterance.active_ms == 220


@pytest.mark.requirement("R12")
def test_a_long_silence_takes_back_what_was_said() -> None:
    utterance = spoken(5)
    pause(utterance, 500)
    assert utterance.active_ms == 0
    assert utterance.summary.frames == 0


def test_the_summary_tells_how_loud_how_varied_and_how_voiced_it_was() -> None:
    utterance = spoken(3, dbfs=-20.0)
    say(utterance, dbfs=-30.0, voicing=0.2)
    summary = utterance.summary
    assert (summary.frames, summary.voiced_frames) == (4, 3)
    assert summary.range_db == 10.0
    assert -22.0 < summary.mean_dbfs < -20.0
    assert summary.certainty == pytest.approx(0.95)


def test_one_click_does_not_make_a_sound_loud() -> None:
    utterance = Utterance(USUAL)
    for dbfs in (-40.0, -5.0, -41.0):
        utterance.level(dbfs)
    assert utterance.loud_dbfs == -40.0
