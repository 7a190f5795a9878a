"""The simulated carrier's end of one media stream: the caller's mouth and ear, and Twilio's messages between.

Text frames in, text frames out, time is an argument. It plays what it is sent at the speed of a telephone line, and
notes everything that the real one would warn of. It never decides what the caller says, and opens no socket.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import pybase64

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.simulator.peer import ABORTED, Close, Out, Send

INVALID_MESSAGE = 31951
HOLE_MS = 200
"""Silence shorter than this between two pieces of sound is a hole in the assistant's speech, not a pause."""


class CallFacts(msgspec.Struct, frozen=True):
    """One telephone call as the carrier names it. `from_e164` may be a word such as `anonymous`."""

    account_sid: str
    call_sid: str
    from_e164: str
    to_e164: str


class Warned(msgspec.Struct, frozen=True):
    """A message that the carrier did not take."""

    code: int
    reason: str


class CarrierFault(msgspec.Struct, frozen=True):
    """What goes wrong on the carrier's side, `at_ms` of the stream.

    `no_start`: only `connected` ever comes. `vanish`: the socket is gone without `stop`. `media_gap`: no media for
    `lasting_ms`, and what the caller said meanwhile is lost. `garbage`: for `lasting_ms`, every frame is followed by a
    message that no carrier should send.
    """

    name: Literal["no_start", "vanish", "media_gap", "garbage"]
    at_ms: int = 0
    lasting_ms: int = 5_000


class Carrier:
    """One stream, from `connected` to `stop`.

    The times of `speak`, `press`, `hang_up` and of all evidence are the same clock as `now_ms`.
    """

    def __init__(
        self,
        call: CallFacts,
        stream_sid: str,
        parameters: Mapping[str, str] | None = None,
        faults: Sequence[CarrierFault] = (),
    ) -> None:
        self.call = call
        self.stream_sid = stream_sid
        self.ended = False
        self.heard: list[tuple[int, bytes]] = []
        """What reached the caller's ear: when, and 20 ms of it; silence when there was nothing to play."""
        self.underruns = 0
        """Holes in the assistant's speech: the queue ran dry and more came too late."""
        self.max_queued_ms = 0
        self.clears = 0
        self.frame_sizes: Counter[int] = Counter()
        """How many media messages came with how many bytes."""
        self.warnings: list[Warned] = []
        self.violations: list[str] = []
        """Media that the carrier played although it was not exactly of the documented shape."""
        self._parameters = dict(parameters or {})
        self._faults = {fault.name: fault for fault in faults}
        self._sequence = 0
        self._opened_ms = 0
        self._tick = 0
        self._mouth: dict[int, bytes] = {}
        self._keys: list[tuple[int, str]] = []
        self._hang_up_at_ms: int | None = None
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._received_bytes = 0
        self._played_bytes = 0
        self._playing_from = (0, 0)
        self._marks: deque[tuple[int, str]] = deque()
        self._dry_since_ms: int | None = None
        self._media_head = f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"'
        self._silence_tail = f'"payload":"{pybase64.b64encode(SILENCE_FRAME).decode()}"}}}}'

    def open(self, now_ms: int) -> list[Out]:
        """The socket is up: says `connected` and `start`."""
        self._opened_ms = now_ms
        outs: list[Out] = [Send('{"event":"connected","protocol":"Call","version":"1.0.0"}')]
        if "no_start" not in self._faults:
            outs.append(self._message("start", {"streamSid": self.stream_sid, "start": self._start()}))
        return outs

    def next_ms(self) -> int | None:
        """When `timer` wants to be called: the next frame, or the end of a marked piece of sound."""
        if self.ended:
            return None
        frame_ms = self._opened_ms + (self._tick + 1) * FRAME_MS
        return min(frame_ms, self._mark_due_ms()) if self._marks else frame_ms

    def timer(self, now_ms: int) -> list[Out]:
        """Does all that is due by now: frames both ways, marks, keys, the end."""
        outs: list[Out] = []
        while not self.ended:
            frame_ms = self._opened_ms + (self._tick + 1) * FRAME_MS
            self._echo_played(min(frame_ms, now_ms), outs)
            if frame_ms > now_ms:
                break
            self._tick += 1
            self._play(frame_ms)
            self._send_media(frame_ms, outs)
            self._press_keys(frame_ms, outs)
            self._end_if_due(frame_ms, outs)
        return outs

    def receive(self, text: str, now_ms: int) -> list[Out]:
        """Takes one message of the server."""
        if self.ended:
            return []
        payload = text[len(self._media_head) : -3]
        if text.startswith(self._media_head) and text.endswith('"}}') and '"' not in payload:
            self._queue_media(payload, now_ms)
            return []
        return self._receive_slowly(text, now_ms)

    def peer_closed(self, _now_ms: int) -> None:
        """The server closed the socket: nothing more is sent, and what was queued is never heard."""
        self.ended = True

    def speak(self, audio: bytes, at_ms: int) -> None:
        """Puts µ-law sound into the caller's mouth, from the frame that begins at `at_ms` or next after it.

        Where two sounds overlap the later call wins, but its silence lets the earlier one through.
        """
        first = -(-(at_ms - self._opened_ms) // FRAME_MS)
        for place, start in enumerate(range(0, len(audio), FRAME_BYTES), start=first):
            frame = audio[start : start + FRAME_BYTES]
            if frame != SILENCE_FRAME:
                self._mouth[place] = frame + SILENCE_FRAME[len(frame) :]

    def press(self, digit: str, at_ms: int) -> None:
        """Presses one key."""
        self._keys.append((at_ms, digit))

    def hang_up(self, at_ms: int) -> None:
        """Hangs up: `stop`, then the socket closes."""
        self._hang_up_at_ms = at_ms

    def queued_ms(self, now_ms: int) -> int:
        """How much sound the caller has still to hear, the frame that is playing included."""
        started_ms, playing_bytes = self._playing_from
        playing_ms = max(0, started_ms + playing_bytes // BYTES_PER_MS - now_ms)
        return self._queued_bytes // BYTES_PER_MS + playing_ms

    def _start(self) -> dict[str, Any]:
        return {
            "streamSid": self.stream_sid,
            "accountSid": self.call.account_sid,
            "callSid": self.call.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self._parameters,
        }

    def _message(self, event: str, fields: Mapping[str, Any]) -> Send:
        self._sequence += 1
        message = {"event": event, "sequenceNumber": str(self._sequence), **fields}
        return Send(msgspec.json.encode(message).decode())

    def _play(self, at_ms: int) -> None:
        """Twenty milliseconds from the queue to the ear."""
        if not self._queued_bytes:
            self.heard.append((at_ms, SILENCE_FRAME))
            self._playing_from = (at_ms, 0)
            return
        frame = self._queue[0] if len(self._queue[0]) == FRAME_BYTES else b""
        if frame:
            self._queue.popleft()
        else:
            frame = self._gather_frame()
        self._playing_from = (at_ms, len(frame))
        self._queued_bytes -= len(frame)
        self._played_bytes += len(frame)
        self.heard.append((at_ms, frame if len(frame) == FRAME_BYTES else frame + SILENCE_FRAME[len(frame) :]))
        if not self._queued_bytes:
            self._dry_since_ms = at_ms + FRAME_MS

    def _gather_frame(self) -> bytes:
        frame = b""
        while self._queue and len(frame) < FRAME_BYTES:
            piece = self._queue.popleft()
            wanted = FRAME_BYTES - len(frame)
            frame += piece[:wanted]
            if len(piece) > wanted:
                self._queue.appendleft(piece[wanted:])
        return frame

    def _send_media(self, at_ms: int, outs: list[Out]) -> None:
        stream_ms = at_ms - self._opened_ms
        frame = self._mouth.pop(self._tick - 1, None)
        gap = self._faults.get("media_gap")
        if "no_start" in self._faults or (gap and gap.at_ms <= stream_ms < gap.at_ms + gap.lasting_ms):
            return
        self._sequence += 1
        tail = self._silence_tail
        if frame is not None:
            tail = f'"payload":"{pybase64.b64encode(frame).decode()}"}}}}'
        outs.append(
            Send(
                f'{{"event":"media","sequenceNumber":"{self._sequence}","streamSid":"{self.stream_sid}",'
                f'"media":{{"track":"inbound","chunk":"{self._tick}","timestamp":"{stream_ms - FRAME_MS}",{tail}'
            )
        )

        garbage = self._faults.get("garbage")
        if garbage and garbage.at_ms <= stream_ms < garbage.at_ms + garbage.lasting_ms:
            outs.append(Send(_GARBAGE[self._tick % len(_GARBAGE)].replace("MZ", self.stream_sid)))

    def _press_keys(self, at_ms: int, outs: list[Out]) -> None:
        if not self._keys:
            return
        pressed = [key for key in self._keys if key[0] <= at_ms]
        self._keys = [key for key in self._keys if key[0] > at_ms]
        for _, digit in pressed:
            dtmf = {"track": "inbound_track", "digit": digit}
            outs.append(self._message("dtmf", {"streamSid": self.stream_sid, "dtmf": dtmf}))

    def _end_if_due(self, at_ms: int, outs: list[Out]) -> None:
        vanish = self._faults.get("vanish")
        if vanish is not None and at_ms - self._opened_ms >= vanish.at_ms:
            self.ended = True
            outs.append(Close(ABORTED))
        elif self._hang_up_at_ms is not None and at_ms >= self._hang_up_at_ms:
            outs += self._stop()

    def _stop(self) -> list[Out]:
        if self.ended:
            return []
        stop = {"accountSid": self.call.account_sid, "callSid": self.call.call_sid}
        message = self._message("stop", {"streamSid": self.stream_sid, "stop": stop})
        self.ended = True
        return [message, Close(1000)]

    def _mark_due_ms(self) -> int:
        """When the sound before the oldest mark has been played; never, while some of it is still queued."""
        position = self._marks[0][0]
        if position > self._played_bytes:
            return _NEVER_MS
        started_ms, playing_bytes = self._playing_from
        into_frame = position - (self._played_bytes - playing_bytes)
        return started_ms + max(0, -(-into_frame // BYTES_PER_MS))

    def _echo_played(self, now_ms: int, outs: list[Out]) -> None:
        while self._marks and self._mark_due_ms() <= now_ms:
            outs.append(self._echo(self._marks.popleft()[1]))

    def _echo(self, name: str) -> Send:
        return self._message("mark", {"streamSid": self.stream_sid, "mark": {"name": name}})

    def _queue_media(self, payload: str, now_ms: int) -> None:
        try:
            audio = pybase64.b64decode(payload, validate=True)
        except ValueError:
            return self._warn("The payload is not base64.")
        if audio.startswith(b"RIFF"):
            self.violations.append("The payload has a WAV header, which is heard as noise.")
        self.frame_sizes[len(audio)] += 1
        if not audio:
            return None
        if self._dry_since_ms is not None:
            self.underruns += 0 < now_ms - self._dry_since_ms < HOLE_MS
            self._dry_since_ms = None
        self._queue.append(audio)
        self._queued_bytes += len(audio)
        self._received_bytes += len(audio)
        self.max_queued_ms = max(self.max_queued_ms, self._queued_bytes // BYTES_PER_MS)
        return None

    def _receive_slowly(self, text: str, now_ms: int) -> list[Out]:
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._warn("The message is not JSON.")
            return []
        if not isinstance(message, dict) or message.get("event") not in ("media", "mark", "clear"):
            self._warn(f"Unknown event: {text[:80]}")
        elif message.get("streamSid") != self.stream_sid:
            self._warn(f"The stream is {self.stream_sid}, not {message.get('streamSid')}.")
        elif message["event"] == "clear":
            return self._clear()
        elif message["event"] == "mark":
            return self._take_mark(message.get("mark"), now_ms)
        else:
            self._take_media(message, now_ms)
        return []

    def _take_media(self, message: Mapping[str, Any], now_ms: int) -> None:
        media = message.get("media")
        if not isinstance(media, dict) or not isinstance(media.get("payload"), str):
            return self._warn("Media without a payload.")
        extra = sorted((message.keys() - {"event", "streamSid", "media"}) | (media.keys() - {"payload"}))
        if extra:
            self.violations.append(f"Media with fields that do not belong there: {', '.join(extra)}.")
        return self._queue_media(media["payload"], now_ms)

    def _take_mark(self, mark: object, now_ms: int) -> list[Out]:
        name = mark.get("name") if isinstance(mark, dict) else None
        if not isinstance(name, str) or not name:
            self._warn("A mark without a name.")
            return []
        self._marks.append((self._received_bytes, name))
        outs: list[Out] = []
        self._echo_played(now_ms, outs)
        return outs

    def _clear(self) -> list[Out]:
        """Throws away what is queued; every mark in it comes back at once, heard or not."""
        self.clears += 1
        self._queue.clear()
        self._received_bytes -= self._queued_bytes
        self._queued_bytes = 0
        self._dry_since_ms = None
        echoes: list[Out] = [self._echo(name) for _, name in self._marks]
        self._marks.clear()
        return echoes

    def _warn(self, reason: str) -> None:
        self.warnings.append(Warned(INVALID_MESSAGE, reason))


_NEVER_MS = 1 << 62


_GARBAGE = (
    "not JSON at all",
    "[]",
    '{"event":"media","streamSid":"MZ"}',
    '{"event":"media","streamSid":"MZ","media":{"payload":"***"}}',
    '{"event":"media","streamSid":"MZ","media":{"payload":7}}',
    '{"event":"start","streamSid":"MZ","start":{"accountSid":"AC0","callSid":"CA0","customParameters":{}}}',
    '{"event":"dtmf","streamSid":"MZ","dtmf":{"digit":"Q"}}',
    '{"event":"mark","streamSid":"MZ","mark":{"name":"never sent"}}',
    '{"event":"weather","streamSid":"MZ"}',
    '{"event":"connected","protocol":"Call"}',
    '{"event":"media","media":' + "[" * 2_000,
    '{"event":"x","padding":"' + "x" * 70_000 + '"}',
)
