"""The ear: from the caller's frames to evidence that a person is speaking to us.

A cheap gate looks at every frame; only what passes it is shown to the neural detector, tested for voicing and
compared with what we are playing. The ear measures and counts; it never decides who has the floor, and it never
calls the neural detector itself: it asks, goes on, and works (more slowly) when no answer comes.
"""

from collections import deque
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from agentlocator.audio.caller_level import CallerLevel
from agentlocator.audio.ear_policy import USUAL, EarPolicy
from agentlocator.audio.echo import LONGEST_MS, Echo
from agentlocator.audio.evidence import Evidence, Heard, WantsScore
from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import DECODE_TABLE
from agentlocator.audio.impression import USUAL as USUAL_JUDGE
from agentlocator.audio.impression import Impression, Judge
from agentlocator.audio.level import SILENCE_DBFS, level_dbfs
from agentlocator.audio.noise_floor import NoiseFloor
from agentlocator.audio.utterance import Utterance
from agentlocator.audio.voicing import TONE_SAMPLES, WINDOW_SAMPLES, is_tone, voice

__all__ = ["Ear", "EarPolicy", "Evidence", "Heard", "WantsScore"]


class Ear:
    """One caller's line. Feed it every frame of the call, in order, whoever is speaking."""

    _began_ms: int
    _speech_ms: float
    _probability: float
    _probability_before: float
    _quiet_ms: int
    _voicing: float
    _harmony: float
    _tone: bool
    _echo_db: float
    _pending: bytes
    _uncounted: bool
    _unasked: int
    _echoed: bool
    _dull_frames: int
    _dull_dbfs: float
    _impressed: float
    _worth_a_look: bool

    def __init__(self, policy: EarPolicy = USUAL, judge: Judge = USUAL_JUDGE) -> None:
        self._policy = policy
        self._impression = Impression(judge)
        self._floor = NoiseFloor()
        self._echo = Echo()
        self._recent: deque[bytes] = deque([SILENCE_FRAME] * _RECENT_FRAMES, maxlen=_RECENT_FRAMES)
        self._level_dbfs = SILENCE_DBFS
        self._change_db = 0.0
        self._caller = CallerLevel()
        self._utterance = Utterance(policy)
        self._attentive = False
        self._compared = self._unsettled = False
        self._open_ms = 0
        self._now_ms = 0
        self._echo_at_ms = -_ECHO_REMEMBERED_MS
        self._generation = 0
        # Bounded, because answers may never come: then the oldest question says since when.
        self._asked: deque[_Question] = deque(maxlen=_ASKED_AT_MOST)
        self._blind = False
        self._quiet_ms = self._still_ms = 0
        # The present sound cannot be our echo.
        self._foreign = False
        self._close()

    def hear(self, caller: bytes, playing: bytes | None, now_ms: int) -> Heard:
        """Takes 20 ms of the caller and the 20 ms we sent in the meantime; `now_ms` is the end of the frame.

        `playing` is None when the floor is the caller's, and silence while the assistant has it and is paused.
        Anything but 160 bytes is cut or filled up with silence: a damaged line must not stop a call.
        """
        if len(caller) != FRAME_BYTES:
            caller = (caller + SILENCE_FRAME)[:FRAME_BYTES]
        if playing is not None and len(playing) != FRAME_BYTES:
            playing = (playing + SILENCE_FRAME)[:FRAME_BYTES]
        if (playing is not None) != self._attentive:
            # What the caller said in his own turn says nothing about interrupting ours.
            self._attentive = playing is not None
            self._close()
        self._echo.play(playing)
        self._recent.append(caller)
        self._now_ms = now_ms
        # Almost all frames of a quiet line end here: no sample of them is above the gate.
        faint = not caller.translate(None, _FAINT_CODES)
        before_dbfs = self._level_dbfs
        self._level_dbfs = _FAINT_DBFS if faint else level_dbfs(caller)
        self._change_db = abs(self._level_dbfs - before_dbfs)
        floor_dbfs = self._floor.hear(self._level_dbfs)
        self._impression.note(caller, self._level_dbfs, floor_dbfs)
        threshold = max(floor_dbfs + self._policy.gate_over_floor_db, self._policy.gate_dbfs)
        if self._level_dbfs > threshold:
            opening = self._open_ms <= 0
            self._open_ms = self._policy.gate_hang_ms
            if opening:
                return self._first()
            if self._utterance.active_ms:
                self._open_ms = self._policy.speech_hang_ms
        elif self._open_ms > 0:
            self._open_ms -= FRAME_MS
            if self._open_ms <= 0:
                self._close()
        if self._open_ms <= 0:
            self._quiet_ms += FRAME_MS
            self._still_ms += FRAME_MS
            if self._still_ms % _STILL_LOOK_MS == 0:
                if not faint:
                    self._echo.quiet(caller)
                if self._still_ms > LONGEST_MS and self._echo.possible:
                    self._echo.unanswered(threshold, now_ms)
            return Heard(Evidence(now_ms, self._level_dbfs, floor_dbfs, quiet_ms=self._quiet_ms))
        return self._next(caller)

    def scored(self, probability: float, now_ms: int) -> Evidence:
        """Takes the answer to the oldest unanswered `WantsScore`; one that nobody waits for changes nothing."""
        question = self._asked.popleft() if self._asked else _NOBODYS
        self._blind = False
        if question.generation == self._generation and self._open_ms > 0:
            if question.glance:
                return self._glanced(probability, now_ms)
            self._weigh(probability)
            if self._uncounted:
                self._count()
        return self._evidence(now_ms)

    def _first(self) -> Heard:
        """The gate opens: the detector hears what came before it, so that it starts in the middle of things."""
        self._began_ms = self._now_ms - FRAME_MS
        self._still_ms = 0
        self._foreign = not self._echo.possible
        return self._replay()

    def _next(self, caller: bytes) -> Heard:
        policy = self._policy
        if self._uncounted:
            self._count()
        if not self._attentive and self._speech_ms >= policy.idle_certain_ms:
            # He speaks in his own turn and nothing hangs on it: ask again only now and then.
            self._unasked += 1
            if self._unasked < policy.idle_frames:
                self._pending = b""
                self._count()
                return Heard(self._evidence(self._now_ms))
            return self._ask(self._last_windows(_IDLE_WINDOWS), fresh=True)
        if self._attentive and self._needless():
            self._pending = b""
            self._unasked += 1
            self._book_gap()
            return Heard(self._evidence(self._now_ms))
        if self._unasked:
            return self._replay()
        self._pending += caller
        if len(self._pending) >= _WINDOW_BYTES:
            audio, self._pending = self._pending[:_WINDOW_BYTES], self._pending[_WINDOW_BYTES:]
            return self._ask(audio, fresh=False)
        if self._attentive and self._utterance.active_ms < policy.glance_until_ms and not self._asked:
            return self._glance()
        self._count()
        return Heard(self._evidence(self._now_ms))

    def _replay(self) -> Heard:
        return self._ask(self._last_windows(_REPLAYED_WINDOWS), fresh=True)

    def _needless(self) -> bool:
        """Whether the frame can be understood without asking: our echo goes on, or the noise that it was."""
        policy = self._policy
        if self._echoed:
            self._voicing = self._harmony = self._echo_db = 0.0
            self._echoed = not self._audible() or (self._is_echo() and self._echo_db >= policy.plain_echo_db)
            return self._echoed
        if self._utterance.active_ms or self._dull_frames < policy.dull_frames or self._unasked >= policy.dull_frames:
            return False
        return self._level_dbfs < self._dull_dbfs + policy.dull_margin_db

    def _audible(self) -> bool:
        policy = self._policy
        return self._level_dbfs > max(self._floor.dbfs + 4.0, policy.gate_dbfs, self._utterance.tail_dbfs)

    def _ask(self, audio: bytes, fresh: bool) -> Heard:
        self._asked.append(_Question(self._generation, self._now_ms))
        self._unasked = 0
        self._blind = self._now_ms - self._asked[0].asked_ms > self._policy.patience_ms
        if self._blind:
            self._weigh(self._guess())
            self._count()
        else:
            self._uncounted = True
        return Heard(self._evidence(self._now_ms), WantsScore(audio, fresh))

    def _glance(self) -> Heard:
        """Has the newest 32 ms judged, of which the detector has heard a part, and will hear all again in its turn."""
        self._asked.append(_Question(self._generation, self._now_ms, glance=True))
        self._uncounted = True
        lately = b"".join(self._recent)[-_GLANCE_BYTES:]
        return Heard(self._evidence(self._now_ms), WantsScore(lately, glance=True))

    def _glanced(self, probability: float, now_ms: int) -> Evidence:
        """The evidence as it would be; only what it made of the frame stays."""
        if not self._uncounted:
            return self._evidence(now_ms)
        kept = self._probability, self._probability_before
        speech_ms = self._speech_ms
        self._weigh(probability)
        self._count()
        evidence = self._evidence(now_ms)
        self._probability, self._probability_before = kept
        # Less, if the frame was our own voice.
        self._speech_ms = min(speech_ms, self._speech_ms)
        return evidence

    def _guess(self) -> float:
        """A probability without the neural detector: a voice, clearly above the line, that is not a tone."""
        if self._level_dbfs < self._floor.dbfs + self._policy.blind_over_floor_db:
            return 0.0
        if is_tone(self._sound(TONE_SAMPLES)):
            return 0.0
        voiced = voice(self._sound(WINDOW_SAMPLES)).voicing >= self._policy.voiced
        # A consonant says nothing either way: only what is quiet or mechanical speaks against speech.
        return _GUESSED if voiced else self._policy.doubtful_probability

    def _last_windows(self, windows: int) -> bytes:
        return b"".join(self._recent)[-windows * _WINDOW_BYTES :]

    def _weigh(self, probability: float) -> None:
        policy = self._policy
        self._probability, self._probability_before = probability, self._probability
        span = policy.certain_probability - policy.doubtful_probability
        share = min(max((probability - policy.doubtful_probability) / span, -1.0), 1.0)
        self._speech_ms = min(max(self._speech_ms + _WINDOW_MS * share, 0.0), policy.evidence_ceiling_ms)

    def _count(self) -> None:
        """Books the newest frame as speech or as a gap."""
        policy = self._policy
        self._uncounted = False
        level = self._level_dbfs
        self._utterance.level(level)
        self._voicing = self._harmony = self._echo_db = 0.0
        self._note_dullness(level)
        audible = self._audible()
        self._utterance.note_audible(audible)
        if not audible or self._probability < policy.possible_probability:
            self._book_gap()
        elif self._attentive:
            self._examine(level)
        elif self._probability >= policy.speech_probability:
            self._book_speech(level)
            if self._speech_ms >= _LEARN_FROM_MS:
                self._caller.learn(level)
        else:
            self._book_gap()
        self._worth_a_look = self._attentive and self._utterance.active_ms > 0 and self._quiet_ms <= policy.closure_ms

    def _note_dullness(self, level: float) -> None:
        """How long it has certainly been noise, and how loud that is."""
        if self._probability >= _DULL_PROBABILITY:
            self._dull_frames = 0
            self._dull_dbfs = SILENCE_DBFS
        else:
            self._dull_frames += 1
            self._dull_dbfs = max(level, self._dull_dbfs - _DULL_FALLS_DB)

    def _examine(self, level: float) -> None:
        """A sound that may be speech, while we speak: is it our own voice, and is it a voice at all?"""
        policy = self._policy
        self._foreign = self._foreign or self._echo.ruled_out(level, self._now_ms)
        if self._echo.possible and not self._foreign:
            if self._speech_ms < policy.echo_from_ms and not self._echoing:
                # Too little to act on, so it is not compared yet; what is not compared does not count.
                return
            self._unsettled = False
            if self._is_echo():
                self._echoed = self._echo_db >= policy.plain_echo_db
                self._book_gap()
                return
            if self._unsettled:
                return
        self._voicing, self._harmony = voice(self._sound(WINDOW_SAMPLES))
        self._tone = self._voicing >= policy.tone_voicing and is_tone(self._sound(TONE_SAMPLES))
        if self._tone:
            self._voicing = 0.0
        if self._probability >= policy.speech_probability or self._voicing >= policy.possible_voicing:
            self._book_speech(level)
        else:
            self._book_gap()

    def _is_echo(self) -> bool:
        policy = self._policy
        echoing = self._echoing
        self._compared = not self._compared
        if not echoing and self._utterance.active_ms > policy.echo_thorough_ms and self._compared:
            # What was not ours for so long hardly becomes ours: every second frame will do.
            return False
        self._echo_db = self._echo.explained_db(self._sound(policy.echo_window_ms * 8))
        least_db = policy.known_echo_db if echoing else policy.echo_db
        if echoing and self._echo.over_db < policy.echo_margin_db:
            least_db = policy.faint_echo_db
        fits = self._echo_db >= least_db
        if not fits and not self._only_noise_besides():
            return False
        if not self._echo.sure and not echoing:
            # It may be an accident, which the next frame tells: this one says nothing either way.
            self._unsettled = not self._echo.accidental if fits else self._echo.untried
            self._echo_db = 0.0
            return False
        if self._echo_db >= policy.echo_db:
            # Our own voice is the best imitation of speech there is: what it built up counts for nothing.
            self._speech_ms = 0.0
            self._utterance.echoed()
            self._echo_at_ms = self._now_ms
        else:
            self._speech_ms = min(self._speech_ms, _WINDOW_MS)
        self._utterance.forget_levels()
        return True

    def _only_noise_besides(self) -> bool:
        policy = self._policy
        return self._echo.rest_db < policy.echo_rest_db and self._echo_db >= policy.least_echo_db

    @property
    def _echoing(self) -> bool:
        return self._now_ms - self._echo_at_ms < _ECHO_REMEMBERED_MS

    def _book_speech(self, level: float) -> None:
        self._quiet_ms = 0
        self._utterance.speech(level, self._voicing, self._harmony, self._probability)

    def _book_gap(self) -> None:
        self._quiet_ms += FRAME_MS
        self._utterance.gap()

    def _sound(self, samples: int) -> npt.NDArray[np.float32]:
        audio = b"".join(self._recent)[-samples:]
        return _LINEAR[np.frombuffer(audio, np.uint8)]

    def _evidence(self, now_ms: int) -> Evidence:
        summary = self._utterance.summary
        evidence = Evidence(
            at_ms=now_ms,
            level_dbfs=self._level_dbfs,
            floor_dbfs=self._floor.dbfs,
            began_ms=self._began_ms,
            loud_dbfs=self._utterance.loud_dbfs,
            speech_ms=self._speech_ms,
            probability=self._probability,
            probability_before=self._probability_before,
            blind=self._blind,
            active_ms=self._utterance.active_ms,
            quiet_ms=self._quiet_ms,
            active_frames=summary.frames,
            voiced_frames=summary.voiced_frames,
            mean_dbfs=summary.mean_dbfs,
            range_db=summary.range_db,
            certainty=summary.certainty,
            voicing=0.0 if self._tone else summary.voicing,
            harmony=summary.harmony,
            change_db=self._change_db if summary.frames else 0.0,
            echo_db=self._echo_db,
            echoing=self._echoing,
            impression=self._impressed,
            caller_dbfs=self._caller.dbfs,
        )
        self._impression.doubt(self._probability)
        if not self._worth_a_look:
            return evidence
        self._worth_a_look = False
        self._impressed = self._impression.of(evidence)
        return msgspec.structs.replace(evidence, impression=self._impressed)

    def _close(self) -> None:
        """The sound is over: whatever comes next is another candidate."""
        self._generation += 1
        self._open_ms = 0
        self._pending = b""
        self._uncounted = False
        self._began_ms = -1
        self._unasked = 0
        self._echoed = False
        self._dull_frames = 0
        self._dull_dbfs = SILENCE_DBFS
        self._speech_ms = 0.0
        self._probability = self._probability_before = -1.0
        self._voicing = self._harmony = self._echo_db = 0.0
        self._tone = False
        self._impressed = 0.0
        self._worth_a_look = False
        self._utterance.forget()


class _Question(NamedTuple):
    """One that the neural detector was asked: of which sound, and when."""

    generation: int
    asked_ms: int
    glance: bool = False


_NOBODYS: Final = _Question(-1, 0)
_REPLAYED_WINDOWS: Final = 5
_IDLE_WINDOWS: Final = 2
_STILL_LOOK_MS: Final = 100
_WINDOW_BYTES: Final = 256
_DULL_PROBABILITY: Final = 0.15
_DULL_FALLS_DB: Final = 0.1
_WINDOW_MS: Final = 32
_GLANCE_BYTES: Final = _WINDOW_BYTES + 32
_RECENT_FRAMES: Final = 12
_ASKED_AT_MOST: Final = 64

_GUESSED: Final = 0.7
_ECHO_REMEMBERED_MS: Final = 1000

_LEARN_FROM_MS: Final = 100.0

_FAINT_DBFS: Final = -60.0
_FAINT_CODES: Final = bytes(code for code in range(256) if abs(int(DECODE_TABLE[code])) <= 64)
"""No sample above 64 of 32768: the frame is at -54 dBFS or below, whatever its shape."""

_LINEAR: Final = DECODE_TABLE.astype(np.float32)
