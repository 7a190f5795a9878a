"""The ledger of the assistant's speech: what was generated, sent, heard and discarded.

Speech arrives faster than it can be heard and in any sizes. Playout cuts each utterance (one item of the model) into
frames, lets them go a little ahead of real time, and keeps account of each frame until the caller has heard it. It
never alters a byte: only an utterance's last frame is filled up with silence.

Two clocks are one here. The carrier plays frames as they arrive, so a frame sent into an empty queue is heard one
network delay later; a `clear` takes the same way. Therefore what the caller will have heard when a clear lands is
exactly what an undelayed carrier would have played by now, and that is what `discard` reports. Marks show when the
caller really heard something, and their lateness measures the delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, Framer
from agentlocator.call.commands import PlayFrame, SendMark


class Utterance:
    """One item's speech. `generated_ms`, `sent_ms` and `heard_ms` are lengths of audio; `first_sent_at_ms` is a time of
    the call, and `latency_ms` how long the caller waited for it (None when it answers nobody). `remembered`: the
    model's present session made it, and can be told to forget a part of it.
    """

    def __init__(self, response_id: str, item_id: str) -> None:
        self.response_id = response_id
        self.item_id = item_id
        self.content_index = 0
        self.text = ""
        self.generated_bytes = 0
        self.sent_frames = 0
        self.heard_frames = 0
        self.first_sent_at_ms: int | None = None
        self.latency_ms: int | None = None
        self.generated = False
        self.discarded = False
        self.remembered = True
        self._framer = Framer()

    def add(self, audio: bytes) -> None:
        self.generated = False
        self.generated_bytes += len(audio)
        self._framer.append(audio)

    def finish(self) -> None:
        self.generated = True
        self._framer.flush()

    def next_frame(self) -> bytes | None:
        return self._framer.pop()

    @property
    def ready(self) -> bool:
        return self._framer.held_bytes >= FRAME_BYTES

    @property
    def generated_ms(self) -> int:
        return self.generated_bytes // BYTES_PER_MS

    @property
    def sent_ms(self) -> int:
        return min(self.sent_frames * FRAME_MS, self.generated_ms)

    @property
    def heard_ms(self) -> int:
        """What the caller has heard of it, never more than was generated."""
        return min(self.heard_frames * FRAME_MS, self.generated_ms)

    @property
    def heard_text(self) -> str:
        """The words of the heard part. The model gives no word times, so the cut is proportional, at a word's end."""
        if self.heard_ms >= self.generated_ms and self.generated:
            return self.text
        if not self.generated_ms:
            return ""
        words = self.text.split(" ")
        total = sum(map(len, words))
        budget = total * self.heard_ms / self.generated_ms
        heard: list[str] = []
        for word in words:
            budget -= len(word)
            if budget < 0:
                break
            heard.append(word)
        return " ".join(heard)

    @property
    def over(self) -> bool:
        """Nothing of it will be heard any more."""
        return self.discarded or (
            self.generated and not self._framer.held_bytes and self.heard_frames >= self.sent_frames
        )


class Playout:
    """Frames on their way to the caller, in order, across utterances."""

    def __init__(self, lead_ms: int, mark_every_ms: int, gap_ms: int) -> None:
        self._lead_ms = lead_ms
        self._gap_ms = gap_ms
        self._mark_every_frames = max(1, mark_every_ms // FRAME_MS)
        self._waiting: deque[Utterance] = deque()
        self._in_flight: deque[tuple[int, Utterance, int]] = deque()  # sequence, utterance, played by
        self._open: dict[str, Utterance] = {}
        self._carrier_done_ms = 0
        self._generation = 0
        self._marks: dict[str, tuple[int, int]] = {}
        self._marked = 0
        self._paused = False
        self._connected = False
        self._awaited_since_ms: int | None = None
        self.tx = 0
        self.produced_bytes = 0
        self.heard_ms = 0
        self.discarded_ms = 0
        self.round_trip_ms = 0

    # What the model produces.

    def produce(self, response_id: str, item_id: str, content_index: int, audio: bytes) -> Utterance:
        """Queues generated audio behind everything queued before; returns its utterance."""
        utterance = self.utterance(response_id, item_id)
        if not utterance.generated_bytes:
            utterance.content_index = content_index
        utterance.add(audio)
        self.produced_bytes += len(audio)
        return utterance

    def utterance(self, response_id: str, item_id: str) -> Utterance:
        """The open utterance of an item, made when it is first spoken of."""
        utterance = self._open.get(item_id)
        if utterance is None:
            utterance = Utterance(response_id, item_id)
            self._open[item_id] = utterance
            self._waiting.append(utterance)
        elif utterance.generated and utterance not in self._waiting:
            # It was taken for finished and has left the queue; its next part goes behind everything queued since.
            self._waiting.append(utterance)
        return utterance

    def finish(self, item_id: str) -> None:
        """No more audio comes for the item; its last frame is filled up with silence."""
        if item_id in self._open:
            self._open[item_id].finish()

    def finish_response(self, response_id: str | None = None) -> None:
        """The same for every item of a response, or for all when the link to the model is gone."""
        for utterance in self._open.values():
            if response_id in (None, utterance.response_id) and not utterance.generated:
                utterance.finish()

    # What goes to the carrier.

    def connect(self, now_ms: int) -> None:
        """The carrier is there: what was made ready before may leave, and the caller waits for it."""
        self._connected = True
        self._awaited_since_ms = now_ms
        self._carrier_done_ms = now_ms

    def awaited(self, since_ms: int) -> None:
        """The caller's turn ended: the next utterance is what he waits for."""
        self._awaited_since_ms = since_ms

    def due_ms(self) -> int | None:
        """When the next frame should leave, or None when nothing waits (or it must not leave)."""
        if not self._connected or self._paused or not self._has_frame():
            return None
        return self._carrier_done_ms - self._lead_ms + FRAME_MS

    def leave(self, now_ms: int, early_ms: int = 0) -> Iterator[PlayFrame | SendMark]:
        """Every frame that leaves now, with the marks behind them."""
        while (frame := self.next_frame(now_ms, early_ms)) is not None:
            yield PlayFrame(frame, self._in_flight[-1][1].response_id)
            mark = self.next_mark()
            if mark is not None:
                yield SendMark(mark)

    def next_frame(self, now_ms: int, early_ms: int = 0) -> bytes | None:
        """The next frame if one is due at `now_ms`, or will be within `early_ms`; it counts as sent."""
        due_ms = self.due_ms()
        if due_ms is None or due_ms > now_ms + early_ms:
            return None
        utterance = self._waiting[0]
        frame = utterance.next_frame()
        assert frame is not None, "an utterance at the head of the queue has a frame when it is due"
        utterance.sent_frames += 1
        if utterance.first_sent_at_ms is None:
            utterance.first_sent_at_ms = now_ms
            utterance.latency_ms = self._waited_ms(now_ms)
        self._carrier_done_ms = max(self._carrier_done_ms, now_ms) + FRAME_MS
        self.tx += 1
        self._in_flight.append((self.tx, utterance, self._carrier_done_ms))
        return frame

    def next_mark(self) -> str | None:
        """The mark to send behind the frame just sent: at regular distances and behind the last waiting frame."""
        if self.tx - self._marked < self._mark_every_frames and self._has_frame():
            return None
        self._marked = self.tx
        name = f"g{self._generation}:{self.tx}"
        self._marks[name] = (self.tx, self._carrier_done_ms)
        return name

    def pause(self) -> None:
        """No further frame leaves. What the carrier has queued, at most the lead, still plays."""
        self._paused = True

    def resume(self) -> None:
        """Goes on with the very next frame."""
        self._paused = False

    @property
    def paused(self) -> bool:
        return self._paused

    # What the caller hears.

    def settle(self, now_ms: int) -> list[Utterance]:
        """Books frames as heard by the clock; returns the utterances that are over by now."""
        delay_ms = self.delay_ms
        while self._in_flight and self._in_flight[0][2] + delay_ms <= now_ms:
            self._in_flight.popleft()[1].heard_frames += 1
        return self._collect()

    def mark_echoed(self, name: str, now_ms: int) -> None:
        """A mark of this generation proves what was heard; one of an earlier generation, or not ours, nothing."""
        if name not in self._marks:
            return
        sequence, played_by_ms = self._marks.pop(name)
        while self._in_flight and self._in_flight[0][0] <= sequence:
            self._in_flight.popleft()[1].heard_frames += 1
        sample_ms = max(0, now_ms - played_by_ms)
        self.round_trip_ms += (sample_ms - self.round_trip_ms) // (4 if self.round_trip_ms else 1)

    def discard(self, now_ms: int) -> list[Utterance]:
        """The caller took the floor: forgets all that he will not hear. Returns the utterances it cut, in order.

        A `clear` must go to the carrier with it. Their `heard_ms` is what he will have heard when it lands.
        """
        while self._in_flight and self._in_flight[0][2] <= now_ms:
            self._in_flight.popleft()[1].heard_frames += 1
        finished = self._collect()
        cut = [u for u in self._open.values() if not u.over]
        for utterance in cut:
            utterance.discarded = True
            utterance.generated = True
            self.heard_ms += utterance.heard_ms
            self.discarded_ms += utterance.generated_ms - utterance.heard_ms
        self._open.clear()
        self._waiting.clear()
        self._in_flight.clear()
        self._marks.clear()
        self._generation += 1
        self._marked = self.tx
        self._paused = False
        self._carrier_done_ms = min(self._carrier_done_ms, now_ms)
        return finished + cut

    def speaking(self, now_ms: int) -> bool:
        """Whether the caller is hearing the assistant, or will within moments: the assistant has the floor.

        A gap inside an utterance, where generation is late, is part of it for a moment.
        """
        if self._in_flight or self._has_frame():
            return True
        return (
            bool(self._waiting) and self._waiting[0].sent_frames > 0 and now_ms - self._carrier_done_ms < self._gap_ms
        )

    def leave_session(self) -> list[str]:
        """The session that made them is gone: texts of the utterances not yet heard, for the next one to know of."""
        for utterance in self._open.values():
            utterance.remembered = False
        return [utterance.text for utterance in self._open.values() if utterance.text]

    @property
    def produced_ms(self) -> int:
        return self.produced_bytes // BYTES_PER_MS

    @property
    def delay_ms(self) -> int:
        """How long a frame travels to the caller's ear, as far as marks have shown."""
        return self.round_trip_ms // 2

    @property
    def current(self) -> Utterance | None:
        """The utterance being heard, or the next one to be."""
        if self._in_flight:
            return self._in_flight[0][1]
        return self._waiting[0] if self._waiting else None

    def _waited_ms(self, now_ms: int) -> int | None:
        """How long he has waited for what leaves now; None for what answers nobody."""
        if self._awaited_since_ms is None:
            return None
        waited_ms = now_ms + self.delay_ms - self._awaited_since_ms
        self._awaited_since_ms = None
        return waited_ms

    def _has_frame(self) -> bool:
        while self._waiting:
            head = self._waiting[0]
            if head.ready:
                return True
            if not head.generated:
                # The next utterance waits for its turn even when its audio came first.
                return False
            self._waiting.popleft()
        return False

    def heard_at_ms(self) -> int | None:
        """When the last frame will have been heard, if no further one waits to leave: then somebody must look."""
        if not self._in_flight or (self._has_frame() and not self._paused):
            return None
        return self._in_flight[-1][2] + self.delay_ms

    def _collect(self) -> list[Utterance]:
        if not self._open:
            return []
        over = [u for u in self._open.values() if u.over]
        for utterance in over:
            del self._open[utterance.item_id]
            self.heard_ms += utterance.heard_ms
        return over
