"""Human telephone speech for the bench: prompts recorded for Debian's asterisk packages, and espeak-ng's Hebrew.

The packages are downloaded and unpacked into a cache folder, never installed. Recordings are split in two halves
by their name, so that what was tuned on is never what is judged.
"""

import hashlib
import random
import shutil
import subprocess
import wave
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]
"""Sound at 8 kHz, full scale 1.0."""
Half = Literal["tuning", "judging", "learning", "held"]
"""What was tuned on and what is judged; and, of the tuning half, what is learned from and what a fit is held to."""

CACHE = Path("build/bargein")
RATE = 8000

LOW_END_HZ = 150
"""A telephone carries nothing below it, and GSM prompts open with a DC step that would be taken for an onset."""

PACKAGES = (
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav",
    "asterisk-prompt-it-menardi-wav",
    "asterisk-prompt-es-co",
    "asterisk-prompt-fr-armelle",
)

HEBREW_SENTENCES = (
    "רֶגַע, יֵש לִי שֶאֵלָה אַחֶרֶת",
    "לא, אַנִי צָרִיך בְיוֹם רֶבִיעִי אַחַר הַצָהַרַים",
    "סלִיחָה, אֶפשָר לֶדַבֵר עִם נָצִיג בֶבַקָשָה",
    "כַמָה זֶה עוֹלֶה בֶעֵרֶך",
    "אַתֶם פתוּחִים גַם בֵיוֹם שִישִי בַבוֹקֶר",
    "לא הֵבַנתִי, תַגִידִי שוּב בֶבַקָשָה",
    "אַנִי רוֹצֶה לֶבַטֵל אֶת הַתוֹר שֶלִי",
    "חַכִי שנִיָה, אַנִי בוֹדֵק בַיוֹמָן",
    "הַשֵם שֶלִי הוּא יָעֵל",
    "תִקבֶעִי לִי לֶשָעָה עֶשֶר וָחֵצִי",
)
"""With their vowels but without the points that espeak-ng reads out by name: without vowels it says `tkvi li lsh`."""
HEBREW_WORDS = ("רֶגַע", "סלִיחָה", "עִצרִי", "תַפסִיקִי", "שֶאֵלָה", "לא לא", "שנִיָה", "הַלוֹ", "מַספִיק", "לא טוֹב")
HEBREW_SHORT = ("כֵן", "לא", "אָה", "אוֹקֵיי", "טוֹב", "נוּ")
HEBREW_CONSONANTS = (
    "רגע, יש לי שאלה אחרת",
    "לא, אני צריך ביום רביעי אחר הצהריים",
    "סליחה, אפשר לדבר עם נציג בבקשה",
    "תקבעי לי לשעה עשר וחצי",
    "חכי שנייה, אני בודק ביומן",
)
"""As they are written, which espeak-ng reads nearly voiceless: kept as a hard case."""
HEBREW_VOICES = ("he", "he+m3", "he+f2", "he+m7", "he+f5")


def fetch() -> None:
    """Downloads and unpacks the packages that are not in the cache yet; needs apt-get, no root."""
    for package in PACKAGES:
        target = CACHE / "recordings" / package
        if target.exists():
            continue
        downloads = CACHE / "packages"
        downloads.mkdir(parents=True, exist_ok=True)
        if not list(downloads.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", "-qq", package], cwd=downloads, check=True)
        (archive,) = downloads.glob(f"{package}_*.deb")
        unpacked = target.with_suffix(".partial")
        unpacked.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
        unpacked.rename(target)


class Library:
    """The recordings of one half, drawn at random by a seeded generator."""

    def __init__(self, half: Half) -> None:
        self._speakers: dict[str, tuple[Path, ...]] = {}
        for package in PACKAGES:
            files = sorted((CACHE / "recordings" / package).rglob("*.wav"))
            if shutil.which("sox"):
                files += sorted((CACHE / "recordings" / package).rglob("*.gsm"))
            chosen = tuple(file for file in files if half in _halves(file) and _is_speech(file))
            if chosen:
                self._speakers[package] = chosen
        assert self._speakers, f"no recordings in {CACHE}: run bench.bargein once with network"
        self._half: Half = half

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(self._speakers)

    def utterance(self, rng: random.Random, shortest_ms: int, longest_ms: int, speaker: str | None = None) -> Samples:
        """One trimmed piece of speech, active level 0.1 (-20 dBFS), `shortest_ms` to `longest_ms` long.

        A longer recording is cut at its end, at a dip, as if the speaker had stopped there.
        """
        speaker = speaker or rng.choice(self.speakers)
        for _ in range(200):
            sound = trimmed(_load(rng.choice(self._speakers[speaker])))
            if len(sound) > longest_ms * 8:
                sound = trimmed(_cut_at_dip(sound, shortest_ms * 8, longest_ms * 8))
            if shortest_ms * 8 <= len(sound) <= longest_ms * 8:
                return at_active_level(sound, -20.0)
        raise LookupError(f"{speaker} has nothing between {shortest_ms} and {longest_ms} ms")

    def whole_word(self, rng: random.Random, shortest_ms: int, longest_ms: int) -> Samples:
        """A recording that is itself that short (a digit, a letter, a yes), never a cut one."""
        candidates = _short_files(self._half, longest_ms)
        for _ in range(400):
            sound = trimmed(_load(rng.choice(candidates)))
            if shortest_ms * 8 <= len(sound) <= longest_ms * 8:
                return at_active_level(sound, -20.0)
        raise LookupError(f"no whole word between {shortest_ms} and {longest_ms} ms")

    def monologue(self, rng: random.Random, length_ms: int) -> Samples:
        """One speaker going on with short pauses: what an assistant sounds like."""
        speaker = rng.choice(self.speakers)
        parts: list[Samples] = []
        total = 0
        while total < length_ms * 8:
            parts.append(self.utterance(rng, 700, 6000, speaker))
            parts.append(np.zeros(rng.randrange(80, 350) * 8))
            total += len(parts[-1]) + len(parts[-2])
        return np.concatenate(parts)[: length_ms * 8]


def hebrew(rng: random.Random, kind: Literal["sentence", "word", "short", "consonants"]) -> Samples | None:
    """espeak-ng's Hebrew, or None on a machine without it."""
    texts = {
        "sentence": HEBREW_SENTENCES,
        "word": HEBREW_WORDS,
        "short": HEBREW_SHORT,
        "consonants": HEBREW_CONSONANTS,
    }[kind]
    sound = _espeak(rng.choice(texts), rng.choice(HEBREW_VOICES), rng.randrange(150, 210, 15))
    return None if sound is None else at_active_level(trimmed(sound), -20.0)


def trimmed(sound: Samples) -> Samples:
    """From where speech sets in to where it ends: 10 ms blocks within 24 dB of its loud parts, lone clicks left out.

    The labels rest on this, so it asks for what an ear would call the beginning: four such blocks of six.
    """
    levels = _levels_db(sound, 80)
    if len(levels) < 12:
        return sound
    loud = (levels > np.percentile(levels, 95) - 24).astype(int)
    crowded = np.convolve(loud, np.ones(6, dtype=int), "valid") >= 4
    begins = np.flatnonzero(crowded & (loud[: len(crowded)] == 1))
    ends = np.flatnonzero(crowded & (loud[5:] == 1))
    if not len(begins) or not len(ends) or ends[-1] + 6 <= begins[0]:
        return sound
    return sound[begins[0] * 80 : (ends[-1] + 6) * 80]


def at_active_level(sound: Samples, dbfs: float) -> Samples:
    """Scaled so that the louder 20 ms blocks (those within 20 dB of the loudest) average `dbfs`."""
    powers = _powers(sound, 160)
    active = powers[powers > powers.max() / 100]
    rms = float(np.sqrt(active.mean())) if len(active) else 1.0
    return sound * (10 ** (dbfs / 20) / max(rms, 1e-9))


def high_passed(sound: Samples, corner_hz: float) -> Samples:
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return np.fft.irfft(spectrum * np.clip(hz / corner_hz * 2 - 1, 0, 1), len(sound))


def _halves(file: Path) -> tuple[Half, ...]:
    first, second, *_ = hashlib.sha256(file.stem.encode()).digest()
    if first & 1:
        return ("judging",)
    return ("tuning", "learning" if second & 3 else "held")


def _is_speech(file: Path) -> bool:
    """The packages also hold silences, beeps, conference chimes, a choir of monkeys and empty files."""
    others = ("silence", "beep", "tone", "monkeys", "confbridge-join", "confbridge-leave")
    return file.stat().st_size > 1000 and not any(other in str(file) for other in others)


@lru_cache(maxsize=4096)
def _load(file: Path) -> Samples:
    if file.suffix == ".gsm":
        raw = subprocess.run(
            ["sox", "-t", "gsm", file, "-t", "raw", "-e", "signed", "-b", "16", "-"],
            check=True,
            capture_output=True,
        ).stdout
        return high_passed(_pcm(raw), LOW_END_HZ)
    with wave.open(str(file)) as recording:
        assert recording.getframerate() == RATE, f"{file} is not at 8 kHz"
        return high_passed(_pcm(recording.readframes(recording.getnframes())), LOW_END_HZ)


@lru_cache(maxsize=8)
def _short_files(half: Half, longest_ms: int) -> list[Path]:
    files = [file for package in PACKAGES for file in sorted((CACHE / "recordings" / package).rglob("*.wav"))]
    roomy = longest_ms * 16 + 16_000
    return [file for file in files if half in _halves(file) and _is_speech(file) and file.stat().st_size < roomy]


def _pcm(raw: bytes) -> Samples:
    return np.frombuffer(raw, dtype="<i2").astype(np.float64) / 32768


def _cut_at_dip(sound: Samples, shortest: int, longest: int) -> Samples:
    window = sound[shortest:longest]
    levels = _levels_db(window, 80)
    if not len(levels):
        return sound[:longest]
    return sound[: shortest + int(np.argmin(levels)) * 80 + 40]


def _powers(sound: Samples, block: int) -> Samples:
    whole = len(sound) // block * block
    if not whole:
        return np.array([float(np.mean(sound**2)) if len(sound) else 0.0])
    powers: Samples = (sound[:whole].reshape(-1, block) ** 2).mean(axis=1)
    return powers


def _levels_db(sound: Samples, block: int) -> Samples:
    levels: Samples = 10 * np.log10(_powers(sound, block) + 1e-10)
    return levels


@lru_cache(maxsize=512)
def _espeak(text: str, voice: str, words_per_minute: int) -> Samples | None:
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    spoken = subprocess.run(
        [program, "-v", voice, "-s", str(words_per_minute), "--stdout", text], check=True, capture_output=True
    ).stdout
    at = spoken.index(b"data") + 8  # the program streams, so the header's lengths are not to be believed
    return high_passed(_resampled(_pcm(spoken[at : at + (len(spoken) - at) // 2 * 2]), 22_050), LOW_END_HZ)


def _resampled(sound: Samples, rate: int) -> Samples:
    """Band-limited through the spectrum: fine for a whole utterance, wrong for a stream."""
    wanted = len(sound) * RATE // rate
    spectrum = np.fft.rfft(sound)[: wanted // 2 + 1]
    spectrum[int(len(spectrum) * 0.9) :] = 0
    return np.fft.irfft(spectrum, wanted) * (wanted / len(sound))
