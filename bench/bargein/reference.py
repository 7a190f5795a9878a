"""The reference design: the survey's recommended cascade, built plainly, so that ours has something to beat.

Levels, minimum-tracking floor, gate, Silero, accumulated evidence, autocorrelation voicing, an envelope match
against what was played, and fixed thresholds. It learns nothing about the caller and is not used by calls.
"""

from collections import deque

import numpy as np

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import decode
from agentlocator.audio.level import level_dbfs
from agentlocator.voice.scorer import WINDOW_BYTES, SpeechModel, SpeechScorer
from bench.bargein.recordings import Samples
from bench.bargein.stage import Verdict


class ReferenceCascade:
    _evidence: float
    _probability: float
    _pending: bytes
    _candidate: list[tuple[float, float]]
    _active_ms: int
    _since_active: int
    _quiet_ms: int

    def __init__(self, model: SpeechModel) -> None:
        self._paused_at = 0
        self._scorer = SpeechScorer(model)
        self._levels: deque[float] = deque(maxlen=60)
        self._smoothed: deque[float] = deque(maxlen=60)
        self._sound: deque[bytes] = deque([SILENCE_FRAME] * 60, maxlen=60)
        self._recent: deque[bytes] = deque([SILENCE_FRAME] * 3, maxlen=3)
        self._speaking_since: int | None = None
        self._cooldown_until = 0
        self._state = "listening"
        self._open_until = -1
        self._open = False
        self._forget()

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes) -> list[Verdict]:
        level = level_dbfs(media)
        self._levels.append(level)
        recent = list(self._levels)[-3:]
        self._smoothed.append(10 * np.log10(np.mean([10 ** (x / 10) for x in recent])))
        self._sound.append(agent_media)
        self._recent.append(media)
        self._floor = min(self._smoothed) + 3
        if not agent_speaking:
            self._speaking_since, self._state, self._open = None, "listening", False
            return []
        if self._speaking_since is None:
            self._speaking_since = t_ms
            self._forget()
        if t_ms - self._speaking_since < 350 or t_ms < self._cooldown_until:
            self._open = False
            self._forget()
            return []
        self._listen(t_ms, level)
        return self._decide(t_ms)

    def _listen(self, t_ms: int, level: float) -> None:
        if level > max(self._floor + 5, -52):
            self._open_until = t_ms + 160
        if t_ms > self._open_until:
            if self._open:
                self._forget()
            self._open = False
            self._quiet_ms += FRAME_MS
            return
        fresh = not self._open
        self._open = True
        self._pending += b"".join(self._recent) if fresh else self._recent[-1]
        while len(self._pending) >= WINDOW_BYTES:
            window, self._pending = self._pending[:WINDOW_BYTES], self._pending[WINDOW_BYTES:]
            self._probability = self._scorer.score(window, fresh)
            fresh = False
            self._evidence = max(0.0, self._evidence + 32 * float(np.clip((self._probability - 0.30) / 0.35, -1, 1)))
        active = level > max(self._floor + 4, -52) and self._probability > 0.4
        voicing = _voicing(b"".join(self._recent)) if self._evidence > 0 else 0.0
        gap = self._since_active
        self._since_active = 0 if active else self._since_active + FRAME_MS
        self._quiet_ms = 0 if active else self._quiet_ms + FRAME_MS
        if active:
            self._candidate.append((level, voicing))
            self._active_ms += FRAME_MS + (gap if self._active_ms else 0)
        elif self._since_active > 100:
            self._active_ms, self._candidate = 0, []

    def _decide(self, t_ms: int) -> list[Verdict]:
        if self._state == "paused":
            if self._commits():
                self._state, self._cooldown_until = "listening", t_ms + 800
                self._forget()
                return ["commit"]
            if self._quiet_ms >= 320 or t_ms - self._paused_at >= 700:
                self._state = "resumed"
                return ["resume"]
            return []
        if self._state == "resumed" and self._quiet_ms >= 200:
            self._state = "listening"
        if self._state == "listening" and self._pauses():
            self._state, self._paused_at = "paused", t_ms
            return ["pause"]
        return []

    def _pauses(self) -> bool:
        if self._evidence < 60 or max((v for _, v in self._candidate), default=0) <= 0.7:
            return False
        loud = sorted(level for level, _ in self._candidate)[-2:]
        return loud[0] > max(-46, self._floor + 4) and not self._explained_by_echo()

    def _commits(self) -> bool:
        if self._active_ms < 320 or self._explained_by_echo():
            return False
        voiced = sum(v > 0.7 for _, v in self._candidate) / len(self._candidate)
        mean = 10 * np.log10(np.mean([10 ** (level / 10) for level, _ in self._candidate]))
        return voiced >= 0.4 and bool(mean > -46)

    def _explained_by_echo(self) -> bool:
        """The last 300 ms are the played level at some lag, in steps of 5 ms, plus a constant: then it is ours."""
        length = min(15, len(self._levels))
        heard = np.array(list(self._levels)[-length:])
        louder = heard > self._floor + 4
        if not louder.any():
            return False
        power = np.concatenate(([0.0], np.cumsum(decode(b"".join(self._sound)).astype(np.float64) ** 2)))
        end = len(power) - 1 - np.arange(length)[::-1] * FRAME_BYTES
        for lag_ms in range(20, 445, 5):
            at = end - lag_ms * 8
            source = 10 * np.log10((power[at] - power[at - FRAME_BYTES]) / FRAME_BYTES / 32768**2 + 1e-9)
            if source[louder].max() < -50:
                continue
            coupling = float(np.median((heard - source)[louder]))
            # Where nothing was played the line's own noise is what an echo leaves.
            excess = heard - np.maximum(source + coupling, self._floor)
            within = float(np.mean(np.abs(excess) < 7))
            if within >= 0.7 and coupling < -8 and float(np.mean(excess)) < 6:
                return True
        return False

    def _forget(self) -> None:
        self._evidence = 0.0
        self._probability = 0.0
        self._pending = b""
        self._candidate = []
        self._active_ms = 0
        self._since_active = 1000
        self._quiet_ms = 0


def _voicing(audio: bytes) -> float:
    """The highest normalised autocorrelation at 70 to 400 Hz, of the band 90 to 1200 Hz."""
    sound = decode(audio).astype(np.float64)
    band = _banded(sound)
    power = np.abs(np.fft.rfft(band, 1024)) ** 2
    lags: Samples = np.fft.irfft(power)
    if lags[0] <= 0:
        return 0.0
    shrink = 1 - np.arange(20, 115) / len(sound)
    return float(np.max(lags[20:115] / lags[0] / shrink))


def _banded(sound: Samples) -> Samples:
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / 8000)
    spectrum[(hz < 90) | (hz > 1200)] = 0
    return np.fft.irfft(spectrum, len(sound))
