"""With a provider and a carrier that follow their own rules, the call never once breaks them.

The two peers are played at random: the provider accepts one response at a time, knows only the items of its own
session, and names what it refuses. Whatever a rule forbids is an assertion here.
"""

from __future__ import annotations

import random
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call import events as on
from agentlocator.call.commands import (
    AddToolCall,
    AddToolOutput,
    AppendAudio,
    CancelResponse,
    ClearPlayout,
    CloseModel,
    Command,
    FinishCall,
    InvokeTool,
    OpenModel,
    PlayFrame,
    RequestResponse,
    ScoreSpeech,
    SendMark,
    TruncateItem,
)
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief, CallPolicy
from call.playbook import caller_frames

LOUD = caller_frames("אני מדבר עכשיו ולא מפסיק עד שאגמור")

ACTIONS = (
    ["model"] * 12
    + ["tool done", "caller speaks", "caller speaks", "caller is quiet", "caller is quiet"]
    + ["turn", "key", "drop", "wait", "wait", "long wait"]
)


class Provider:
    """A session of the model's server: what it knows and what it would refuse."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = 0
        self.reachable = False
        self.reset()

    def reset(self) -> None:
        self.configured = False
        self.response: str | None = None
        self.cancelled = False
        self.item_bytes: dict[str, int] = {}
        self.item: str | None = None
        self.calls: set[str] = set()

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    def obeys(self, command: Command) -> on.Event | None:
        """Takes a client event; objects to what the real one answers with an error."""
        match command:
            case OpenModel():
                assert not self.reachable, "two connections for one call"
                self.reachable = True
                self.reset()
            case CloseModel():
                self.reachable = False
            case RequestResponse():
                assert self.configured, "a response before the session is configured"
                assert self.response is None, "conversation_already_has_active_response"
                self.response, self.cancelled = self._name("r"), False
                return on.ResponseStarted(self.response)
            case CancelResponse(response_id):
                assert response_id is not None
                self.cancelled = self.cancelled or response_id == self.response
            case TruncateItem():
                assert command.item_id in self.item_bytes, "an item this session never had"
                assert command.audio_end_ms * BYTES_PER_MS <= self.item_bytes[command.item_id], "past produced audio"
            case AddToolCall():
                self.calls.add(command.tool_call_id)
            case AddToolOutput():
                assert command.tool_call_id in self.calls, "an output without its call"
                self.calls.remove(command.tool_call_id)
            case AppendAudio():
                assert self.configured, "audio before session.updated"
            case _:
                pass
        return None

    def next(self) -> list[on.Event]:
        """What the server sends next, if anything."""
        if not self.reachable or self.response is None:
            return []
        roll = self._rng.random()
        if self.cancelled:
            return self._end("cancelled")
        if self.item is None or roll < 0.15:
            self.item = self._name("i")
            self.item_bytes[self.item] = 0
            return [on.AssistantTextProduced(self.response, self.item, "שלום ותודה שהתקשרתם ")]
        if roll < 0.65:
            audio = self._rng.randbytes(self._rng.randrange(1, 8_000))
            self.item_bytes[self.item] += len(audio)
            return [on.AssistantAudioProduced(self.response, self.item, audio)]
        if roll < 0.75:
            call = self._name("t")
            self.calls.add(call)
            return [on.ToolRequested(self.response, call, "calendar_find_slots", "{}")]
        return self._end(self._rng.choice(["completed"] * 8 + ["incomplete", "failed"]))

    def _end(self, status: str) -> list[on.Event]:
        response, item = self.response or "", self.item
        self.response = self.item = None
        finished: list[on.Event] = [on.AssistantAudioFinished(item)] if item else []
        return [*finished, on.ResponseFinished(response, status, "max_output_tokens" if status == "incomplete" else "")]


class Carrier:
    """Plays frames as they come, 20 ms each, and echoes marks: played, or dropped by a clear."""

    def __init__(self) -> None:
        self.done_ms = 0
        self.marks: deque[tuple[int, str]] = deque()
        self.frames = 0

    def obeys(self, command: Command, now_ms: int) -> list[on.Event]:
        match command:
            case PlayFrame():
                assert len(command.audio) == FRAME_BYTES
                self.frames += 1
                self.done_ms = max(self.done_ms, now_ms) + FRAME_MS
                assert self.done_ms - now_ms <= 80 + FRAME_MS, "more than the lead waits at the carrier"
            case SendMark():
                self.marks.append((self.done_ms, command.name))
            case ClearPlayout():
                self.done_ms = now_ms
                return [on.MarkEchoed(self.marks.popleft()[1]) for _ in range(len(self.marks))]
            case _:
                pass
        return []


class Theatre:
    """One call between its two peers."""

    def __init__(self, rng: random.Random) -> None:
        self.call = Call(CallBrief("CA1", "שלום", CallPolicy()))
        self.now_ms = 0
        self.provider = Provider(rng)
        self.carrier = Carrier()
        self.tools: list[str] = []
        self.turns = 0
        self.invoked: Counter[str] = Counter()
        self.ended = False
        self._rng = rng
        self._pending: deque[on.Event] = deque()

    def happen(self, *events: on.Event) -> None:
        self._pending.extend(events)
        while self._pending:
            event = self._pending.popleft()
            for command in self.call.handle(event, self.now_ms):
                self._obey(command)
            if isinstance(event, on.CallerAudio) and self.call.playout.paused:
                assert self.call.listening.floor.paused, "the sound is held back, and nobody decides about it"

    def _obey(self, command: Command) -> None:
        assert not self.ended
        answer = self.provider.obeys(command)
        if answer is not None:
            self._pending.append(answer)
        self._pending.extend(self.carrier.obeys(command, self.now_ms))
        if isinstance(command, InvokeTool):
            self.invoked[command.tool_call_id] += 1
            self.tools.append(command.tool_call_id)
        elif isinstance(command, ScoreSpeech):
            self._pending.append(on.SpeechScored(0.97 if command.audio.strip(b"\xff") else 0.02))
        elif isinstance(command, FinishCall):
            self.ended = True
            assert command.tx == self.carrier.frames
            assert command.heard_ms + command.discarded_ms <= command.produced_ms

    def wait(self, ms: int, sound: list[bytes]) -> None:
        """Lets time run with the caller's frames coming in."""
        for step in range(ms // FRAME_MS):
            frame_ms = self.now_ms + FRAME_MS
            self._clockwork(frame_ms)
            self.now_ms = frame_ms
            self.happen(on.CallerAudio(sound[step % len(sound)]))

    def _clockwork(self, until_ms: int) -> None:
        while True:
            marks = [self.carrier.marks[0][0]] if self.carrier.marks else []
            deadline = [self.call.deadline_ms] if self.call.deadline_ms is not None else []
            due = min([*marks, *deadline], default=until_ms + 1)
            if due > until_ms:
                return
            self.now_ms = max(self.now_ms, due)
            if marks and marks[0] == due:
                self.happen(on.MarkEchoed(self.carrier.marks.popleft()[1]))
            else:
                self.happen(on.TimerFired())

    def listened_to(self) -> bool:
        return self.provider.reachable and self.provider.configured

    def act(self, action: str) -> None:
        if self.provider.reachable and not self.provider.configured:
            self.happen(on.ModelConnected())
            self.provider.configured = True
            self.happen(on.SessionConfirmed("shimmer"))
        match action:
            case "model":
                self.happen(*self.provider.next())
            case "tool done" if self.tools:
                self.happen(on.ToolFinished(self.tools.pop(self._rng.randrange(len(self.tools))), '{"ok":true}'))
            case "turn" if self.listened_to():
                self.turns += 1
                item = f"u{self.turns}"
                self.happen(on.CallerSpeechStarted(item))
                self.wait(400, LOUD)
                if self.listened_to():
                    self.happen(on.CallerSpeechStopped(item), on.CallerTurnCommitted(item))
                    self.happen(on.CallerTranscribed(item, "כן"))
            case "key":
                self.happen(on.DigitPressed(self._rng.choice("0123456789#")))
            case "drop" if self.provider.reachable:
                self.provider.reachable = False
                self.provider.reset()
                self.happen(on.ModelDisconnected("the line broke"))
            case "caller speaks":
                self.wait(500, LOUD)
            case "caller is quiet":
                self.wait(300, [SILENCE_FRAME])
            case "wait":
                self.wait(60, [SILENCE_FRAME])
            case "long wait":
                self.wait(3_000, [SILENCE_FRAME])
            case _:
                pass


@given(st.integers(0, 2**32))
@settings(max_examples=250, deadline=None)
@pytest.mark.requirement("R14")
def test_no_rule_of_either_peer_is_ever_broken(seed: int) -> None:
    rng = random.Random(seed)
    theatre = Theatre(rng)
    theatre.happen(on.CallOffered())
    theatre.act("wait")
    theatre.happen(on.StreamStarted("MZ1"))
    for _ in range(rng.randrange(120)):
        if theatre.ended:
            break
        theatre.act(rng.choice(ACTIONS))
    theatre.happen(on.CallerHungUp("stop"))

    assert theatre.ended
    assert all(times == 1 for times in theatre.invoked.values()), "a tool call runs once"
