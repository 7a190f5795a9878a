"""The assistant's side as it was heard: which of its sound reached the caller when, and which never did.

Follows the same rule as the call's playout: a frame sent into an empty queue is heard one network delay later, and a
clear takes the same way. Never guesses at a carrier: it knows only what was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS
from agentlocator.microscope.envelope import Outline, envelope_of
from agentlocator.microscope.picture import Envelope, Unheard


class Tape:
    """Fed what was produced, sent and cleared, in order. `first_heard_ms` and `last_heard_ms` are by item.

    `heard` is told each frame that reached the caller, with the moment at which it began.
    """

    def __init__(self, heard: Callable[[int, bytes], None] | None = None) -> None:
        self._heard = heard
        self.unheard: list[Unheard] = []
        self.first_heard_ms: dict[str, int] = {}
        self.last_heard_ms: dict[str, int] = {}
        self._outline = Outline()
        self._produced: dict[str, bytearray] = {}
        self._sent_bytes: dict[str, int] = {}
        self._heard_bytes: dict[str, int] = {}
        self._order: deque[str] = deque()
        self._in_flight: deque[tuple[int, int, str, bytes]] = deque()  # played by, delay, item, frame
        self._carrier_done_ms = 0

    def produced(self, item_id: str, audio: bytes) -> None:
        """The model made more of an item, and it was queued."""
        self._produced.setdefault(item_id, bytearray()).extend(audio)
        if item_id not in self._order:
            self._order.append(item_id)

    def sent(self, frame: bytes, now_ms: int, delay_ms: int) -> None:
        """The next frame in the order of production left for the caller."""
        while len(self._order) > 1 and self._sent_out(self._order[0]):
            self._order.popleft()
        item_id = self._order[0] if self._order else ""
        self._sent_bytes[item_id] = self._sent_bytes.get(item_id, 0) + FRAME_BYTES
        self._carrier_done_ms = max(self._carrier_done_ms, now_ms) + FRAME_MS
        self._in_flight.append((self._carrier_done_ms, delay_ms, item_id, frame))
        self._settle(now_ms)

    def cut(self, now_ms: int, delay_ms: int) -> None:
        """Everything that has not been heard by now never will be."""
        self._settle(now_ms)
        self._in_flight.clear()
        self._carrier_done_ms = min(self._carrier_done_ms, now_ms)
        at_ms = now_ms + delay_ms
        for item_id in self._produced:
            rest = bytes(self._produced[item_id][self._heard_bytes.get(item_id, 0) :])
            if len(rest) >= FRAME_BYTES:
                self.unheard.append(Unheard(item_id, len(rest) // BYTES_PER_MS, envelope_of(at_ms, rest)))
                at_ms += len(rest) // BYTES_PER_MS
        self._produced.clear()
        self._order.clear()

    def envelope(self, now_ms: int) -> Envelope:
        """What has been heard until now."""
        self._settle(now_ms)
        return self._outline.envelope()

    def _sent_out(self, item_id: str) -> bool:
        return self._sent_bytes.get(item_id, 0) >= len(self._produced.get(item_id, b""))

    def _settle(self, now_ms: int) -> None:
        while self._in_flight and self._in_flight[0][0] <= now_ms:
            played_by_ms, delay_ms, item_id, frame = self._in_flight.popleft()
            end_ms = played_by_ms + delay_ms
            self._outline.draw(end_ms - FRAME_MS, frame)
            if self._heard is not None:
                self._heard(max(0, end_ms - FRAME_MS), frame)
            self.first_heard_ms.setdefault(item_id, end_ms - FRAME_MS)
            self.last_heard_ms[item_id] = end_ms
            self._heard_bytes[item_id] = self._heard_bytes.get(item_id, 0) + FRAME_BYTES
            if self._heard_bytes[item_id] >= len(self._produced.get(item_id, b"")) and item_id not in self._order:
                # A later part of it counts from its own beginning.
                for account in (self._produced, self._sent_bytes, self._heard_bytes):
                    account.pop(item_id, None)
