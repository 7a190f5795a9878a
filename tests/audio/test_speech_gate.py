import pytest

from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.audio.speech_gate import SpeechGate

NOISE = b"\x55" * 160


def numbered(number: int) -> bytes:
    return bytes([number % 120]) * 160


@pytest.mark.requirement("R15")
def test_noise_reaches_the_model_as_silence() -> None:
    gate = SpeechGate()
    assert [gate.pass_on(NOISE, speech=False) for _ in range(50)] == [[SILENCE_FRAME]] * 50


@pytest.mark.requirement("R15")
def test_the_first_syllable_goes_out_with_300_ms_before_it() -> None:
    gate = SpeechGate(pre_roll_ms=300)
    for number in range(40):
        gate.pass_on(numbered(number), speech=False)
    assert gate.pass_on(numbered(40), speech=True) == [numbered(n) for n in range(25, 41)]


@pytest.mark.requirement("R15")
def test_the_last_syllable_is_followed_by_600_ms_of_the_line() -> None:
    gate = SpeechGate(hangover_ms=600)
    gate.pass_on(NOISE, speech=True)
    sent = [gate.pass_on(NOISE, speech=False) for _ in range(31)]
    assert sent == [[NOISE]] * 30 + [[SILENCE_FRAME]]


def test_the_stream_is_as_long_as_the_call() -> None:
    gate = SpeechGate()
    sent = 0
    for number in range(500):
        sent += len(gate.pass_on(NOISE, speech=number % 200 == 150))
    assert sent == 500


def test_a_pre_roll_that_would_clip_is_refused() -> None:
    with pytest.raises(AssertionError):
        SpeechGate(pre_roll_ms=200)
