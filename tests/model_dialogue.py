"""A client of the simulated model in virtual time: says an event, runs the clock, reads what came."""

import random
from typing import Any

import msgspec
import pybase64

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.simulator.babble import babble
from agentlocator.simulator.brain import Brain, receptionist
from agentlocator.simulator.peer import Close, Out
from agentlocator.simulator.realtime_faults import Fault
from agentlocator.simulator.realtime_server import RealtimeServer, Upgrade
from agentlocator.simulator.speech import Voice

VOICE = Voice(read_aloud=babble)
PHONE = {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}}
Event = dict[str, Any]


class Dialogue:
    """`events` is everything the server sent, `closed` how it ended the connection; `now_ms` runs virtually."""

    def __init__(
        self, *faults: Fault, brain: Brain | None = None, upgrade: Upgrade | None = None, phone: bool = True
    ) -> None:
        self.now_ms = 0
        self.events: list[Event] = []
        self.times_ms: list[int] = []
        self.closed: Close | None = None
        self.server = RealtimeServer(
            brain or receptionist(), random.Random(7), faults, voice=VOICE, upgrade=upgrade, keep_audio=True
        )
        self._take(self.server.connected(0))
        if phone:
            self.configure(audio=PHONE)

    def say(self, kind: str, **fields: Any) -> list[Event]:
        """Sends one event; what the server answers at once."""
        return self.send_text(msgspec.json.encode({"type": kind, **fields}).decode())

    def send_text(self, text: str) -> list[Event]:
        before = len(self.events)
        self._take(self.server.receive(text, self.now_ms))
        return self.events[before:]

    def configure(self, **session: Any) -> list[Event]:
        return self.say("session.update", session={"type": "realtime", **session})

    def run(self, ms: int) -> list[Event]:
        """Lets time pass; what came meanwhile."""
        before = len(self.events)
        end_ms = self.now_ms + ms
        while (due_ms := self.server.next_ms()) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self._take(self.server.timer(self.now_ms))
        self.now_ms = end_ms
        return self.events[before:]

    def speak(self, audio: bytes) -> list[Event]:
        """Sends sound as the carrier would deliver it, in real time."""
        before = len(self.events)
        for start in range(0, len(audio), FRAME_BYTES):
            frame = audio[start : start + FRAME_BYTES]
            self.say("input_audio_buffer.append", audio=pybase64.b64encode(frame).decode())
            self.run(FRAME_MS)
        return self.events[before:]

    def caller_says(self, text: str, then_silent_ms: int = 700) -> list[Event]:
        return self.speak(VOICE.say(text, "caller").audio + SILENCE_FRAME * (then_silent_ms // FRAME_MS))

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["type"] == kind]

    def last(self, kind: str) -> Event:
        return self.of(kind)[-1]

    def error(self) -> Event:
        """The newest complaint."""
        error: Event = self.last("error")["error"]
        return error

    def sound(self) -> bytes:
        """All the sound that the model has sent."""
        deltas = self.of("response.output_audio.delta")
        return b"".join(pybase64.b64decode(event["delta"], validate=True) for event in deltas)

    def _take(self, outs: list[Out]) -> None:
        for out in outs:
            if isinstance(out, Close):
                self.closed = out
            else:
                self.events.append(msgspec.json.decode(out.text))
                self.times_ms.append(self.now_ms)


def kinds(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]
