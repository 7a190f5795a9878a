"""Whatever happens in whatever order and at whatever time, a call keeps its word to both peers."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio.frames import BYTES_PER_MS, FRAME_BYTES, SILENCE_FRAME
from agentlocator.call import events as on
from agentlocator.call.commands import (
    AppendAudio,
    CloseModel,
    Command,
    FinishCall,
    OpenModel,
    PlayFrame,
    RequestResponse,
    TruncateItem,
)
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief, CallPolicy
from call.playbook import caller_frames

Step = tuple[int, on.Event]

LOUD = caller_frames("מישהו מדבר")[5]

responses = st.sampled_from(["r1", "r2", "r3"])
items = st.sampled_from(["i1", "i2", "i3"])
tool_calls = st.sampled_from(["t1", "t2"])
reasons = st.sampled_from(["", "max_output_tokens", "content_filter", "turn_detected"])
codes = st.sampled_from(["conversation_already_has_active_response", "item_truncate_invalid", "server_error"])
requests = st.sampled_from([None, "session", "response-1", "response-2", "response-3"])
words = st.sampled_from(["", "שלום", " מה שלומך היום"])
sounds = st.builds(lambda size, seed: random.Random(seed).randbytes(size), st.integers(0, 2_500), st.integers(0, 9))

events = st.one_of(
    st.builds(on.CallOffered),
    st.builds(on.StreamStarted, st.just("MZ1")),
    st.builds(on.CallerAudio, st.sampled_from([LOUD, SILENCE_FRAME])),
    st.builds(on.DigitPressed, st.sampled_from("0159*#")),
    st.builds(on.MarkEchoed, st.sampled_from(["g0:1", "g0:10", "g1:4", "g7:99", "", "g", "x:y", "g0:-1"])),
    st.builds(on.ModelConnected),
    st.builds(on.SessionConfirmed, st.just("shimmer"), st.just(()), st.sampled_from([True, True, True, False])),
    st.builds(on.ModelDisconnected, st.just("lost"), st.sampled_from([False, False, False, True])),
    st.builds(on.ModelErrored, codes, st.just(""), requests, st.sampled_from([False] * 9 + [True])),
    st.builds(on.ResponseStarted, responses),
    st.builds(on.AssistantAudioProduced, responses, items, sounds, st.sampled_from([0, 0, 1])),
    st.builds(on.AssistantTextProduced, responses, items, words),
    st.builds(on.AssistantAudioFinished, items),
    st.builds(on.ToolRequested, responses, tool_calls, st.just("leads_upsert"), st.just("{}")),
    st.builds(
        on.ResponseFinished,
        responses,
        st.sampled_from(["completed", "cancelled", "failed", "incomplete", "?"]),
        reasons,
    ),
    st.builds(on.CallerSpeechStarted, items),
    st.builds(on.CallerSpeechStopped, items),
    st.builds(on.CallerTurnCommitted, items),
    st.builds(on.CallerTranscribed, items, words),
    st.builds(on.ToolFinished, tool_calls, st.just('{"ok":true}')),
    st.builds(on.SpeechScored, st.floats(0, 1)),
    st.builds(on.TimerFired),
)
rare_events = st.one_of(
    *[events] * 12,
    st.builds(on.ServerStopping),
    st.builds(on.CallerHungUp, st.just("stop")),
    st.builds(on.PersonEndedCall),
    st.builds(on.PersonTookOver, st.just("desk")),
)
gaps_ms = st.sampled_from([0, 0, 0, 1, 20, 20, 100, 700, 2_100, 9_000])
steps = st.lists(st.tuples(gaps_ms, rare_events), max_size=60)
# Most random beginnings never come to a conversation; these two do.
BEGINNING: list[Step] = [
    (0, on.CallOffered()),
    (100, on.ModelConnected()),
    (20, on.SessionConfirmed("shimmer")),
    (50, on.StreamStarted("MZ1")),
]
plays = st.one_of(steps, steps.map(lambda rest: BEGINNING + rest))


class Witness:
    """Sees every event with its commands and objects to what must never be."""

    def __init__(self) -> None:
        self.hearing = False
        self.unanswered_request = False
        self.finished = 0
        self.generated_bytes: dict[str, int] = {}

    def saw(self, event: on.Event, commands: list[Command]) -> None:
        assert not (self.finished and commands), "nothing follows the end of a call"
        self._before(event)
        for command in commands:
            assert not self.finished, f"{command} after the end of the call"
            self._object_to(command)

    def _before(self, event: on.Event) -> None:
        if isinstance(event, on.SessionConfirmed):
            self.hearing = True
        elif isinstance(event, on.ModelDisconnected):
            self.hearing = self.unanswered_request = False
        elif isinstance(event, on.ResponseFinished | on.ModelErrored):
            self.unanswered_request = False
        elif isinstance(event, on.AssistantAudioProduced):
            known = self.generated_bytes.get(event.item_id, 0)
            self.generated_bytes[event.item_id] = known + len(event.audio)

    def _object_to(self, command: Command) -> None:
        if isinstance(command, OpenModel | CloseModel):
            self.hearing = self.unanswered_request = False
        elif isinstance(command, PlayFrame):
            assert len(command.audio) == FRAME_BYTES
        elif isinstance(command, AppendAudio):
            assert self.hearing, "the caller is not heard before the session is confirmed"
        elif isinstance(command, RequestResponse):
            assert not self.unanswered_request, "one response at a time"
            self.unanswered_request = True
        elif isinstance(command, TruncateItem):
            assert 0 <= command.audio_end_ms * BYTES_PER_MS <= self.generated_bytes.get(command.item_id, 0)
        elif isinstance(command, FinishCall):
            self.finished += 1


def perform(play: list[Step], punctual: bool) -> tuple[Call, list[list[Command]]]:
    """Runs a play; timers fire on time, or only when the next event comes, as on a machine that was held up."""
    call = Call(CallBrief("CA1", "שלום", CallPolicy(max_call_ms=60_000), transfer_targets=("desk",)))
    witness = Witness()
    history: list[list[Command]] = []

    def happen(event: on.Event, now_ms: int) -> None:
        commands = call.handle(event, now_ms)
        history.append(commands)
        witness.saw(event, commands)
        if call.over:
            assert witness.finished == 1
            assert call.deadline_ms is None
        else:
            assert call.deadline_ms is not None, "a call always has something that will end it"
            assert call.deadline_ms > now_ms, "what was due has been done"

    now_ms = 0
    for gap_ms, event in play:
        until_ms = now_ms + gap_ms
        while punctual and call.deadline_ms is not None and call.deadline_ms <= until_ms:
            now_ms = call.deadline_ms
            happen(on.TimerFired(), now_ms)
        now_ms = until_ms
        happen(event, now_ms)
    return call, history


@given(plays, st.booleans())
@settings(max_examples=600, deadline=None)
def test_no_order_of_events_breaks_a_call(play: list[Step], punctual: bool) -> None:
    perform(play, punctual)


@given(plays)
@settings(max_examples=150, deadline=None)
def test_a_line_that_only_hisses_is_hung_up_in_the_end(play: list[Step]) -> None:
    call, _ = perform(play, punctual=True)
    now_ms = sum(gap_ms for gap_ms, _ in play)
    ends_ms = now_ms + call.policy.max_call_ms + call.policy.farewell_timeout_ms
    while not call.over:
        now_ms += 1_000
        assert now_ms <= ends_ms, "a call does not outlive its longest length and a goodbye"
        call.handle(on.CallerAudio(SILENCE_FRAME) if call.live else on.TimerFired(), now_ms)


@given(plays, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_same_events_at_the_same_times_give_the_same_commands(play: list[Step], punctual: bool) -> None:
    assert perform(play, punctual)[1] == perform(play, punctual)[1]
