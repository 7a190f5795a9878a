"""The call: `handle(event, now_ms) -> list[Command]`.

This is the conductor of the small machines beside it. Each has one thought and keeps its own facts; what concerns
several of them is decided here and nowhere else, in the order in which a call goes. Moods are derived from the facts,
never stored. Whoever wants the model to speak asks the gate. Between an event and its commands nothing waits: what has
to happen later is a timer, and `deadline_ms` is the earliest of them. The same events at the same times give the same
commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agentlocator.audio.frames import FRAME_MS
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call import timers
from agentlocator.call.agenda import Agenda
from agentlocator.call.barge_in import BargeIn
from agentlocator.call.dictation import Dictation
from agentlocator.call.farewell import END_CALL, REVOCABLE_GOODBYES, TRANSFER, Farewell
from agentlocator.call.floor import Commit
from agentlocator.call.gate import ANSWER, ResponseGate
from agentlocator.call.keypad import Keypad
from agentlocator.call.line import CarrierLine
from agentlocator.call.link import LinkState, ModelLink
from agentlocator.call.listening import Listening
from agentlocator.call.mood import Mood
from agentlocator.call.playout import Playout, Utterance
from agentlocator.call.policy import CallBrief
from agentlocator.call.responses import Responses, Worth
from agentlocator.call.silence import Silence
from agentlocator.call.tools import DONE, INTERRUPTED, NO_SUCH_TARGET, TIMED_OUT, PendingTools
from agentlocator.call.transcript import Transcript, keypad_text
from agentlocator.call.turn import CallerTurn


class Call:
    """One phone call, from the moment it is offered until it is over.

    `handle` takes events in the order they happened, with times that do not run backwards, in milliseconds since the
    call was offered. `deadline_ms` is when it next wants a `TimerFired`, or None. After `over` it does nothing.
    """

    def __init__(self, brief: CallBrief) -> None:
        policy = brief.policy
        self.brief = brief
        self.policy = policy
        self.over = False
        self.deadline_ms: int | None = None
        self.line = CarrierLine(policy)
        self.link = ModelLink(policy)
        self.gate = ResponseGate()
        self.responses = Responses(policy, self.gate)
        self.playout = Playout(policy.playout_lead_ms, policy.mark_every_ms, policy.playout_gap_ms)
        self.listening = Listening(policy)
        self.barge_in = BargeIn(self.listening, self.playout, self.responses)
        self.turn = CallerTurn(policy)
        self.keypad = Keypad(policy)
        self.dictation = Dictation()
        self.silence = Silence(policy, self.gate)
        self.tools = PendingTools(policy)
        self.agenda = Agenda(brief)
        self.farewell = Farewell(brief, self.gate)
        self.transcript = Transcript(brief.returning)

        self._now_ms = 0
        self._commands: list[do.Command] = []

        self._handlers: dict[type[on.Event], Callable[..., None]] = {
            on.CallOffered: lambda _event: self._emit(self.link.open(self._now_ms)),
            on.StreamStarted: self._stream_started,
            on.CallerHungUp: self._caller_hung_up,
            on.PersonEndedCall: self._person_ended_call,
            on.PersonTookOver: self._person_took_over,
            on.ServerStopping: lambda _event: self.farewell.begin("server_stopping", self._now_ms),
            on.ModelConnected: self._model_connected,
            on.SessionConfirmed: self._session_confirmed,
            on.ModelDisconnected: self._model_disconnected,
            on.ModelErrored: self._model_errored,
            on.ResponseStarted: self._response_started,
            on.AssistantTextProduced: self._text_produced,
            on.AssistantAudioProduced: self._audio_produced,
            on.AssistantAudioFinished: self._audio_finished,
            on.ResponseFinished: self._response_finished,
            on.MarkEchoed: self._mark_echoed,
            on.ToolRequested: self._tool_requested,
            on.ToolFinished: self._tool_finished,
            on.ClaimRefuted: self._claim_refuted,
            on.CallerAudio: self._caller_audio,
            on.SpeechScored: self._speech_scored,
            on.CallerSpeechStarted: self._speech_started,
            on.CallerSpeechStopped: lambda _event: self.turn.end(),
            on.CallerTurnCommitted: self._turn_committed,
            on.CallerTranscribed: self._caller_transcribed,
            on.DigitPressed: self._digit_pressed,
            on.TimerFired: lambda _event: None,
        }
        # There is no other place where time does anything.
        self._timers: tuple[timers.Timer, ...] = (
            (lambda _: self.playout.heard_at_ms(), self._settle),
            (lambda _: self.playout.due_ms(), self._play),
            (self.link.due_ms, self._link_expired),
            (self.responses.request_due_ms, lambda: self._emit(*self.responses.request(self._now_ms))),
            (self.responses.stall_due_ms, self._stalled),
            (self.silence.filler_due_ms, self.silence.fill),
            (self.silence.dead_air_due_ms, self._dead_air),
            (lambda _: self.tools.deadline_ms, self._tools_overdue),
            (lambda _: self.keypad.deadline_ms, lambda: self._typed(self.keypad.expired(self._now_ms))),
            (self.silence.prompt_due_ms, self._silent),
            (self.line.dead_at_ms, self._line_died),
            (self.line.longest_ms, lambda: self.farewell.begin("max_length", self._now_ms)),
            (self.farewell.due_ms, self._farewell_over),
        )

    def handle(self, event: on.Event, now_ms: int) -> list[do.Command]:
        """Takes one event; returns what must be done, in order."""
        if self.over:
            return []
        commands: list[do.Command] = []
        self._commands = commands
        self._now_ms = max(self._now_ms, now_ms)
        self._handlers[type(event)](event)
        self.deadline_ms = timers.fire(self._timers, self._mood)
        return commands

    def _emit(self, *commands: do.Command) -> None:
        self._commands.extend(commands)

    def _tell(self, *commands: do.Command) -> None:
        """The model is told, if a session is up; what it misses, the next one learns from the transcript."""
        if self.link.up:
            self._commands.extend(commands)

    @property
    def live(self) -> bool:
        """The caller can hear and be heard."""
        return self.line.opened_ms is not None and not self.over

    @property
    def assistant_speaking(self) -> bool:
        """The assistant has the floor: the caller is hearing it, or would be if it were not paused."""
        return self.playout.speaking(self._now_ms)

    def _mood(self) -> Mood | None:
        if self.over:
            return None
        return Mood(
            now_ms=self._now_ms,
            live=self.live,
            ending=self.farewell.ending is not None,
            session_up=self.link.up,
            assistant_speaking=self.assistant_speaking,
            caller_talking=self.turn.talking(self._now_ms),
            caller_typing=self.keypad.deadline_ms is not None,
            caller_last_heard_ms=self.listening.last_speech_ms,
            answer_owed=self.silence.owes_answer or not self.agenda.greeted,
            response_under_way=self.gate.under_way,
            tools_running=self.tools.running,
            quiet_since_ms=self.silence.since_ms,
            sound_ended_ms=self.silence.sound_ended_ms,
        )

    # The call begins and ends.

    def _stream_started(self, event: on.StreamStarted) -> None:
        if self.line.opened_ms is not None:
            return
        if event.fault:
            self._emit(do.RaiseAlarm("line_unusable", event.fault), do.EndStream("line_unusable"))
            self._finish("line_unusable", event.fault)
            return
        self.line.opened(self._now_ms)
        self.silence.sounded(self._now_ms)
        # Speech made ready while the carrier was still connecting leaves now.
        self.playout.connect(self._now_ms)

    def _caller_hung_up(self, event: on.CallerHungUp) -> None:
        self._finish("caller_hung_up", event.reason)

    def _person_ended_call(self, _event: on.PersonEndedCall) -> None:
        self._emit(do.ClearPlayout(), do.EndStream("ended_by_person"))
        self._finish("ended_by_person")

    def _person_took_over(self, event: on.PersonTookOver) -> None:
        if self.live:
            self.farewell.put_through(event.transfer_to, self._now_ms)

    def _go_on(self) -> None:
        """The caller has something to say before the call ends: then it does not end."""
        if self.farewell.take_back():
            self._tell(*self.responses.take_back(REVOCABLE_GOODBYES, self._now_ms))

    def _farewell_over(self) -> None:
        ending = self.farewell.ending
        assert ending, "only a call that is ending has a farewell"
        self._emit(do.EndStream(ending.outcome, ending.transfer_to, ending.summary))
        self._finish(ending.outcome, ending.summary)

    def _line_died(self) -> None:
        self._break_off(*self.line.fate)

    def _lose_model(self, reason: str) -> None:
        """The assistant cannot be had any more: the carrier is sent to the crash net, where a person may be."""
        self._emit(do.RaiseAlarm("model_lost", reason))
        self._break_off("model_lost", reason)

    def _break_off(self, outcome: str, detail: str) -> None:
        if self.live:
            self._emit(do.EndStream(outcome))
        self._finish(outcome, detail)

    def _finish(self, outcome: str, detail: str = "") -> None:
        self._book(self.playout.discard(self._now_ms))
        if self.playout.produced_bytes and not self.playout.tx:
            self._emit(do.RaiseAlarm("nothing_sent", f"{self.playout.produced_ms} ms of speech, no frame sent"))
        if self.link.open_:
            self._emit(do.CloseModel())
        self.link.close()
        self._emit(
            do.FinishCall(
                outcome=outcome,
                detail=detail,
                tx=self.playout.tx,
                rx=self.line.rx,
                produced_ms=self.playout.produced_ms,
                heard_ms=self.playout.heard_ms,
                discarded_ms=self.playout.discarded_ms,
            )
        )
        self.over = True

    # The model's link.

    def _model_connected(self, _event: on.ModelConnected) -> None:
        if self.link.connected(self._now_ms):
            self._emit(do.ConfigureSession())

    def _session_confirmed(self, event: on.SessionConfirmed) -> None:
        if self.link.state is not LinkState.CONFIGURING:
            return
        if event.differences:
            self._emit(do.RaiseAlarm("session_differs", "; ".join(event.differences)))
        if not event.usable:
            self._lose_model("the session was not configured as asked")
            return
        self.link.confirmed(self._now_ms)
        self.silence.stirred(self._now_ms)
        self._emit(do.ReportSession(event.voice))
        self._emit(*self.transcript.retell(self.tools.replay(), self.playout.leave_session()))
        for due in self.agenda.due(self.silence.owes_answer):
            self.gate.want(due)

    def _model_disconnected(self, event: on.ModelDisconnected) -> None:
        if self.link.state not in (LinkState.IDLE, LinkState.LOST):
            self._drop_link(event.reason, event.fatal)

    def _drop_link(self, reason: str, fatal: bool = False) -> None:
        self.silence.owes_answer = self.silence.owes_answer or self.gate.under_way
        self.responses.session_lost()
        # What was generated still plays: while it does, the caller notices nothing.
        self.playout.finish_response(None)
        self.turn.end()
        self.link.failed(self._now_ms, fatal)
        if self.link.state is LinkState.LOST:
            self._lose_model(reason)

    def _link_expired(self) -> None:
        if self.link.up:
            self._emit(do.CloseModel(), self.link.open(self._now_ms))
        elif self.link.deadline_ms is not None and self.link.deadline_ms > self._now_ms:
            self._lose_model("the caller has waited too long for the connection to come back")
        elif self.link.state is LinkState.WAITING:
            self._emit(self.link.open(self._now_ms))
        else:
            self._emit(do.CloseModel())
            self._drop_link(f"the model's server did not answer in time while {self.link.state.value}")

    def _model_errored(self, event: on.ModelErrored) -> None:
        refused = self.link.state is LinkState.CONFIGURING and event.event_id == do.ConfigureSession().event_id
        if event.fatal or refused:
            # Nothing of a refused configuration applies, and sending it again is wrong again.
            self._lose_model(f"{event.code}: {event.message}")
        elif not self.responses.refused(event, self._now_ms):
            self._lose_model(f"the model failed to answer: {event.code}")

    # The model's responses.

    def _response_started(self, event: on.ResponseStarted) -> None:
        self._emit(*self.responses.started(event.response_id, self._now_ms))

    def _text_produced(self, event: on.AssistantTextProduced) -> None:
        if self.responses.is_heeded(event.response_id):
            self.playout.utterance(event.response_id, event.item_id).text += event.text

    def _audio_produced(self, event: on.AssistantAudioProduced) -> None:
        if not self.responses.is_heeded(event.response_id):
            return
        self.responses.sounded(self._now_ms)
        if not self.gate.asked_for.protected:
            self.agenda.told(self.gate.asked_for)
        self.playout.produce(event.response_id, event.item_id, event.content_index, event.audio)

    def _audio_finished(self, event: on.AssistantAudioFinished) -> None:
        self.playout.finish(event.item_id)

    def _response_finished(self, event: on.ResponseFinished) -> None:
        self.playout.finish_response(event.response_id)
        match self.responses.finished(event, self._now_ms):
            case Worth.WHOLE:
                self._answered()
            case Worth.HOPELESS:
                self._lose_model(f"the model failed to answer: {event.code or event.reason or 'empty'}")
            case _:
                pass

    def _answered(self) -> None:
        self.link.answered()
        self.agenda.told(self.gate.asked_for)
        self.silence.owes_answer = self.silence.owes_answer and (self.responses.tools or self.tools.running)
        if self.responses.tools and not self.responses.audible:
            self.farewell.announce()

    def _stalled(self) -> None:
        if self.gate.release_unseen():
            return
        if self.responses.may_retry():
            self._emit(do.CloseModel())
            self._drop_link("the model has stopped answering")
        else:
            self._lose_model("the model has stopped answering")

    # What the caller hears.

    def _play(self, early_ms: int = 0) -> None:
        if not self.live:
            return
        self._settle()
        for command in self.playout.leave(self._now_ms, early_ms):
            self._emit(command)
            if isinstance(command, do.PlayFrame):
                self.listening.sent(command.audio)

    def _mark_echoed(self, event: on.MarkEchoed) -> None:
        self.playout.mark_echoed(event.name, self._now_ms)
        self._settle()

    def _settle(self) -> None:
        self._book(self.playout.settle(self._now_ms))

    def _book(self, over: Iterable[Utterance]) -> None:
        for utterance in over:
            self.silence.sounded(self._now_ms)
            self.dictation.answered(utterance.heard_text)
            turn = self.transcript.assistant_said(utterance)
            if turn:
                self._emit(turn)

    # What the caller says.

    def _caller_audio(self, event: on.CallerAudio) -> None:
        self.line.frame(self._now_ms)
        for_model = self.link.up and self.agenda.greeted
        self._carry_out(*self.barge_in.hear(event.audio, for_model, self._now_ms))
        # Ours leave in step with his: one waking for both. The timer is for when his are late.
        self._play(early_ms=FRAME_MS - 1)

    def _speech_scored(self, event: on.SpeechScored) -> None:
        self._carry_out(*self.barge_in.scored(event.probability, self._now_ms))

    def _carry_out(self, commands: list[do.Command], commit: Commit | None) -> None:
        self._emit(*commands)
        if commit:
            self._take_floor(commit.reason, commit.speech_began_ms)

    def _take_floor(self, reason: str, began_ms: int | None = None) -> None:
        """The caller interrupts: the assistant falls silent, and the model hears him from his first syllable (R14)."""
        current = self.playout.current
        speech_ms = 0 if began_ms is None else self._now_ms - began_ms
        self._emit(do.ClearPlayout(), self.barge_in.report("commit", reason, speech_ms))
        self.gate.drop_wishes()
        self._tell(*self.responses.abandon(self._now_ms))
        self._go_on()
        for utterance in self.playout.discard(self._now_ms):
            if utterance.discarded and utterance.generated_bytes and utterance.remembered:
                self._tell(do.TruncateItem(utterance.item_id, utterance.content_index, utterance.heard_ms))
            self._book([utterance])
        self.silence.owes_answer = current is not None and current.sent_frames == 0
        kept = self.listening.take_kept(self._now_ms if began_ms is None else began_ms)
        if began_ms is not None:
            self._tell(*(do.AppendAudio(audio) for audio in kept))

    def _speech_started(self, event: on.CallerSpeechStarted) -> None:
        self.turn.begin(self._now_ms)
        self._go_on()
        self.transcript.caller_began(event.item_id, self._now_ms)
        # He goes on after a breath that was taken for the end: an answer to half a sentence is not wanted.
        self._tell(*self.responses.take_back([ANSWER], self._now_ms))

    def _turn_committed(self, event: on.CallerTurnCommitted) -> None:
        self.turn.end()
        self.transcript.caller_began(event.item_id, self._now_ms)
        self._owe_answer(self.turn.ended_ms(self.listening.last_speech_ms, self._now_ms))
        self.gate.want(ANSWER)

    def _caller_transcribed(self, event: on.CallerTranscribed) -> None:
        if event.text.strip():
            self._emit(self.transcript.caller_said(event.item_id, event.text, self._now_ms))
            self.dictation.said(event.text)
            self._wait_for_dictation()

    def _wait_for_dictation(self) -> None:
        """He is spelling out a number and has only paused: an answer would cut him off."""
        if self.assistant_speaking or self.tools.running or not self.gate.under_way or not self.responses.empty:
            return
        if self.dictation.unfinished:
            self._tell(*self.responses.abandon(self._now_ms))
            until_ms = self._now_ms + self.policy.dictation_hold_ms
            self.silence.hold(until_ms)
            self.gate.want(ANSWER, until_ms)
        else:
            self.gate.not_before_ms = 0

    def _digit_pressed(self, event: on.DigitPressed) -> None:
        if self.barge_in.interruptible(self._now_ms):
            self._take_floor("keypad")
        self._go_on()
        self.silence.sounded(self._now_ms)
        self._typed(self.keypad.press(event.digit, self._now_ms))

    def _typed(self, digits: str | None) -> None:
        if digits is None:
            return
        self._emit(self.transcript.keys_pressed(digits, self._now_ms))
        self._owe_answer(self._now_ms)
        if self.link.up:
            self._emit(do.AddMessage("user", keypad_text(digits)))
            self.gate.want(ANSWER)

    def _owe_answer(self, turn_ended_ms: int) -> None:
        self.silence.turn_ended(turn_ended_ms, self._now_ms)
        self.playout.awaited(turn_ended_ms)
        self.responses.turn_ended()

    # What the model does.

    def _tool_requested(self, event: on.ToolRequested) -> None:
        if not self.tools.request(event.tool_call_id, event.name, event.arguments, self._now_ms):
            return
        self.responses.tools = True
        if self.responses.is_abandoned(event.response_id):
            # The caller spoke before this was done: he has not heard what the model was about to do.
            self._answer_tool(event.tool_call_id, INTERRUPTED)
        elif event.name not in (END_CALL, TRANSFER):
            self.silence.owes_answer = True
            self._emit(do.InvokeTool(event.tool_call_id, event.name, event.arguments))
        elif self.farewell.obey(event.name, event.arguments, self._now_ms):
            self._answer_tool(event.tool_call_id, DONE)
        else:
            self._answer_tool(event.tool_call_id, NO_SUCH_TARGET)
            self._tools_answered()

    def _tool_finished(self, event: on.ToolFinished) -> None:
        if self._answer_tool(event.tool_call_id, event.output):
            self._tools_answered()

    def _tools_overdue(self) -> None:
        for call in self.tools.overdue(self._now_ms):
            self._emit(do.RaiseAlarm("tool_timed_out", call.name))
            self._answer_tool(call.tool_call_id, TIMED_OUT)
        self._tools_answered()

    def _answer_tool(self, tool_call_id: str, output: str) -> bool:
        awaited = self.tools.finish(tool_call_id, output)
        if awaited:
            self._tell(do.AddToolOutput(tool_call_id, output))
        return awaited

    def _tools_answered(self) -> None:
        if self.tools.running:
            return
        self.silence.tools_answered(self._now_ms)
        if self.link.up:
            self.gate.want(ANSWER)

    def _claim_refuted(self, event: on.ClaimRefuted) -> None:
        """The assistant has said something untrue: it puts it right aloud, before anything else (truth lock)."""
        self._emit(do.RaiseAlarm("false_claim", event.sentence))
        correction = self.agenda.correct(event.instruction)
        if correction is None:
            return
        self._go_on()
        self.silence.owes_answer = True
        if self.link.up:
            self.gate.want_first(correction)

    # Silence.

    def _dead_air(self) -> None:
        self._lose_model(f"the caller heard nothing for {self.policy.dead_air_ms} ms")

    def _silent(self) -> None:
        if not self.silence.prompt(self._now_ms):
            self.farewell.begin("caller_silent", self._now_ms)
