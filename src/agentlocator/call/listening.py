"""The caller's side of a call: the ear that hears him, the floor he may take, and what of his sound is held back.

While the assistant speaks his sound does not go to the model; it is kept, so that an interruption can be heard from
its first syllable. What goes where is decided by `barge_in` and `machine`; this keeps the account.
"""

from __future__ import annotations

from collections import deque

from agentlocator.audio.detector import Ear, Evidence, WantsScore
from agentlocator.audio.frames import FRAME_MS, SILENCE_FRAME
from agentlocator.audio.speech_gate import SpeechGate
from agentlocator.call.floor import Decision, Floor
from agentlocator.call.policy import CallPolicy

# A burst at the beginning of an utterance is sent ahead of the caller's frames by this many at most.
_SENT_AHEAD = 16
_SILENCE_BATCH = 5
# A frame this much louder than the line, and than any line's own noise, is the caller still speaking.
_OVER_NOISE_DB = 12.0
_AUDIBLE_DBFS = -48.0


class Listening:
    """Fed every frame of the caller and every frame sent to him. `evidence` is the ear's latest, None before any."""

    def __init__(self, policy: CallPolicy) -> None:
        self.ear = Ear(policy.floor.ear)
        self.floor = Floor(policy.floor)
        self.last_speech_ms = 0
        self.evidence: Evidence | None = None
        self._speech = False
        self._silent_frames = 0
        self._gate = SpeechGate() if policy.noise_gate else None
        self._pre_roll_ms = policy.pre_roll_ms
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=policy.backlog_ms // FRAME_MS)
        self._sent: deque[bytes] = deque(maxlen=_SENT_AHEAD)

    def sent(self, frame: bytes) -> None:
        """A frame left for the caller: his line may bring it back."""
        self._sent.append(frame)

    def hear(
        self, audio: bytes, speaking: bool, interruptible: bool, now_ms: int
    ) -> tuple[Decision | None, WantsScore | None]:
        """Takes 20 ms of the caller; returns what the floor decides, and what the neural detector should judge.

        `speaking`: the assistant is being heard; `interruptible`: and the caller may take the floor from it.
        """
        if not interruptible:
            self.floor.assistant_ended()
        elif not self.floor.speaking:
            self.floor.assistant_started(now_ms)
        heard = self.ear.hear(audio, self._playing() if speaking else None, now_ms)
        evidence = heard.evidence
        self._note(evidence, now_ms)
        return self.floor.weigh(evidence, now_ms), heard.wants

    def scored(self, probability: float, now_ms: int) -> tuple[Decision | None, Evidence]:
        """Takes the neural detector's verdict; returns what the floor decides now, and on what evidence."""
        evidence = self.ear.scored(probability, now_ms)
        self._note(evidence, now_ms)
        return self.floor.weigh(evidence, now_ms), evidence

    def pass_on(self, audio: bytes) -> list[bytes]:
        """What the model gets for the frame just heard, in the caller's own turn: no noise, and all of his speech."""
        if self._gate is None:
            return [audio]
        frames = self._gate.pass_on(audio, self._speech)
        if not self._gate.open:
            self._silent_frames += len(frames)
            return self._silence(_SILENCE_BATCH) if self._silent_frames >= _SILENCE_BATCH else []
        return [*self._silence(self._silent_frames), *frames]

    def _silence(self, frames: int) -> list[bytes]:
        """Silence is sent in larger pieces: nothing waits for the end of it."""
        self._silent_frames -= frames
        return [SILENCE_FRAME * frames] if frames else []

    def keep(self, audio: bytes, now_ms: int) -> None:
        """Holds back a frame that the model does not get now."""
        self._kept.append((now_ms, audio))
        if self._gate:
            self._gate.hold(audio)

    def take_kept(self, since_ms: int) -> list[bytes]:
        """What was held back, from the pre-roll before `since_ms` on; nothing of it is kept any longer."""
        kept = [audio for at_ms, audio in self._kept if at_ms > since_ms - self._pre_roll_ms]
        self._kept.clear()
        if self._gate:
            self._gate.open_now()
        return kept

    def _note(self, evidence: Evidence, now_ms: int) -> None:
        self.evidence = evidence
        self._speech = evidence.speech
        heard = evidence.active_ms > 0 and evidence.quiet_ms == 0
        loud = evidence.level_dbfs > max(evidence.floor_dbfs + _OVER_NOISE_DB, _AUDIBLE_DBFS)
        if heard or loud:
            self.last_speech_ms = now_ms

    def _playing(self) -> bytes:
        return self._sent.popleft() if self._sent else SILENCE_FRAME
