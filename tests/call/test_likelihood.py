"""The learned judgement keeps to sense, whatever numbers the training found."""

import pytest

from agentlocator.audio.evidence import Evidence
from agentlocator.audio.measures import MEASURES, measures
from agentlocator.call.likelihood import likelihood
from call.hearing import SYLLABLE, with_


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    "less",
    [
        with_(probability=0.3),
        with_(probability=-1.0),
        with_(voicing=0.4),
        with_(voiced_frames=0),
        with_(floor_dbfs=-28.0),
        with_(at_ms=5600),
        with_(quiet_ms=60),
    ],
    ids=["doubted", "not judged yet", "hoarse", "unvoiced", "in the room's noise", "going on", "ended"],
)
def test_what_speaks_against_a_caller_never_makes_him_likelier(less: Evidence) -> None:
    assert likelihood(less) <= likelihood(SYLLABLE)


@pytest.mark.requirement("R12")
def test_a_whisper_is_no_caller_and_a_clear_voice_is_one() -> None:
    whisper = with_(probability=0.6, certainty=0.6, voicing=0.5, voiced_frames=0)
    assert likelihood(whisper) < 0 < likelihood(with_(probability=0.95, voicing=0.9, voiced_frames=3))


@pytest.mark.requirement("R12")
def test_the_impression_of_half_a_second_speaks_for_a_caller_or_against_him() -> None:
    assert likelihood(with_(impression=-8.0)) < 0 < likelihood(with_(impression=8.0))


def test_no_single_measure_can_grow_beyond_all_others() -> None:
    wild = with_(probability=1.0, at_ms=90_000, active_ms=80_000, active_frames=20, range_db=70.0, floor_dbfs=-96.0)
    assert len(measures(wild)) == len(MEASURES)
    assert all(-5 <= value <= 5 for value in measures(wild))
