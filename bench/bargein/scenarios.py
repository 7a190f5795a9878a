"""Labelled situations on a line: who speaks when, and what the floor should make of it.

A scenario is drawn from (half, seed, number) alone. The assistant's side is kept apart from the caller's, because
the echo depends on what was really played, and that depends on the design under test.
"""

import random
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
import numpy as np

from bench.bargein import sounds
from bench.bargein.recordings import RATE, Half, Library, Samples, at_active_level, hebrew

Kind = Literal["non-speech", "echo", "whisper", "far talker", "backchannel", "protocol", "interruption"]

WITHOUT_VOWELS = "Hebrew without vowels"
LINE_NOISE_DBFS = (-76.0, -58.0)
SPEECH_DBFS = (-33.0, -15.0)


class Scenario(msgspec.Struct, frozen=True):
    """`local` is the caller's end without echo; `assistant` what there is to say, from `assistant_from_ms` on.

    `onset_ms` and `offset_ms` delimit the sound the scenario is about; `interrupts` says whether it should take
    the floor. `again_ms`: after a commit the assistant starts anew so much later, None for never.
    """

    name: str
    kind: Kind
    local: Samples
    assistant: Samples
    assistant_from_ms: int
    onset_ms: int
    offset_ms: int
    interrupts: bool
    snr_db: float
    echo: Samples | None = None
    again_ms: int | None = None


def scenarios(half: Half, seed: int, copies: int = 7) -> Iterator[Scenario]:
    """About 95 scenarios for each copy: every non-speech sound once, and the rest in proportion."""
    library = Library(half)
    serial = 0
    for copy in range(copies):
        makers: list[Callable[[Draw], Scenario]] = [_non_speech(name) for name in sounds.NOISES]
        makers += [_babble] * 2
        makers += [_echo_alone] * 3 + [_whisper] * 3 + [_far_talker] * 3 + [_backchannel] * 8
        makers += [_grace_word, _tail_of_turn, _cooldown_word]
        makers += [_interruption] * 33 + [_short_interruption] * 4 + [_hebrew_interruption] * 4
        makers += [_buried_interruption] * 3 + [_consonants]
        for maker in makers:
            serial += 1
            yield maker(Draw(library, random.Random(f"{half} {seed} {copy} {serial}")))


class Draw:
    """One scenario's randomness and recordings."""

    def __init__(self, library: Library, rng: random.Random) -> None:
        self.library = library
        self.rng = rng
        self.noise = np.random.default_rng(rng.getrandbits(32))

    def between(self, low: float, high: float) -> float:
        return self.rng.uniform(low, high)


def _non_speech(name: str) -> Callable[[Draw], Scenario]:
    def make(draw: Draw) -> Scenario:
        sound = sounds.NOISES[name](draw.noise, draw.between(0.8, 3.5))
        dbfs = draw.between(-42, -14)
        return _placed(draw, f"noise {name}", "non-speech", _at_level(sound, dbfs))

    return make


def _babble(draw: Draw) -> Scenario:
    sound = sounds.babble(draw.library, draw.noise, draw.between(1.5, 4), draw.rng.randrange(6, 12))
    fade = np.minimum(1, np.arange(len(sound)) / (draw.between(0.05, 1) * RATE))
    return _placed(draw, "noise babble", "non-speech", _at_level(sound * fade, draw.between(-45, -28)))


def _echo_alone(draw: Draw) -> Scenario:
    return _placed(draw, "echo", "echo", np.zeros(0), echo=_echo(draw, 8, 30))


def _whisper(draw: Draw) -> Scenario:
    speech = draw.library.utterance(draw.rng, 600, 2500)
    whisper = at_active_level(sounds.whispered(draw.noise, speech), draw.between(-42, -28))
    return _placed(draw, "whisper", "whisper", whisper)


def _far_talker(draw: Draw) -> Scenario:
    speech = draw.library.monologue(draw.rng, draw.rng.randrange(1000, 3500))
    far = at_active_level(sounds.far_away(draw.noise, speech), draw.between(-54, -43))
    return _placed(draw, "far talker", "far talker", far)


def _backchannel(draw: Draw) -> Scenario:
    word: Samples | None = None
    if draw.rng.random() < 0.3:
        word = hebrew(draw.rng, "short")
    if word is None or len(word) > 295 * 8:
        word = draw.library.whole_word(draw.rng, 120, 295)
    return _placed(draw, "backchannel", "backchannel", _spoken(draw, word))


def _grace_word(draw: Draw) -> Scenario:
    """A word that is over before the grace window is."""
    word = draw.library.whole_word(draw.rng, 150, 290)
    return _placed(draw, "word in grace", "protocol", _spoken(draw, word), after_ms=draw.rng.randrange(0, 50))


def _tail_of_turn(draw: Draw) -> Scenario:
    """The assistant starts while the caller is ending his own turn."""
    speech = draw.library.utterance(draw.rng, 900, 2000)
    overlap = draw.rng.randrange(50, 250)
    scenario = _placed(draw, "tail of a turn", "protocol", _spoken(draw, speech), after_ms=400, greeted=False)
    start = scenario.offset_ms - overlap
    return msgspec.structs.replace(scenario, assistant_from_ms=start // 20 * 20)


def _cooldown_word(draw: Draw) -> Scenario:
    """After an interruption the assistant answers and the caller says one more word at once."""
    first = draw.library.utterance(draw.rng, 700, 900)
    second = draw.library.whole_word(draw.rng, 200, 290)
    speech = np.concatenate([first, np.zeros(80 * 8), second])
    placed = _placed(draw, "word in cooldown", "protocol", _spoken(draw, speech))
    return msgspec.structs.replace(placed, again_ms=100)


def _interruption(draw: Draw) -> Scenario:
    speech = draw.library.utterance(draw.rng, 800, 3500)
    return _interrupting(draw, "interruption", speech)


def _short_interruption(draw: Draw) -> Scenario:
    return _interrupting(draw, "short interruption", draw.library.utterance(draw.rng, 420, 800))


def _hebrew_interruption(draw: Draw) -> Scenario:
    speech = hebrew(draw.rng, "sentence" if draw.rng.random() < 0.7 else "word")
    if speech is None or len(speech) < 400 * 8:
        speech = draw.library.utterance(draw.rng, 800, 2500)
    return _interrupting(draw, "Hebrew interruption", speech)


def _consonants(draw: Draw) -> Scenario:
    """Hebrew read without its vowels, as no person speaks: reported by itself."""
    speech = hebrew(draw.rng, "consonants")
    if speech is None:
        return _interruption(draw)
    return _interrupting(draw, WITHOUT_VOWELS, speech)


def _buried_interruption(draw: Draw) -> Scenario:
    return _interrupting(draw, "5 dB", draw.library.utterance(draw.rng, 800, 3000), snr_db=5.0)


def _interrupting(draw: Draw, name: str, speech: Samples, snr_db: float | None = None) -> Scenario:
    if snr_db is None:
        snr_db = draw.rng.choice([10.0, 10.0, 15.0, 20.0, 25.0, 60.0, 60.0, 60.0, 60.0])
    echo = _echo(draw, 14, 32) if draw.rng.random() < 0.2 else None
    return _placed(draw, name, "interruption", _spoken(draw, speech), snr_db=snr_db, echo=echo)


def _placed(
    draw: Draw,
    name: str,
    kind: Kind,
    sound: Samples,
    *,
    after_ms: int | None = None,
    snr_db: float = 60.0,
    echo: Samples | None = None,
    greeted: bool | None = None,
) -> Scenario:
    """Puts the sound on a line where the assistant has been speaking for a while."""
    begins_with_turn = draw.rng.random() < 0.4 if greeted is None else greeted
    opening = draw.library.utterance(draw.rng, 700, 1800) if begins_with_turn else np.zeros(0)
    assistant_from = (200 + len(opening) // 8 + draw.rng.randrange(300, 900)) // 20 * 20
    onset = assistant_from + (draw.rng.randrange(700, 3000) if after_ms is None else after_ms)
    length = onset + max(len(sound) // 8, 2500) + 1200
    length = length // 20 * 20
    line_dbfs = draw.between(*LINE_NOISE_DBFS)
    local = _line(draw, length, line_dbfs)
    if begins_with_turn:
        own = np.clip(_active_dbfs(sound) + draw.between(-4, 4), -32, -12) if kind == "interruption" else None
        _mix(local, 200, at_active_level(opening, draw.between(-28, -18) if own is None else float(own)))
    _mix(local, onset, sound)
    audible_ms = onset + _audible_after_ms(sound, line_dbfs)
    if snr_db < 60:
        audible_ms = onset + _audible_after_ms(sound, max(_active_dbfs(sound) - snr_db, line_dbfs))
        _mix(local, *_background(draw, length, onset, _active_dbfs(sound) - snr_db))
    return Scenario(
        name=name,
        kind=kind,
        local=local,
        assistant=at_active_level(draw.library.monologue(draw.rng, length), draw.between(-24, -16)),
        assistant_from_ms=assistant_from,
        onset_ms=audible_ms if len(sound) else assistant_from,
        offset_ms=onset + len(sound) // 8 if len(sound) else length,
        interrupts=kind == "interruption",
        snr_db=snr_db,
        echo=echo,
    )


def _spoken(draw: Draw, speech: Samples) -> Samples:
    spoken = at_active_level(speech, draw.between(*SPEECH_DBFS))
    return np.clip(spoken * 2.5, -0.9, 0.9) if draw.rng.random() < 0.05 else spoken


def _background(draw: Draw, length_ms: int, onset_ms: int, dbfs: float) -> tuple[int, Samples]:
    """Noise under the whole call, or (one in five) noise that began just before the caller spoke."""
    start = max(0, onset_ms - draw.rng.randrange(100, 1000)) if draw.rng.random() < 0.2 else 0
    seconds = (length_ms - start) / 1000
    name = draw.rng.choice(["white", "pink", "fan", "street", "babble"])
    if name == "babble":
        noise = sounds.babble(draw.library, draw.noise, seconds, 8)
    else:
        noise = sounds.NOISES[name](draw.noise, seconds)
    return start, noise / noise.std() * 10 ** (dbfs / 20)


def _audible_after_ms(sound: Samples, noise_dbfs: float) -> int:
    """When speech first stands as high as the noise around it, for 30 ms: nobody can hear it sooner."""
    blocks = (sound[: len(sound) // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1)
    loud = np.flatnonzero(blocks > 10 ** (noise_dbfs / 10))
    return int(loud[0]) * 30 if len(loud) else 0


def _line(draw: Draw, length_ms: int, dbfs: float) -> Samples:
    noise = sounds.pink if draw.rng.random() < 0.3 else sounds.white
    line: Samples = noise(draw.noise, length_ms / 1000) * 10 ** (dbfs / 20)
    return line


def _echo(draw: Draw, least_loss_db: float, most_loss_db: float) -> Samples:
    return sounds.echo_path(
        draw.noise,
        draw.rng.randrange(20, 440),
        draw.between(least_loss_db, most_loss_db),
        draw.rng.choice([4, 20, 60]),
    )


def _at_level(sound: Samples, dbfs: float) -> Samples:
    return np.clip(at_active_level(sound, dbfs), -0.98, 0.98)


def _active_dbfs(sound: Samples) -> float:
    unit = at_active_level(sound, 0.0)
    ratio = float(np.abs(sound).max() / max(float(np.abs(unit).max()), 1e-9))
    return 20 * float(np.log10(max(ratio, 1e-9)))


def _mix(line: Samples, at_ms: int, sound: Samples) -> None:
    start = at_ms * 8
    room = len(line) - start
    line[start : start + len(sound)] += sound[:room]
