"""What a simulated person or model says: real, audible speech that carries its words.

Hebrew by espeak-ng where it is installed, speech-like babble elsewhere. The same text gives the same bytes;
never a word that is not hidden in the sound, where an ear that lost the bytes cannot find it.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from agentlocator.audio import g711
from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS
from agentlocator.simulator import espeak, hidden_words
from agentlocator.simulator.babble import babble, letters_spoken
from agentlocator.simulator.espeak import Speaker, Wave
from agentlocator.simulator.hidden_words import Word

LEVEL_DBFS: Final = -20.0
"""RMS of everything said."""

COMMA_MS: Final = 140
FULL_STOP_MS: Final = 260

ReadAloud = Callable[[str, Speaker], Wave]
"""Turns one clause into 8 kHz samples of any level, with no silence around it."""


class Utterance(msgspec.Struct, frozen=True):
    """Something said, as µ-law in whole frames, from its first sound to its last."""

    text: str
    speaker: Speaker
    utterance_id: int
    audio: bytes
    words: tuple[Word, ...]

    @property
    def duration_ms(self) -> int:
        return len(self.audio) // BYTES_PER_MS


class Voice:
    """Says texts, and remembers how it said them: in memory, and in `cache_dir` when there is one.

    The first saying of a text may run a program and write a file, so it blocks for tens of milliseconds.
    """

    def __init__(self, cache_dir: Path | None = None, read_aloud: ReadAloud | None = None) -> None:
        self._cache_dir = cache_dir
        self._read_aloud = read_aloud or (espeak.read_aloud if espeak.is_installed() else babble)
        self._said: dict[tuple[str, Speaker], Utterance] = {}

    def say(self, text: str, speaker: Speaker) -> Utterance:
        """The utterance of a text of at least one word; its id follows from the text and the speaker."""
        said = self._said.get((text, speaker))
        if said is None:
            said = self._said[text, speaker] = self._from_cache(text, speaker)
        return said

    def _from_cache(self, text: str, speaker: Speaker) -> Utterance:
        if self._cache_dir is None:
            return _utter(text, speaker, self._read_aloud)
        origin = f"{_CACHE_VERSION} {self._read_aloud.__module__} {speaker} {text}"
        path = self._cache_dir / f"{hashlib.sha256(origin.encode()).hexdigest()}.utterance"
        try:
            return msgspec.msgpack.decode(path.read_bytes(), type=Utterance)
        except (FileNotFoundError, msgspec.DecodeError):
            utterance = _utter(text, speaker, self._read_aloud)
            _write_whole(path, msgspec.msgpack.encode(utterance))
            return utterance


_CACHE_VERSION: Final = 1
_MOST_FRAMES_A_WORD: Final = 255
_FADE_SAMPLES: Final = 40


def _utter(text: str, speaker: Speaker, read_aloud: ReadAloud) -> Utterance:
    clauses = _clauses(text)
    assert clauses, f"{text!r} has no word to say"
    waves: list[Wave] = []
    words: list[Word] = []
    for clause in clauses:
        wave = _spoken(clause, speaker, read_aloud)
        words += _timed(clause, at_frame=_frames(waves), frames=len(wave) // FRAME_BYTES)
        waves += [wave, np.zeros(_pause_ms(clause) * BYTES_PER_MS)]
    audio = g711.encode(_levelled(waves[:-1]))
    utterance_id = int.from_bytes(hashlib.sha256(f"{speaker} {text}".encode()).digest()[:3], "big")
    return Utterance(text, speaker, utterance_id, hidden_words.embed(audio, words, utterance_id), tuple(words))


def _write_whole(path: Path, content: bytes) -> None:
    """A reader, of this process or another, finds the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _clauses(text: str) -> list[list[str]]:
    """The words of a text, a clause ending where a speaker draws breath. Lone punctuation joins a word."""
    clauses: list[list[str]] = [[]]
    leading = ""
    for token in text.split():
        if not any(letter.isalnum() for letter in token):
            if clauses[-1]:
                clauses[-1][-1] += f" {token}"
            elif len(clauses) > 1:
                clauses[-2][-1] += f" {token}"
            else:
                leading += f"{token} "
            continue
        clauses[-1].append(leading + token)
        leading = ""
        if token.rstrip("\"'״׳)")[-1] in ",.?!;:":
            clauses.append([])
    return [clause for clause in clauses if clause]


def _spoken(clause: list[str], speaker: Speaker, read_aloud: ReadAloud) -> Wave:
    """The clause's sound in whole frames, long enough for each word to carry its text."""
    said = " ".join(clause)
    wave = read_aloud(said, speaker)
    if len(wave) == 0:
        wave = babble(said, speaker)
    frames = max(-(-len(wave) // FRAME_BYTES), sum(map(hidden_words.frames_needed, clause)))
    if len(wave) < (frames - 1) * FRAME_BYTES:
        wave = np.interp(np.linspace(0, len(wave) - 1, frames * FRAME_BYTES), np.arange(len(wave)), wave)
    fade = np.minimum(1.0, np.arange(1, len(wave) + 1) / _FADE_SAMPLES)
    return np.pad(wave * fade * fade[::-1], (0, frames * FRAME_BYTES - len(wave)))


def _timed(clause: list[str], at_frame: int, frames: int) -> list[Word]:
    """Shares a clause's frames among its words by their letters, none getting fewer than its text needs."""
    needed = [hidden_words.frames_needed(text) for text in clause]
    letters = [letters_spoken(text) for text in clause]
    spare = frames - sum(needed)
    words = []
    for index, text in enumerate(clause):
        start = at_frame + sum(needed[:index]) + spare * sum(letters[:index]) // sum(letters)
        end = at_frame + sum(needed[: index + 1]) + spare * sum(letters[: index + 1]) // sum(letters)
        words.append(Word(text, start * FRAME_MS, min(end, start + _MOST_FRAMES_A_WORD) * FRAME_MS))
    return words


def _frames(waves: Sequence[Wave]) -> int:
    return sum(map(len, waves)) // FRAME_BYTES


def _pause_ms(clause: list[str]) -> int:
    return COMMA_MS if clause[-1].endswith((",", ";", ":")) else FULL_STOP_MS


def _levelled(waves: Sequence[Wave]) -> g711.Samples:
    """One sound at the level of all speech, the pauses not counted; rare peaks are clipped."""
    wave = np.concatenate(waves)
    sounding = wave[wave != 0.0]
    rms = float(np.sqrt(np.mean(sounding**2)))
    gain = 32768 * 10 ** (LEVEL_DBFS / 20) / rms
    return np.clip(wave * gain, -g711.LOUDEST, g711.LOUDEST).astype(np.int16)
