"""What the model gets of the caller while nobody interrupts: his speech as it is, and silence instead of noise.

A noise that never reaches the model cannot become a turn there. Speech reaches it with the moments before it was
recognised and after it ended, so that no first syllable and no last one is cut. Never judges: the ear says what
counts as speech.
"""

from collections import deque

from agentlocator.audio.frames import FRAME_MS, SILENCE_FRAME


class SpeechGate:
    """Opens with a pre-roll, closes after a hangover; the stream keeps the length of the call."""

    def __init__(self, pre_roll_ms: int = 600, hangover_ms: int = 800) -> None:
        assert pre_roll_ms >= 300, "a shorter pre-roll clips first syllables"
        assert hangover_ms >= 600, "a shorter hangover cuts last syllables"
        self._hangover_ms = hangover_ms
        self._held: deque[bytes] = deque(maxlen=pre_roll_ms // FRAME_MS)
        self._open_ms = 0
        self._ahead = 0

    @property
    def open(self) -> bool:
        """Whether the caller's own sound passes."""
        return self._open_ms > 0

    def hold(self, frame: bytes) -> None:
        """A frame that is not to be sent, but may be the beginning of what is. The gate is closed meanwhile."""
        self._open_ms = 0
        self._held.append(frame)

    def open_now(self) -> None:
        """He is speaking, and what he said so far has been sent by another way."""
        self._open_ms = self._hangover_ms
        self._held.clear()

    def pass_on(self, frame: bytes, speech: bool) -> list[bytes]:
        """The frames to send for this one: itself, a silent one, the pre-roll with it on opening, or none.

        The pre-roll makes the stream longer than the call; the silence that follows is shortened by as much.
        """
        if speech:
            opening = [] if self.open else [*self._held, frame]
            self._open_ms = self._hangover_ms
            if opening:
                self._ahead += len(self._held)
                self._held.clear()
                return opening
        if self.open:
            self._open_ms -= FRAME_MS
            return [frame]
        self._held.append(frame)
        if self._ahead:
            self._ahead -= 1
            return []
        return [SILENCE_FRAME]
