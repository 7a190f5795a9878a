"""Whether what the caller's line brings is our own voice coming back.

We know what we played. If a short filter at some delay turns it into what we hear, nobody spoke. Nothing is
cancelled: the caller's sound stays as it is, only its explanation is judged.
"""

from collections import deque
from math import log10
from typing import Final

import numpy as np
import numpy.typing as npt

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import DECODE_TABLE
from agentlocator.audio.level import SILENCE_DBFS, level_dbfs

Samples = npt.NDArray[np.float32]

LONGEST_MS: Final = 540
"""Echo that comes later than this is not looked for: 440 ms of network and 100 ms queued at the carrier."""

FRAMES_KEPT: Final = 32


class Echo:
    """What was played lately, and how much of the caller's sound it explains.

    A filter that merely fits may be an accident: one vowel can be bent into another. It is `sure` once the filter
    found in earlier sound explains later sound, which no accident does.
    """

    __slots__ = (
        "_bound_at_ms",
        "_bound_db",
        "_coupling_db",
        "_filter",
        "_foretold",
        "_good",
        "_levels",
        "_missed",
        "_mistold",
        "_noise",
        "_played",
        "_sharp",
        "_silent_frames",
        "_start",
        "_tried",
        "_unmeasured",
        "_unseen",
        "over_db",
        "rest_db",
        "sure",
    )

    def __init__(self) -> None:
        self._played: deque[bytes] = deque([SILENCE_FRAME] * FRAMES_KEPT, maxlen=FRAMES_KEPT)
        self._silent_frames = FRAMES_KEPT
        self._sharp: Samples = np.zeros(FRAMES_KEPT * _HALF_FRAME, np.float32)
        self._unseen = 0
        self._levels: deque[float] = deque([SILENCE_DBFS] * FRAMES_KEPT, maxlen=FRAMES_KEPT)
        self._unmeasured = 0
        self._start = 0
        self._filter: Samples | None = None
        # Whether the filter fitted well when it was found; what it was tried on since, and what that left over.
        self._good = False
        self._foretold = self._mistold = 0.0
        self._tried = 0
        self._missed = 0
        # The line's own noise, sharpened, in 20 ms.
        self._noise = 0.0
        self._coupling_db: float | None = None
        self._bound_db = 0.0
        self._bound_at_ms = -_BOUND_HOLDS_MS
        self.sure = False
        # How much louder the last sound was than the echo of what was played, as this line has returned it so far.
        self.over_db = 0.0
        # How far what our voice does not explain of it stands out of the line's own noise.
        self.rest_db = _FAR_DB

    def play(self, frame: bytes | None) -> None:
        """One frame of 160 bytes left for the caller, or none did."""
        self._unseen += 1
        self._unmeasured = min(self._unmeasured + 1, FRAMES_KEPT)
        if frame is None or frame == SILENCE_FRAME:
            self._silent_frames += 1
            if not self.possible:
                self._tried = 0
            self._played.append(SILENCE_FRAME)
        else:
            self._silent_frames = 0
            self._played.append(frame)

    @property
    def possible(self) -> bool:
        """Whether anything was played that could still come back."""
        return self._silent_frames < LONGEST_MS // FRAME_MS

    def quiet(self, frame: bytes) -> None:
        """A frame in which the line was heard alone."""
        sound = _sharpened(_LINEAR[np.frombuffer(frame, np.uint8)])
        self._noise += _NOISE_WEIGHT * (float(sound.dot(sound)) - self._noise)

    def unanswered(self, line_dbfs: float, now_ms: int) -> None:
        """The line stayed below this level for all of `LONGEST_MS`: so much weaker is its echo, if it has any."""
        bound_db = line_dbfs - level_dbfs(self._played[-1 - LONGEST_MS // FRAME_MS])
        if bound_db <= self._bound_db or now_ms - self._bound_at_ms > _BOUND_HOLDS_MS:
            self._bound_db, self._bound_at_ms = bound_db, now_ms

    def ruled_out(self, dbfs: float, now_ms: int) -> bool:
        """Whether a sound this loud cannot be our echo, by what the line lately did not return."""
        if now_ms - self._bound_at_ms > _BOUND_HOLDS_MS:
            return False
        while self._unmeasured:
            self._levels.append(level_dbfs(self._played[-self._unmeasured]))
            self._unmeasured -= 1
        return dbfs > max(self._levels) + self._bound_db + _BOUND_MARGIN_DB

    @property
    def accidental(self) -> bool:
        """Whether what seemed to be an echo lately did not go on as one."""
        return self._missed > 0

    @property
    def untried(self) -> bool:
        """Whether an echo in noise would not have shown yet, since we began to speak."""
        return self._tried < _TRIALS

    def explained_db(self, heard: Samples) -> float:
        """How many dB of the last frames heard our own voice explains; 0 when nothing was played.

        `heard` is the newest sound at 8 kHz in 16-bit units, a whole number of frames, at most 100 ms. Unrelated
        speech is explained by 1 to 4 dB, by chance; an echo by 6 and more. About 30 µs where the filter is known
        from before, 130 µs where it is to be found.
        """
        if not self.possible:
            return 0.0
        played = self._recently_played()
        heard = _sharpened(heard)
        energy = float(heard.dot(heard))
        if energy <= 0.0:
            return 0.0
        self._tried += 1
        predicted = self._predicted_db(played, heard)
        if predicted >= _CONFIRMED_DB:
            self.sure = True
            self._missed = 0
            if predicted >= _EXACT_DB:
                self._compare(played, len(heard), energy, predicted)
                return predicted
        elif self._good and not self.sure:
            self._missed = _MISSES_REMEMBERED
            self.sure = self._proven
        elif self._proven:
            self.sure = True
        self._missed = max(0, self._missed - 1)
        explained = 0.0
        if self._filter is not None:
            explained, found = _fit(played, heard, energy, self._start)
            if explained >= _GOOD_DB:
                self._filter = found
        if explained < _GOOD_DB and not (self.sure and predicted >= _CONFIRMED_DB):
            start = _search(played, heard, energy)
            elsewhere, found = _fit(played, heard, energy, start)
            if elsewhere >= _GOOD_DB and (not self.sure or elsewhere > explained + _GOOD_DB):
                # An accident would not come back at the same delay.
                self.sure = self._filter is not None and abs(start - self._start) <= _SAME_DELAY
                self._take(start, found, good=True)
                self._compare(played, len(heard), energy, elsewhere)
                return elsewhere
            if not self.sure and elsewhere >= _HINT_DB and (self._filter is None or self._mistold >= self._foretold):
                # In noise an echo never fits well; but it goes on, which no accident does.
                self._take(start, found, good=False)
            explained = max(explained, elsewhere if not self.sure else 0.0)
        explained = max(explained, predicted)
        self._compare(played, len(heard), energy, explained)
        return explained

    def _compare(self, played: Samples, length: int, energy: float, explained: float) -> None:
        """The level against the one that the echo alone would have; learns that from what certainly was one."""
        source = played[self._start + _TAPS - _TAPS_AHEAD :][:length]
        returned_db = 10.0 * log10((energy + 1.0) / (float(source.dot(source)) + 1.0))
        if explained >= _GOOD_DB and self.sure:
            known = returned_db if self._coupling_db is None else self._coupling_db
            self._coupling_db = known + _COUPLING_WEIGHT * (returned_db - known)
        self.over_db = 0.0 if self._coupling_db is None else returned_db - self._coupling_db
        self.rest_db = _FAR_DB
        if self._noise > 0.0:
            noise_db = 10.0 * log10(self._noise * length / _HALF_FRAME + 1.0)
            self.rest_db = 10.0 * log10(energy + 1.0) - explained - noise_db

    def _take(self, start: int, found: Samples, good: bool) -> None:
        self._start, self._filter, self._good = start, found, good
        self._foretold = self._mistold = 0.0

    @property
    def _proven(self) -> bool:
        """Whether the filter has gone on to explain a little of everything that came after it was found."""
        return self._mistold < self._foretold * _PROOF

    def _predicted_db(self, played: Samples, heard: Samples) -> float:
        """How much of the newest frame the filter explains that was found before it came."""
        if self._filter is None:
            return 0.0
        newest = heard[-_HALF_FRAME:]
        rest = newest - self._filter @ _shifted(played, len(heard), self._start)[:, -_HALF_FRAME:]
        whole, left = float(newest.dot(newest)) + 1.0, float(rest.dot(rest)) + 1.0
        # A frame counts by its energy, but one alone is no proof.
        self._foretold = _FORGETS * self._foretold + whole
        self._mistold = (_FORGETS * self._mistold if self._mistold else _UNPROVEN * whole) + left
        return -10.0 * log10(max(left / whole, 1e-4))

    def _recently_played(self) -> Samples:
        """What was played, sharpened; only what came since it was last asked for is worked on."""
        fresh = min(self._unseen, FRAMES_KEPT)
        self._unseen = 0
        if fresh:
            kept = self._sharp[fresh * _HALF_FRAME :]
            audio = b"".join(list(self._played)[-min(fresh + 1, FRAMES_KEPT) :])
            sharpened = _sharpened(_LINEAR[np.frombuffer(audio, np.uint8)])[-fresh * _HALF_FRAME :]
            self._sharp = np.concatenate((kept, sharpened))
        return self._sharp


def _search(played: Samples, heard: Samples, energy: float) -> int:
    """Where in what was played the filter should begin: about the delay at which it is most like what was heard."""
    spectrum = np.fft.rfft(heard, _TRANSFORM)
    product = np.fft.rfft(played, _TRANSFORM) * spectrum.conj()
    # likeness[k]: what was played from sample k on, against what was heard.
    likeness = np.fft.irfft(product, _TRANSFORM)[: len(played) - len(heard) + 1]
    running = np.cumsum(np.square(played, dtype=np.float64))
    loudness = running[len(heard) - 1 :] - running[: len(running) - len(heard) + 1]
    likeness *= likeness
    likeness /= loudness + (energy * 1e-3 + 1.0)
    start = int(likeness.argmax()) - _TAPS + _TAPS_AHEAD
    return min(max(start, 0), len(played) - len(heard) - _TAPS + 1)


def _fit(played: Samples, heard: Samples, energy: float, start: int) -> tuple[float, Samples]:
    """Least squares: the share of `heard` that a filter of `_TAPS` taps makes out of what was played, and it."""
    shifted = _shifted(played, len(heard), start)
    gram = shifted @ shifted.T
    match = shifted @ heard
    diagonal = gram.reshape(-1)[:: _TAPS + 1]
    diagonal += float(diagonal.sum()) / _TAPS * 1e-3 + 1.0
    found: Samples = np.linalg.solve(gram, match)
    explained = float(match @ found)
    return -10.0 * log10(min(max(1.0 - explained / energy, 1e-4), 1.0)), found


def _shifted(played: Samples, length: int, start: int) -> Samples:
    (stride,) = played.strides
    return np.lib.stride_tricks.as_strided(
        played[start:], shape=(_TAPS, length), strides=(stride, stride), writeable=False
    )


def _sharpened(sound: Samples) -> Samples:
    """At 4 kHz and with the low end held back, so that one vowel is not taken for another."""
    halved = sound[0::2] + sound[1::2]
    halved[1:] -= np.float32(0.9) * halved[:-1]
    return halved


_TAPS: Final = 28
"""8 ms at 4 kHz: a handset's echo, and the loud beginning of a room's."""
_TAPS_AHEAD: Final = 6
_BOUND_HOLDS_MS: Final = 8000
"""Then somebody may have switched the loudspeaker on."""
_BOUND_MARGIN_DB: Final = 12.0
_GOOD_DB: Final = 6.0
_HINT_DB: Final = 1.5
_PROOF: Final = 0.85
_UNPROVEN: Final = 0.5
_TRIALS: Final = 4
_FORGETS: Final = 0.85
_NOISE_WEIGHT: Final = 0.3
_FAR_DB: Final = 99.0
_CONFIRMED_DB: Final = 2.5
_SAME_DELAY: Final = 2
_COUPLING_WEIGHT: Final = 0.2
_EXACT_DB: Final = 9.0
_MISSES_REMEMBERED: Final = 5
_HALF_FRAME: Final = FRAME_BYTES // 2
_TRANSFORM: Final = FRAMES_KEPT * FRAME_BYTES // 2
_LINEAR: Final = DECODE_TABLE.astype(np.float32)
