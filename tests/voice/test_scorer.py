import pytest

from agentlocator.voice import scorer
from agentlocator.voice.scorer import ScorerUnavailable, SpeechModel, SpeechScorer


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    try:
        return SpeechModel.load()
    except ScorerUnavailable:
        pytest.skip("the neural detector's weights are not installed")


def test_silence_is_not_speech(model: SpeechModel) -> None:
    assert SpeechScorer(model).score(b"\xff" * 512, fresh=True) < 0.2


def test_two_callers_do_not_share_a_memory(model: SpeechModel) -> None:
    audio = bytes(range(256)) * 2
    alone = SpeechScorer(model).score(audio, fresh=True)
    first, second = SpeechScorer(model), SpeechScorer(model)
    second.score(b"\x00\x80" * 640, fresh=True)
    assert first.score(audio, fresh=True) == alone
    assert second.score(audio, fresh=True) == alone


def test_a_glance_is_forgotten(model: SpeechModel) -> None:
    first, second = b"\x00\x80" * 640, b"\x10\xa0\x90" * 512
    plain, glancing = SpeechScorer(model), SpeechScorer(model)
    plain.score(first, fresh=True)
    glancing.score(first, fresh=True)
    glancing.score(second[:288], glance=True)
    assert glancing.score(second) == plain.score(second)


def test_half_a_window_is_our_own_mistake(model: SpeechModel) -> None:
    with pytest.raises(AssertionError):
        SpeechScorer(model).score(b"\xff" * 100, fresh=True)


def test_missing_weights_are_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "WEIGHTS", ("none.onnx",))
    with pytest.raises(ScorerUnavailable, match="not installed"):
        SpeechModel.load()
