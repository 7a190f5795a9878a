"""The call: `handle(event, now_ms) -> list[Command]`. Every decision about a call is made here and nowhere else.

It is composed of small machines (carrier's line, model link, response gate, responses, playout, floor, silence, pending
tools, keypad, dictation, agenda, farewell, transcript) and adds only what concerns several of them. Facts are stored,
moods are derived: who has the floor follows from what is being heard. Between an event and its commands nothing waits;
what has to happen later is a timer, and `deadline_ms` is the earliest of them. The same events at the same times give
the same commands.
"""

from __future__ import annotations

from collections.abc import Callable

from agentlocator.audio.frames import FRAME_MS
from agentlocator.call import cues
from agentlocator.call.agenda import Agenda
from agentlocator.call.commands import (
    AddMessage,
    AddToolOutput,
    AppendAudio,
    CancelResponse,
    ClearPlayout,
    CloseModel,
    Command,
    ConfigureSession,
    EndStream,
    FinishCall,
    InvokeTool,
    OpenModel,
    PlayFrame,
    RaiseAlarm,
    ReportBargeIn,
    ReportSession,
    RequestResponse,
    ScoreSpeech,
    SendMark,
    TruncateItem,
)
from agentlocator.call.dictation import Dictation
from agentlocator.call.events import (
    AssistantAudioFinished,
    AssistantAudioProduced,
    AssistantTextProduced,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTranscribed,
    CallerTurnCommitted,
    CallOffered,
    ClaimRefuted,
    DigitPressed,
    Event,
    MarkEchoed,
    ModelConnected,
    ModelDisconnected,
    ModelErrored,
    PersonEndedCall,
    PersonTookOver,
    ResponseFinished,
    ResponseStarted,
    ServerStopping,
    SessionConfirmed,
    SpeechScored,
    StreamStarted,
    TimerFired,
    ToolFinished,
    ToolRequested,
)
from agentlocator.call.farewell import END_CALL, TRANSFER, Farewell, chosen_target, read_transfer
from agentlocator.call.floor import Commit, Decision, Pause
from agentlocator.call.gate import ANSWER, GateState, ResponseGate, Want
from agentlocator.call.keypad import Keypad
from agentlocator.call.line import CarrierLine
from agentlocator.call.link import LinkState, ModelLink
from agentlocator.call.listening import Listening
from agentlocator.call.playout import Playout, Utterance
from agentlocator.call.policy import CallBrief
from agentlocator.call.responses import Responses, Worth
from agentlocator.call.silence import Silence
from agentlocator.call.tools import PendingTools
from agentlocator.call.transcript import Transcript, keypad_text

ACTIVE_ELSEWHERE = "conversation_already_has_active_response"

TOOL_DONE = '{"ok":true,"code":"ok"}'
NO_SUCH_TARGET = '{"ok":false,"code":"no_such_target","say":"אין כרגע למי להעביר את השיחה, אפשר להשאיר הודעה."}'
TOOL_TIMED_OUT = '{"ok":false,"code":"timed_out","say":"זה לוקח יותר זמן מהרגיל, אפשר לנסות שוב?"}'
TOOL_INTERRUPTED = '{"ok":false,"code":"interrupted","say":"הפעולה לא בוצעה, כי נאמר משהו נוסף לפני כן."}'


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
        self.responses = Responses(policy)
        self.playout = Playout(policy.playout_lead_ms, policy.mark_every_ms, policy.playout_gap_ms)
        self.tools = PendingTools()
        self.keypad = Keypad(policy)
        self.dictation = Dictation()
        self.transcript = Transcript()
        self.listening = Listening(policy)
        self.silence = Silence(policy)
        self.agenda = Agenda(brief)
        self.farewell = Farewell(policy)

        self._now_ms = 0
        self._commands: list[Command] = []
        self._heard_ms = 0
        self._talking_since_ms: int | None = None

        self._handlers: dict[type[Event], Callable[..., None]] = {
            CallOffered: self._offered,
            StreamStarted: self._stream_started,
            CallerAudio: self._caller_audio,
            DigitPressed: self._digit_pressed,
            MarkEchoed: self._mark_echoed,
            CallerHungUp: self._caller_hung_up,
            ModelConnected: self._model_connected,
            SessionConfirmed: self._session_confirmed,
            ModelDisconnected: self._model_disconnected,
            ModelErrored: self._model_errored,
            ResponseStarted: self._response_started,
            AssistantAudioProduced: self._audio_produced,
            AssistantTextProduced: self._text_produced,
            AssistantAudioFinished: self._audio_finished,
            ToolRequested: self._tool_requested,
            ToolFinished: self._tool_finished,
            ResponseFinished: self._response_finished,
            CallerSpeechStarted: self._speech_started,
            CallerSpeechStopped: self._speech_stopped,
            CallerTurnCommitted: self._turn_committed,
            CallerTranscribed: self._caller_transcribed,
            SpeechScored: self._speech_scored,
            ClaimRefuted: self._claim_refuted,
            PersonEndedCall: self._person_ended_call,
            PersonTookOver: self._person_took_over,
            ServerStopping: self._server_stopping,
            TimerFired: lambda _event: None,
        }
        # Each timer says when it is due (None: not now) and what it does then. `_advance` runs those that are due and
        # keeps the earliest of the rest: there is no other place where time does anything.
        self._timers: tuple[tuple[Callable[[], int | None], Callable[[], None]], ...] = (
            (self.playout.heard_at_ms, self._settle),
            (self.playout.due_ms, self._play),
            (self._link_due_ms, self._link_expired),
            (self._request_due_ms, self._request_response),
            (self._stall_due_ms, self._stalled),
            (self._filler_due_ms, self._fill),
            (self._dead_air_due_ms, self._give_up),
            (lambda: self.tools.deadline_ms, self._tools_overdue),
            (lambda: self.keypad.deadline_ms, self._keypad_paused),
            (self._silence_due_ms, self._silent),
            (self.line.dead_at_ms, self._line_died),
            (self._length_due_ms, self._too_long),
            (self._farewell_due_ms, self._farewell_over),
        )

    def handle(self, event: Event, now_ms: int) -> list[Command]:
        """Takes one event; returns what must be done, in order."""
        if self.over:
            return []
        commands: list[Command] = []
        self._commands = commands
        self._now_ms = max(self._now_ms, now_ms)
        self._handlers[type(event)](event)
        self._advance()
        return commands

    @property
    def live(self) -> bool:
        """The caller can hear and be heard."""
        return self.line.opened_ms is not None and not self.over

    @property
    def assistant_speaking(self) -> bool:
        """The assistant has the floor: the caller is hearing it, or would be if it were not paused."""
        return self.playout.speaking(self._now_ms)

    # The call's frame.

    def _offered(self, _event: CallOffered) -> None:
        self._open_model()

    def _stream_started(self, _event: StreamStarted) -> None:
        if self.line.opened_ms is None:
            self.line.opened(self._now_ms)
            self.silence.begin(self._now_ms)
            # Speech made ready while the carrier was still connecting leaves now.
            self.playout.connect(self._now_ms)

    def _caller_hung_up(self, event: CallerHungUp) -> None:
        self._finish("caller_hung_up", event.reason)

    def _server_stopping(self, _event: ServerStopping) -> None:
        self._say_goodbye(cues.FAREWELL_STOPPING, "server_stopping")

    def _person_ended_call(self, _event: PersonEndedCall) -> None:
        self._emit(ClearPlayout(), EndStream("ended_by_person"))
        self._finish("ended_by_person")

    def _person_took_over(self, event: PersonTookOver) -> None:
        """A person's wish is not argued with: what is being said ends, the caller is told, and put through."""
        if not self.live or event.transfer_to not in self.brief.transfer_targets:
            return
        if self.farewell.put_through(event.transfer_to, self._now_ms):
            self.gate.drop_wishes()
            self.gate.want(Want(cues.ANNOUNCE_TRANSFER))

    def _line_died(self) -> None:
        if self.line.opened_ms is None:
            self._finish("never_connected", "no media stream came for this call")
        else:
            self._emit(EndStream("line_dead"))
            self._finish("line_dead", f"no frame for {self.policy.line_dead_ms} ms")

    def _length_due_ms(self) -> int | None:
        return None if self.farewell.ending else self.line.longest_ms

    def _too_long(self) -> None:
        self._say_goodbye(cues.FAREWELL_TIME, "max_length")

    def _say_goodbye(self, cue: str, outcome: str) -> None:
        """Ends the call once the goodbye was heard, or when it takes too long."""
        if self.farewell.begin(outcome, self._now_ms, revocable=outcome == "caller_silent"):
            self.gate.drop_wishes()
            self.gate.want(Want(cue))

    def _go_on(self) -> None:
        """The caller has something to say before the call ends: then it does not end."""
        if not self.farewell.take_back():
            return
        self.gate.forget(*_FAREWELLS)
        if self.gate.busy and self.gate.asked_for in _FAREWELLS and not self.responses.audible:
            self._abandon_response()

    def _farewell_due_ms(self) -> int | None:
        ending = self.farewell.ending
        if ending is None:
            return None
        return self.silence.sound_ended_ms + self.policy.farewell_pause_ms if self._idle else ending.deadline_ms

    def _farewell_over(self) -> None:
        ending = self.farewell.ending
        assert ending, "only a call that is ending has a farewell"
        self._emit(EndStream(ending.outcome, ending.transfer_to, ending.summary))
        self._finish(ending.outcome, ending.summary)

    def _lose_model(self, reason: str) -> None:
        """The assistant cannot be had any more: the carrier is sent to the crash net, where a person may be."""
        self._emit(RaiseAlarm("model_lost", reason))
        if self.live:
            self._emit(EndStream("model_lost"))
        self._finish("model_lost", reason)

    def _finish(self, outcome: str, detail: str = "") -> None:
        for utterance in self.playout.discard(self._now_ms):
            self._book_utterance(utterance)
        if self.playout.produced_bytes and not self.playout.tx:
            self._emit(RaiseAlarm("nothing_sent", f"{self.playout.produced_ms} ms of speech, no frame sent"))
        if self.link.open_:
            self._emit(CloseModel())
        self.link.close()
        self._emit(
            FinishCall(
                outcome=outcome,
                detail=detail,
                tx=self.playout.tx,
                rx=self.line.rx,
                produced_ms=self.playout.produced_ms,
                heard_ms=self._heard_ms,
                discarded_ms=self.playout.discarded_ms,
            )
        )
        self.over = True

    # The model's link.

    def _open_model(self) -> None:
        self._emit(OpenModel(self.link.open(self._now_ms)))

    def _model_connected(self, _event: ModelConnected) -> None:
        if self.link.state is not LinkState.CONNECTING:
            return
        self.link.connected(self._now_ms)
        self._emit(ConfigureSession())

    def _session_confirmed(self, event: SessionConfirmed) -> None:
        if self.link.state is not LinkState.CONFIGURING:
            return
        if event.differences:
            self._emit(RaiseAlarm("session_differs", "; ".join(event.differences)))
        if not event.usable:
            self._lose_model("the session was not configured as asked")
            return
        self.link.confirmed(self._now_ms)
        self.silence.stirred(self._now_ms)
        self._emit(ReportSession(event.voice))
        self._refill()
        for due in self._what_is_due():
            self.gate.want(due)

    def _what_is_due(self) -> list[Want]:
        """What a new session has to say before anything else."""
        owed = self.silence.owes_answer
        if not self.agenda.greeted:
            return [*self.agenda.openings, ANSWER] if owed else self.agenda.openings
        if self.agenda.corrections:
            return self.agenda.corrections
        return [Want(cues.RESUME_AFTER_LOSS)] if owed else []

    def _refill(self) -> None:
        """Tells a new session what has been said and done before it."""
        self._emit(*(AddMessage(said.role, said.text) for said in self.brief.returning))
        told = sorted([*self.transcript.replay(), *self.tools.replay()], key=lambda happened: happened[0])
        self._emit(*(command for _, command in told))
        self._emit(*(AddMessage("assistant", text) for text in self.playout.leave_session()))

    def _model_disconnected(self, event: ModelDisconnected) -> None:
        if self.link.state in (LinkState.IDLE, LinkState.LOST):
            return
        self._drop_link(event.reason, event.fatal)

    def _drop_link(self, reason: str, fatal: bool = False) -> None:
        self.silence.owes_answer = self.silence.owes_answer or self.gate.busy or self.gate.wanting
        self.responses.abandon(self.gate.response_id)
        self.gate.reset()
        # What was generated still plays: while it does, the caller notices nothing.
        self.playout.finish_response(None)
        self._talking_since_ms = None
        self.link.failed(self._now_ms, fatal)
        if self.link.state is LinkState.LOST:
            self._lose_model(reason)

    def _link_due_ms(self) -> int | None:
        due_ms = self.link.deadline_ms
        if self.link.up:
            # A planned renewal waits for a moment in which nobody speaks and nothing runs.
            return due_ms if self._idle else None
        if self.link.lost_since_ms is not None and self._owing:
            patience_ms = max(self.link.lost_since_ms, self.silence.since_ms) + self.policy.lost_link_silence_ms
            return patience_ms if due_ms is None else min(due_ms, patience_ms)
        return due_ms

    def _link_expired(self) -> None:
        if self.link.up:
            self._emit(CloseModel())
            self._open_model()
        elif self.link.deadline_ms is not None and self.link.deadline_ms > self._now_ms:
            self._lose_model("the caller has waited too long for the connection to come back")
        elif self.link.state is LinkState.WAITING:
            self._open_model()
        else:
            self._emit(CloseModel())
            self._drop_link(f"the model's server did not answer in time while {self.link.state.value}")

    def _model_errored(self, event: ModelErrored) -> None:
        refused = self.link.state is LinkState.CONFIGURING and event.event_id == ConfigureSession().event_id
        if event.fatal or refused:
            # Nothing of a refused configuration applies, and sending it again is wrong again.
            self._lose_model(f"{event.code}: {event.message}")
            return
        ours = event.event_id or (self.gate.event_id if event.code == ACTIVE_ELSEWHERE else None)
        if not self.gate.refused(ours, event.code == ACTIVE_ELSEWHERE):
            return
        if event.code != ACTIVE_ELSEWHERE:
            self._response_failed(event.code)

    # Responses.

    def _request_due_ms(self) -> int | None:
        want = self.gate.next
        if want is None or self.gate.busy or not self.link.up or self._caller_talking:
            return None
        if want == ANSWER and self.tools.running:
            return None  # the answer depends on what they bring
        return self.gate.not_before_ms

    def _request_response(self) -> None:
        granted = self.gate.request(self._now_ms)
        if granted:
            event_id, want = granted
            self.responses.begin()
            self._emit(RequestResponse(event_id, want.cue))

    def _response_started(self, event: ResponseStarted) -> None:
        self.responses.begin()
        unwanted = self.gate.started(event.response_id, self._now_ms)
        if self.gate.asked_for.protected:
            self.responses.protect(event.response_id)
        if unwanted:
            self.responses.abandon(event.response_id)
            self._emit(CancelResponse(event.response_id))

    def _audio_produced(self, event: AssistantAudioProduced) -> None:
        if not self.responses.is_heeded(event.response_id):
            return
        self.responses.audible = True
        self.gate.progress_ms = self._now_ms
        if not self.gate.asked_for.protected:
            self.agenda.told(self.gate.asked_for)
        self.playout.produce(event.response_id, event.item_id, event.content_index, event.audio)

    def _text_produced(self, event: AssistantTextProduced) -> None:
        if self.responses.is_heeded(event.response_id):
            self.playout.utterance(event.response_id, event.item_id).text += event.text

    def _audio_finished(self, event: AssistantAudioFinished) -> None:
        self.playout.finish(event.item_id)

    def _response_finished(self, event: ResponseFinished) -> None:
        self.playout.finish_response(event.response_id)
        self.responses.close(event.response_id)
        ours = self.gate.ours
        if not self.gate.finished(event.response_id):
            return
        worth = self.responses.weigh(event)
        if not ours:
            return
        match worth:
            case Worth.WHOLE:
                self._answered()
            case Worth.CUT:
                self._continue_response()
            case Worth.FAILED:
                self._response_failed(event.code or event.reason or "empty", event.fatal)
            case Worth.NOTHING:
                pass

    def _answered(self) -> None:
        self.responses.succeeded()
        self.link.answered()
        self.agenda.told(self.gate.asked_for)
        self.silence.owes_answer = self.silence.owes_answer and (self.responses.tools or self.tools.running)
        self._announce_ending()

    def _announce_ending(self) -> None:
        """A call that the model ends without a word is not ended without a word."""
        ending = self.farewell.ending
        if ending and ending.revocable and self.responses.tools and not self.responses.audible:
            transferring = ending.outcome == "transferred"
            self.gate.want(Want(cues.ANNOUNCE_TRANSFER if transferring else cues.FAREWELL))

    def _continue_response(self) -> None:
        """An answer that hit the length limit goes on: it is never left cut (R9)."""
        if self.responses.may_go_on():
            self.gate.want_first(Want(cues.CONTINUE, protected=self.gate.asked_for.protected))

    def _response_failed(self, code: str, fatal: bool = False) -> None:
        if not self.responses.may_retry() or fatal:
            self._lose_model(f"the model failed to answer: {code}")
            return
        self.gate.want_first(self.gate.asked_for, self._now_ms + self.policy.retry_pause_ms)

    def _stall_due_ms(self) -> int | None:
        """A response is under way, brings nothing, and nothing is left to play."""
        if not self.gate.busy or not self.link.up or self.assistant_speaking:
            return None
        return max(self.gate.progress_ms, self.silence.sound_ended_ms) + self.policy.stall_ms

    def _stalled(self) -> None:
        if self.gate.response_id is None and self.gate.state is GateState.ACTIVE:
            # We were told that a response is active and never saw it: it must have ended before we were told.
            self.gate.release()
            return
        if self.responses.may_retry():
            self._emit(CloseModel())
            self._drop_link("the model has stopped answering")
        else:
            self._lose_model("the model has stopped answering")

    # Dead air.

    @property
    def _owing(self) -> bool:
        """The caller waits for something: silence is ours to explain."""
        if not self.live or self._caller_talking or self.assistant_speaking or self.keypad.deadline_ms is not None:
            return False
        under_way = self.gate.busy or self.gate.wanting or self.tools.running
        return self.silence.owes_answer or under_way or not self.agenda.greeted

    def _filler_due_ms(self) -> int | None:
        """A tool takes its time, and the model could speak meanwhile."""
        if not self.tools.running or self.farewell.ending:
            return None
        if self.gate.busy or self.gate.wanting or not self.link.up or not self._owing:
            return None
        return self.silence.filler_due_ms(self.listening.last_speech_ms)

    def _fill(self) -> None:
        self.silence.filled()
        self.gate.want(Want(cues.ONE_MOMENT))

    def _dead_air_due_ms(self) -> int | None:
        return self.silence.dead_air_due_ms(self._owing, self.listening.last_speech_ms, self._now_ms)

    def _give_up(self) -> None:
        self._lose_model(f"the caller heard nothing for {self.policy.dead_air_ms} ms")

    def _abandon_response(self) -> None:
        """Stops the response that is being generated; what it still sends is not listened to."""
        response_id = self.gate.response_id
        self.responses.abandon(response_id)
        if self.gate.cancel(self._now_ms) and self.link.up:
            self._emit(CancelResponse(response_id))

    # What the caller hears.

    def _play(self, early_ms: int = 0) -> None:
        if not self.live:
            return
        self._settle()
        while (frame := self.playout.next_frame(self._now_ms, early_ms)) is not None:
            utterance = self.playout.last_sent
            self._emit(PlayFrame(frame, utterance.response_id))
            self.listening.sent(frame)
            if utterance.sent_frames == 1:
                utterance.latency_ms = self.silence.latency_ms(self._now_ms + self.playout.delay_ms)
            mark = self.playout.next_mark()
            if mark is not None:
                self._emit(SendMark(mark))

    def _settle(self) -> None:
        for utterance in self.playout.settle(self._now_ms):
            self._book_utterance(utterance)

    def _mark_echoed(self, event: MarkEchoed) -> None:
        self.playout.mark_echoed(event.name, self._now_ms)
        self._settle()

    def _book_utterance(self, utterance: Utterance) -> None:
        self._heard_ms += utterance.heard_ms
        self.silence.sounded(self._now_ms)
        self.dictation.answered(utterance.heard_text)
        turn = self.transcript.assistant_said(utterance)
        if turn:
            self._emit(turn)

    # Tools.

    def _tool_requested(self, event: ToolRequested) -> None:
        deadline_ms = self._now_ms + self.policy.tool_timeout_ms
        if not self.tools.request(event.tool_call_id, event.name, event.arguments, self._now_ms, deadline_ms):
            return
        self.responses.tools = True
        if self.responses.is_abandoned(event.response_id):
            # The caller spoke before this was done: he has not heard what the model was about to do.
            self._answer_tool(event.tool_call_id, TOOL_INTERRUPTED)
            return
        if event.name == END_CALL:
            self._end_call(event)
        elif event.name == TRANSFER:
            self._transfer(event)
        else:
            self.silence.owes_answer = True
            self._emit(InvokeTool(event.tool_call_id, event.name, event.arguments))

    def _end_call(self, event: ToolRequested) -> None:
        """The model hangs up: after its goodbye was heard, which it may have said already (`_response_finished`)."""
        self._answer_tool(event.tool_call_id, TOOL_DONE)
        self.farewell.begin("assistant_hung_up", self._now_ms, revocable=True)

    def _transfer(self, event: ToolRequested) -> None:
        """The model hands the call to a person: only to a number the business itself has named."""
        request = read_transfer(event.arguments)
        target = chosen_target(self.brief.transfer_targets, request.to) if request else None
        if request is None or target is None:
            self._answer_tool(event.tool_call_id, NO_SUCH_TARGET)
            self._tools_answered()
            return
        self._answer_tool(event.tool_call_id, TOOL_DONE)
        self.farewell.begin("transferred", self._now_ms, revocable=True, transfer_to=target, summary=request.summary)

    def _tool_finished(self, event: ToolFinished) -> None:
        if self._answer_tool(event.tool_call_id, event.output):
            self._tools_answered()

    def _tools_overdue(self) -> None:
        for call in self.tools.overdue(self._now_ms):
            self._emit(RaiseAlarm("tool_timed_out", call.name))
            self._answer_tool(call.tool_call_id, TOOL_TIMED_OUT)
        self._tools_answered()

    def _answer_tool(self, tool_call_id: str, output: str) -> bool:
        if not self.tools.finish(tool_call_id, output):
            return False
        if self.link.up:
            self._emit(AddToolOutput(tool_call_id, output))
        return True

    def _tools_answered(self) -> None:
        if self.tools.running:
            return
        self.silence.tools_answered(self._now_ms)
        if self.link.up:
            self.gate.want(ANSWER)

    def _claim_refuted(self, event: ClaimRefuted) -> None:
        """The assistant has said something untrue: it puts it right aloud, before anything else (truth lock)."""
        self._emit(RaiseAlarm("false_claim", event.sentence))
        correction = self.agenda.correct(event.instruction)
        if correction is None:
            return
        self._go_on()
        self.silence.owes_answer = True
        if self.link.up:
            self.gate.want_first(correction)

    # The floor.

    def _caller_audio(self, event: CallerAudio) -> None:
        self.line.frame(self._now_ms)
        speaking = self.assistant_speaking
        interruptible = speaking and not self._must_be_heard
        decision, wants = self.listening.hear(event.audio, speaking, interruptible, self._now_ms)
        if self._line_open:
            self._emit(*(AppendAudio(frame) for frame in self.listening.pass_on(event.audio)))
        else:
            self.listening.keep(event.audio, self._now_ms)
        if wants is not None:
            self._emit(ScoreSpeech(wants.audio, wants.fresh, wants.glance))
        self._decide(decision)
        if self.playout.paused and not self.listening.floor.paused:
            # What was paused has ended by itself: nothing decides about it any more, and the next must not wait for it.
            self.playout.resume()
            self._report("resume", "over", 0)
        # Ours leave in step with his: one waking for both. The timer is for when his are late.
        self._play(early_ms=FRAME_MS - 1)

    def _speech_scored(self, event: SpeechScored) -> None:
        decision, _ = self.listening.scored(event.probability, self._now_ms)
        self._decide(decision)

    def _decide(self, decision: Decision | None) -> None:
        match decision:
            case Pause():
                self.playout.pause()
                self._report("pause", "speech suspected", self._now_ms - decision.evidence.began_ms)
            case Commit():
                speech_ms = self._now_ms - decision.speech_began_ms
                self._take_floor(decision.reason, speech_ms, decision.speech_began_ms)
            case None:
                pass
            case _:
                self.playout.resume()
                self._report("resume", decision.reason, 0)

    @property
    def _must_be_heard(self) -> bool:
        """What is being said now cannot be interrupted."""
        current = self.playout.current
        return current is not None and self.responses.is_protected(current.response_id)

    @property
    def _line_open(self) -> bool:
        """Whether the model hears the caller: never while the assistant speaks, nor before it has greeted."""
        return self.link.up and self.agenda.greeted and not self.assistant_speaking

    def _take_floor(self, reason: str, speech_ms: int = 0, began_ms: int | None = None) -> None:
        """The caller interrupts: the assistant falls silent, and the model hears him from his first syllable (R14)."""
        current = self.playout.current
        self._emit(ClearPlayout())
        self._report("commit", reason, speech_ms)
        self.gate.drop_wishes()
        self._abandon_response()
        self._go_on()
        for utterance in self.playout.discard(self._now_ms):
            if utterance.discarded and utterance.generated_bytes and utterance.remembered and self.link.up:
                self._emit(TruncateItem(utterance.item_id, utterance.content_index, utterance.heard_ms))
            self._book_utterance(utterance)
        self.silence.owes_answer = current is not None and current.sent_frames == 0
        kept = self.listening.take_kept(self._now_ms if began_ms is None else began_ms)
        if began_ms is not None and self.link.up:
            self._emit(*(AppendAudio(audio) for audio in kept))

    def _report(self, verdict: str, reason: str, speech_ms: int) -> None:
        current = self.playout.current
        self._emit(
            ReportBargeIn(
                verdict=verdict,
                reason=reason,
                item_id=current.item_id if current else "",
                heard_ms=current.heard_ms if current else 0,
                speech_ms=speech_ms,
            )
        )

    # The caller's turn.

    @property
    def _caller_talking(self) -> bool:
        """The model's server hears him. If it never says that he stopped, it is not believed for ever."""
        since_ms = self._talking_since_ms
        return since_ms is not None and self._now_ms - since_ms < self.policy.talk_max_ms

    def _speech_started(self, event: CallerSpeechStarted) -> None:
        self._talking_since_ms = self._now_ms
        self._go_on()
        self.transcript.caller_began(event.item_id, self._now_ms)
        if self.gate.busy and not self.responses.audible and self.gate.asked_for == ANSWER:
            # He goes on after a breath that was taken for the end: an answer to half a sentence is not wanted.
            self._abandon_response()

    def _speech_stopped(self, _event: CallerSpeechStopped) -> None:
        self._talking_since_ms = None

    def _turn_committed(self, event: CallerTurnCommitted) -> None:
        self._talking_since_ms = None
        self.transcript.caller_began(event.item_id, self._now_ms)
        self._caller_wants_answer(self._speech_ended_ms)
        self.gate.want(ANSWER)

    @property
    def _speech_ended_ms(self) -> int:
        """When he stopped speaking: the server says so only after the silence it waits for."""
        if self.policy.turn_detection == "server_vad":
            return max(self.listening.last_speech_ms, self._now_ms - self.policy.vad_silence_ms)
        return self.listening.last_speech_ms or self._now_ms

    def _caller_wants_answer(self, ended_ms: int) -> None:
        self.silence.turn_ended(ended_ms, self._now_ms)
        self.responses.turn_ended()

    def _caller_transcribed(self, event: CallerTranscribed) -> None:
        if not event.text.strip():
            return
        self._emit(self.transcript.caller_said(event.item_id, event.text, self._now_ms))
        self.dictation.said(event.text)
        self._wait_for_dictation()

    def _wait_for_dictation(self) -> None:
        """He is spelling out a number and has only paused: an answer would cut him off."""
        if self.assistant_speaking or self.tools.running or not (self.gate.busy or self.gate.wanting):
            return
        if not self.responses.empty:
            return
        if self.dictation.unfinished:
            self._abandon_response()
            until_ms = self._now_ms + self.policy.dictation_hold_ms
            self.silence.hold(until_ms)
            self.gate.want(ANSWER, until_ms)
        else:
            self.gate.not_before_ms = 0

    def _digit_pressed(self, event: DigitPressed) -> None:
        if self.assistant_speaking and not self._must_be_heard:
            self._take_floor("keypad")
        self._go_on()
        self.silence.sounded(self._now_ms)
        self._typed(self.keypad.press(event.digit, self._now_ms))

    def _keypad_paused(self) -> None:
        self._typed(self.keypad.expired(self._now_ms))

    def _typed(self, digits: str | None) -> None:
        if digits is None:
            return
        self._emit(self.transcript.keys_pressed(digits, self._now_ms))
        self._caller_wants_answer(self._now_ms)
        if self.link.up:
            self._emit(AddMessage("user", keypad_text(digits)))
            self.gate.want(ANSWER)

    # Silence.

    @property
    def _idle(self) -> bool:
        """Nobody speaks and nothing is under way."""
        return not (
            self.gate.busy
            or self.gate.wanting
            or self.tools.running
            or self._caller_talking
            or self.keypad.deadline_ms is not None
            or self.assistant_speaking
        )

    def _silence_due_ms(self) -> int | None:
        if not self.live or self.farewell.ending or not self.link.up or not self._idle:
            return None
        return self.silence.prompt_due_ms

    def _silent(self) -> None:
        if self.silence.prompt(self._now_ms):
            self.gate.want(Want(cues.STILL_THERE))
        else:
            self._say_goodbye(cues.FAREWELL_SILENCE, "caller_silent")

    # Time.

    def _advance(self) -> None:
        """Runs what is due and keeps the earliest deadline of the rest."""
        for _ in range(_ROUNDS):
            fired = False
            deadline_ms: int | None = None
            for due, fire in self._timers:
                if self.over:
                    self.deadline_ms = None
                    return
                at_ms = due()
                if at_ms is None:
                    continue
                if at_ms <= self._now_ms:
                    fire()
                    fired = True
                elif deadline_ms is None or at_ms < deadline_ms:
                    deadline_ms = at_ms
            if not fired:
                self.deadline_ms = deadline_ms
                return
        raise AssertionError("a timer stays due after it fired")

    def _emit(self, *commands: Command) -> None:
        self._commands.extend(commands)


_ROUNDS = 16
_FAREWELLS = (Want(cues.FAREWELL), Want(cues.ANNOUNCE_TRANSFER), Want(cues.FAREWELL_SILENCE))
