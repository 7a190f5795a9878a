"""What the ear tells: its evidence after each frame, and what it would like the neural detector to judge.

Values only. Nothing here measures a sound, and nothing decides who has the floor.
"""

from typing import Final

import msgspec

from agentlocator.audio.level import SILENCE_DBFS


class Evidence(msgspec.Struct, frozen=True):
    """What the ear knows after a frame. A candidate is a sound that may become an utterance."""

    at_ms: int
    level_dbfs: float
    floor_dbfs: float
    # The candidate: when the gate opened for it (-1: there is none) and its second loudest frame.
    began_ms: int = -1
    loud_dbfs: float = SILENCE_DBFS
    # Accumulated neural evidence; the last probability (-1: none yet) and the one before; whether no answers come.
    speech_ms: float = 0.0
    probability: float = -1.0
    probability_before: float = -1.0
    blind: bool = False
    # Continuous speech, short gaps bridged, long ones taken off again; and how long none was heard.
    active_ms: int = 0
    quiet_ms: int = 0
    # Over its last frames of speech (at most 0.4 s): how many, how many voiced, their mean level, their range
    # (a voice moves by syllables, a crowd does not) and their mean probability.
    active_frames: int = 0
    voiced_frames: int = 0
    mean_dbfs: float = SILENCE_DBFS
    range_db: float = 0.0
    certainty: float = 0.0
    # The best voicing of the last four frames of speech, the mean harmony of those above (a voice has it, a whisper
    # has not), and the change of level since the frame before.
    voicing: float = 0.0
    harmony: float = 0.0
    change_db: float = 0.0
    # How much of the frame our own voice explains; and whether it came back within the last second.
    echo_db: float = 0.0
    echoing: bool = False
    # How much the last half second is like a caller who begins to speak; 0 where nothing speaks for it or against it.
    impression: float = 0.0
    # What this caller's own speech measured while we were silent; None before he spoke.
    caller_dbfs: float | None = None

    @property
    def speech(self) -> bool:
        """R15: whether this is speech by a rule too mild to lose any, for `SpeechGate` in the caller's own turn.

        It does not ask for a voice: an answer may be whispered.
        """
        return self.began_ms >= 0 and self.speech_ms >= SPEECH_MS and self.quiet_ms < SPEECH_QUIET_MS


class WantsScore(msgspec.Struct, frozen=True):
    """Please judge this µ-law audio, whole windows of 256 bytes, and tell `Ear.scored` of the last one.

    `fresh`: the detector should forget what it heard before. `glance`: it should forget this afterwards, which is one
    window and the 32 bytes before it. Answers are expected in the order asked.
    """

    audio: bytes
    fresh: bool = False
    glance: bool = False


class Heard(msgspec.Struct, frozen=True):
    """The ear's answer to one frame."""

    evidence: Evidence
    wants: WantsScore | None = None


SPEECH_MS: Final = 40.0
SPEECH_QUIET_MS: Final = 200
