"""A simulated voice: what it says is Hebrew to the ear and exact to the listener."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio import g711
from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.audio.level import level_dbfs
from agentlocator.simulator import espeak
from agentlocator.simulator.babble import babble
from agentlocator.simulator.espeak import Speaker, Wave
from agentlocator.simulator.hidden_words import Listener
from agentlocator.simulator.speech import COMMA_MS, ReadAloud, Voice

GREETING = "שלום, אפשר לקבוע תור ליום ראשון בעשר? הטלפון שלי 0501234567 – תודה."
BY_ESPEAK = pytest.param(
    espeak.read_aloud, marks=pytest.mark.skipif(not espeak.is_installed(), reason="espeak-ng is not installed")
)
both_readers = pytest.mark.parametrize("read_aloud", [BY_ESPEAK, babble])


def heard_in(audio: bytes) -> str:
    return " ".join(word.text for word in Listener().hear(audio))


@both_readers
@pytest.mark.parametrize("speaker", ["caller", "assistant"])
def test_an_utterance_is_heard_as_it_was_written(read_aloud: ReadAloud, speaker: Speaker) -> None:
    said = Voice(read_aloud=read_aloud).say(GREETING, speaker)

    assert heard_in(said.audio) == GREETING
    assert [word.text for word in said.words][:3] == ["שלום,", "אפשר", "לקבוע"]
    assert {word.utterance_id for word in Listener().hear(said.audio)} == {said.utterance_id}


@both_readers
def test_words_follow_one_another_and_end_with_the_sound(read_aloud: ReadAloud) -> None:
    said = Voice(read_aloud=read_aloud).say(GREETING, "caller")

    for word, following in zip(said.words, said.words[1:], strict=False):
        assert word.start_ms < word.end_ms <= following.start_ms
    hello, may_i, *_ = said.words
    assert may_i.start_ms - hello.end_ms == COMMA_MS
    assert said.words[-1].end_ms == said.duration_ms
    assert len(said.audio) % FRAME_BYTES == 0


@both_readers
def test_speech_has_the_level_of_speech_from_its_first_frame_to_its_last(read_aloud: ReadAloud) -> None:
    said = Voice(read_aloud=read_aloud).say("אפשר לקבוע תור", "assistant")

    assert level_dbfs(said.audio) == pytest.approx(-20, abs=1)
    assert level_dbfs(said.audio[: 3 * FRAME_BYTES]) > -50
    assert level_dbfs(said.audio[-3 * FRAME_BYTES :]) > -50


@both_readers
def test_speech_is_voiced_and_keeps_to_the_telephones_band(read_aloud: ReadAloud) -> None:
    samples = g711.decode(Voice(read_aloud=read_aloud).say(GREETING, "caller").audio)
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / 8000)

    assert power[(hz > 80) & (hz < 1000)].sum() > 0.5 * power.sum()
    assert power[hz > 3600].sum() < 0.05 * power.sum()


@both_readers
def test_caller_and_assistant_do_not_sound_alike(read_aloud: ReadAloud) -> None:
    voice = Voice(read_aloud=read_aloud)
    caller, assistant = voice.say(GREETING, "caller"), voice.say(GREETING, "assistant")

    assert caller.audio[:8000] != assistant.audio[:8000]
    assert caller.utterance_id != assistant.utterance_id


@both_readers
def test_the_same_text_is_said_the_same_by_another_voice(read_aloud: ReadAloud) -> None:
    assert Voice(read_aloud=read_aloud).say("תודה", "caller") == Voice(read_aloud=read_aloud).say("תודה", "caller")


class CountingReader:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, clause: str, speaker: Speaker) -> Wave:
        self.asked.append(clause)
        return babble(clause, speaker)


def test_a_text_is_read_aloud_once_clause_by_clause() -> None:
    reader = CountingReader()
    voice = Voice(read_aloud=reader)

    assert voice.say("כן, תודה. להתראות", "caller") is voice.say("כן, תודה. להתראות", "caller")
    assert reader.asked == ["כן,", "תודה.", "להתראות"]


def test_the_cache_outlives_the_voice(tmp_path: Path) -> None:
    reader = CountingReader()
    first = Voice(tmp_path / "voice", reader).say("תודה", "caller")

    again = Voice(tmp_path / "voice", reader).say("תודה", "caller")

    assert again == first
    assert reader.asked == ["תודה"]
    assert Voice(tmp_path / "voice", reader).say("תודה", "assistant") != first


def test_a_spoiled_cache_is_made_anew(tmp_path: Path) -> None:
    first = Voice(tmp_path, babble).say("תודה", "caller")
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:100])

    assert Voice(tmp_path, babble).say("תודה", "caller") == first
    assert Voice(tmp_path, CountingReader()).say("תודה", "caller") == first


def test_what_a_reader_cannot_pronounce_is_still_said() -> None:
    def mute(clause: str, speaker: Speaker) -> Wave:
        return np.zeros(0)

    assert heard_in(Voice(read_aloud=mute).say("ééé שלום", "caller").audio) == "ééé שלום"


def test_a_reader_in_a_hurry_still_gives_every_word_its_time() -> None:
    def hurried(clause: str, speaker: Speaker) -> Wave:
        return babble(clause, speaker)[:400]

    assert heard_in(Voice(read_aloud=hurried).say(GREETING, "caller").audio) == GREETING


def test_a_very_slow_word_is_still_a_word() -> None:
    def slow(clause: str, speaker: Speaker) -> Wave:
        return np.tile(babble(clause, speaker), 60)

    assert heard_in(Voice(read_aloud=slow).say("כן", "caller").audio) == "כן"


@given(st.lists(st.text("אבגדהושתםן'״0159,.?-– ", min_size=1, max_size=12), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_any_text_with_a_word_is_heard_in_its_own_order(pieces: list[str]) -> None:
    text = " ".join(["כן", *pieces])

    assert heard_in(Voice(read_aloud=babble).say(text, "caller").audio) == " ".join(text.split())


def test_nothing_to_say_is_a_bug_and_says_so() -> None:
    with pytest.raises(AssertionError, match="no word"):
        Voice(read_aloud=babble).say(" … ", "caller")


@pytest.mark.requirement("R2")
def test_a_frame_replaced_by_silence_is_not_heard() -> None:
    said = Voice(read_aloud=babble).say("כן", "caller")

    assert heard_in(SILENCE_FRAME * (len(said.audio) // FRAME_BYTES)) == ""
