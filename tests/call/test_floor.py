"""The floor's decisions, dictated evidence by evidence."""

import pytest

from agentlocator.audio.detector import Evidence
from agentlocator.call.floor import USUAL, Commit, Floor, FloorPolicy, Pause, Resume
from call.hearing import with_

QUIET = Evidence(0, -60.0, -62.0, quiet_ms=400)
WORD = with_(speech_ms=64.0, probability=0.95, voiced_frames=3, range_db=12.0, certainty=0.95, voicing=0.9, harmony=0.1)
SENTENCE = with_(WORD, speech_ms=250.0, active_ms=340, active_frames=16, voiced_frames=12)


def speaking(policy: FloorPolicy = USUAL) -> Floor:
    """The assistant has been speaking for five seconds."""
    floor = Floor(policy)
    floor.assistant_started(0)
    return floor


@pytest.mark.requirement("R13")
def test_a_word_pauses_and_a_sentence_commits() -> None:
    floor = speaking()
    assert floor.weigh(WORD, 5080) == Pause(5080, WORD)
    assert floor.paused
    assert floor.weigh(SENTENCE, 5340) == Commit(5340, 5000, "continuous speech", SENTENCE)
    assert not floor.paused


@pytest.mark.requirement("R10")
def test_a_backchannel_pauses_and_resumes() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    assert floor.weigh(with_(WORD, active_ms=240, quiet_ms=200), 5400) is None
    ended = with_(WORD, active_ms=240, quiet_ms=300)
    assert floor.weigh(ended, 5500) == Resume(5500, "quiet", ended)


def test_a_pause_that_comes_to_nothing_ends_undecided() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    assert floor.weigh(WORD, 5760) is None
    assert floor.weigh(WORD, 5780) == Resume(5780, "undecided", WORD)
    assert floor.weigh(WORD, 5800) is None
    assert floor.weigh(QUIET, 6100) is None
    assert isinstance(floor.weigh(WORD, 6200), Pause)


@pytest.mark.requirement("R11")
def test_nothing_is_decided_in_the_first_350_ms() -> None:
    floor = Floor()
    floor.assistant_started(5000)
    assert floor.weigh(WORD, 5340) is None
    assert floor.weigh(WORD, 5360) is None, "what was said in the grace does not count after it"
    assert isinstance(floor.weigh(with_(WORD, active_ms=120), 5420), Pause)


@pytest.mark.requirement("R11")
def test_an_interruption_is_followed_by_800_ms_without_another() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    floor.weigh(SENTENCE, 5340)
    floor.assistant_ended()
    floor.assistant_started(5400)
    again = with_(SENTENCE, began_ms=5500)
    assert floor.weigh(again, 5900) is None
    assert floor.weigh(again, 6120) is None
    assert isinstance(floor.weigh(with_(again, began_ms=6200), 6300), Pause)


def test_while_the_assistant_is_silent_there_is_nothing_to_decide() -> None:
    floor = Floor()
    assert floor.weigh(SENTENCE, 5000) is None
    floor.assistant_started(5000)
    floor.assistant_ended()
    assert floor.weigh(SENTENCE, 6000) is None


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    "evidence",
    [
        with_(WORD, probability=0.6, certainty=0.6, voicing=0.5, voiced_frames=0, harmony=0.03),
        with_(WORD, probability=0.4, certainty=0.4, voicing=0.6, voiced_frames=0, speech_ms=9.0, active_ms=20),
        with_(WORD, loud_dbfs=-50.0),
        with_(WORD, echo_db=9.0),
        with_(WORD, floor_dbfs=-24.0),
        with_(WORD, caller_dbfs=-16.0, loud_dbfs=-40.0),
        with_(WORD, began_ms=-1),
    ],
    ids=["whisper", "click", "far away", "echo", "noise", "a television beside a loud caller", "nothing"],
)
def test_this_does_not_even_pause(evidence: Evidence) -> None:
    assert speaking().weigh(evidence, 5080) is None


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    "evidence",
    [
        with_(SENTENCE, voiced_frames=4),
        with_(SENTENCE, harmony=0.04),
        with_(SENTENCE, active_ms=280),
        with_(SENTENCE, mean_dbfs=-46.0),
        with_(SENTENCE, range_db=3.0, certainty=0.85),
        with_(SENTENCE, certainty=0.5),
        with_(SENTENCE, quiet_ms=120),
    ],
    ids=["mostly unvoiced", "whispered vowels", "under 300 ms", "far away", "a crowd", "never certain", "already over"],
)
def test_this_never_commits(evidence: Evidence) -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    assert not isinstance(floor.weigh(evidence, 5360), Commit)


@pytest.mark.requirement("R13")
def test_who_speaks_quietly_in_his_own_turn_need_not_shout_to_take_ours() -> None:
    quietly = with_(SENTENCE, mean_dbfs=-41.0, loud_dbfs=-39.0)
    stranger, quiet_caller = speaking(), speaking()
    for floor in (stranger, quiet_caller):
        floor.weigh(WORD, 5080)
    assert stranger.weigh(quietly, 5360) is None
    assert isinstance(quiet_caller.weigh(with_(quietly, caller_dbfs=-45.0), 5360), Commit)


@pytest.mark.requirement("R12")
def test_a_television_behind_a_quiet_caller_does_not_take_the_floor() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    assert floor.weigh(with_(SENTENCE, mean_dbfs=-48.0, caller_dbfs=-45.0), 5360) is None


def test_the_assistant_ending_by_itself_takes_the_pause_with_it() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    floor.assistant_ended()
    assert not floor.paused
    assert floor.weigh(SENTENCE, 5400) is None


@pytest.mark.requirement("R10")
def test_of_a_voice_in_a_noise_less_has_to_be_heard() -> None:
    most_of_it = with_(SENTENCE, active_ms=240)
    in_noise = with_(most_of_it, floor_dbfs=-34.0)
    for heard, taken in ((most_of_it, False), (in_noise, True), (with_(in_noise, certainty=0.9), False)):
        floor = speaking()
        floor.weigh(WORD, 5080)
        assert isinstance(floor.weigh(heard, 5240), Commit) == taken


def test_a_business_may_ask_for_longer_speech() -> None:
    floor = speaking(FloorPolicy(commit_active_ms=500))
    floor.weigh(WORD, 5080)
    assert floor.weigh(SENTENCE, 5340) is None
    assert isinstance(floor.weigh(with_(SENTENCE, active_ms=500), 5520), Commit)


@pytest.mark.requirement("R12")
def test_a_hum_that_never_moves_does_not_pause() -> None:
    assert speaking().weigh(with_(WORD, range_db=0.1, voicing=1.0), 5080) is None


@pytest.mark.requirement("R12")
def test_a_business_may_ask_for_a_likelier_caller() -> None:
    assert speaking(FloorPolicy(pause_likelihood=20.0)).weigh(WORD, 5080) is None


@pytest.mark.requirement("R13")
def test_a_closed_consonant_does_not_hold_up_a_pause() -> None:
    closure = with_(WORD, quiet_ms=60, probability=0.97)
    assert isinstance(speaking().weigh(closure, 5080), Pause)
    assert speaking().weigh(with_(closure, quiet_ms=100), 5080) is None


def test_speech_with_gaps_is_given_longer_to_convince() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    halting = with_(SENTENCE, active_ms=300)
    assert floor.weigh(halting, 6060) is None
    assert floor.weigh(halting, 6080) == Resume(6080, "undecided", halting)


def test_who_talks_on_after_a_resume_is_heard_without_a_breath() -> None:
    floor = speaking()
    floor.weigh(WORD, 5080)
    floor.weigh(WORD, 5780)
    assert isinstance(floor.weigh(SENTENCE, 5800), Pause)
    assert isinstance(floor.weigh(SENTENCE, 5900), Commit)
