"""The floor for outsiders: one JSON line in, one JSON line out, through the very ear and floor that calls use.

`{"op":"reset"}` answers `{"ok":true}`; `{"op":"frame","t_ms":…,"media":…,"agent_speaking":…,"agent_media":…}`
answers `{"events":[{"type":"pause"}]}`. A line that cannot be understood answers `{"error":…}` and changes
nothing. It knows no call, no model and no carrier.
"""

import base64
import binascii
from typing import IO, Literal

import msgspec

from agentlocator.audio.detector import Ear, Evidence
from agentlocator.audio.frames import FRAME_MS
from agentlocator.audio.impression import USUAL as USUAL_JUDGE
from agentlocator.audio.impression import Judge
from agentlocator.call.floor import USUAL, Decision, Floor, FloorPolicy, Pause, Resume
from agentlocator.voice.scorer import SpeechModel, SpeechScorer

Verdict = Literal["pause", "commit", "resume"]


class FloorSession:
    """One line from its first frame on: the ear, the floor, and the neural detector answering at once.

    Without a model (None) the ear works by voicing alone.
    """

    def __init__(self, model: SpeechModel | None, policy: FloorPolicy = USUAL, judge: Judge = USUAL_JUDGE) -> None:
        self._scorer = None if model is None else SpeechScorer(model)
        self._ear = Ear(policy.ear, judge)
        self._floor = Floor(policy)
        # What the last frame came to, for whoever wants to see why.
        self.latest: Evidence | None = None
        self.decision: Decision | None = None

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes | None) -> list[Verdict]:
        """What one frame, beginning at `t_ms`, makes the floor decide."""
        if agent_speaking:
            self._floor.assistant_started(t_ms)
        else:
            self._floor.assistant_ended()
        now_ms = t_ms + FRAME_MS
        heard = self._ear.hear(media, agent_media if agent_speaking else None, now_ms)
        self.decision = None
        verdicts = self._weigh(heard.evidence, now_ms)
        if heard.wants is not None and self._scorer is not None:
            probability = self._scorer.score(heard.wants.audio, heard.wants.fresh, heard.wants.glance)
            verdicts += self._weigh(self._ear.scored(probability, now_ms), now_ms)
        return verdicts

    def _weigh(self, evidence: Evidence, now_ms: int) -> list[Verdict]:
        self.latest = evidence
        decision = self._floor.weigh(evidence, now_ms)
        if decision is None:
            return []
        self.decision = decision
        return [_verdict(decision)]


def serve(lines: IO[str], answers: IO[str], model: SpeechModel | None, policy: FloorPolicy) -> None:
    """Answers every line of `lines` until there are no more; each answer is flushed before the next is read."""
    session = FloorSession(model, policy)
    for line in lines:
        try:
            message = _MESSAGE.decode(line)
            if isinstance(message, _Reset):
                session = FloorSession(model, policy)
                answer: object = {"ok": True}
            else:
                answer = {"events": [{"type": verdict} for verdict in _hear(session, message)]}
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            answer = {"error": str(error)}
        answers.write(msgspec.json.encode(answer).decode() + "\n")
        answers.flush()


def _verdict(decision: Decision) -> Verdict:
    if isinstance(decision, Pause):
        return "pause"
    return "resume" if isinstance(decision, Resume) else "commit"


class _Reset(msgspec.Struct, frozen=True, tag_field="op", tag="reset"):
    pass


class _Frame(msgspec.Struct, frozen=True, tag_field="op", tag="frame"):
    t_ms: int
    media: str
    agent_speaking: bool = False
    agent_media: str | None = None


_MESSAGE = msgspec.json.Decoder(_Reset | _Frame)


def _hear(session: FloorSession, frame: _Frame) -> list[Verdict]:
    media = base64.b64decode(frame.media, validate=True)
    playing = None if frame.agent_media is None else base64.b64decode(frame.agent_media, validate=True)
    return session.frame(frame.t_ms, media, frame.agent_speaking, playing)
