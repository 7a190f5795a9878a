"""One call's shell: one core, one task group, and the wires it holds. It carries and never chooses.

Events enter by `take`, which runs the core and carries out its commands before it returns: nothing waits in between.
What must wait (sockets, tools, the database, files) is done by tasks of the call's own group and comes back as events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from agentlocator import telemetry
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call import journal
from agentlocator.call.machine import Call
from agentlocator.call.policy import CallBrief
from agentlocator.realtime import messages as realtime
from agentlocator.realtime.usage import Tokens
from agentlocator.voice.media_stream import MediaStream
from agentlocator.voice.model_link import ModelConnection
from agentlocator.voice.scorer import SpeechScorer
from agentlocator.voice.translate import ModelTranslator
from agentlocator.voice.truth_lock import TruthLock
from agentlocator.wire import Wire

_log = structlog.stdlib.get_logger(__name__)


class Records(Protocol):
    """Where a call is remembered. Called in order by one task, never by the media path; may raise, see `_remember`."""

    async def journal(self, lines: bytes) -> None: ...

    async def session(self, asked: dict[str, Any]) -> None: ...

    async def turn(self, turn: do.RecordTurn) -> None: ...

    async def used(self, spent: Tokens) -> None: ...

    async def alarm(self, alarm: do.RaiseAlarm) -> None: ...

    async def finished(self, summary: do.FinishCall) -> None: ...


class Watcher(Protocol):
    """Sees every event and its commands as they happen; must not wait."""

    def __call__(self, at_ms: int, event: on.Event, commands: list[do.Command], /) -> None: ...


Invoke = Callable[[str, str, str], Awaitable[tuple[str, bool]]]
"""Runs a tool: its name, its arguments and the model's call id; answers with its JSON and whether it succeeded."""

TOOL_CRASHED = '{"ok":false,"code":"failed","say":"משהו השתבש, אפשר לנסות שוב?"}'

# Journal lines are written in batches of this size: a few seconds of a call.
_JOURNAL_BATCH_BYTES = 128 * 1024
# A call writes some ten records a minute; a database that is down must not cost memory without end.
_RECORDS_LIMIT = 2_000

# The caller's next frames come sooner than this, unless his line is in trouble.
FAR_MS = 100

Job = Callable[[], Awaitable[None]]


class CallSession:
    """A call in this process, from the webhook to its last record.

    `session` is the Realtime session to ask for. `ending` is how it ended on our side; `written` is set when nothing
    of the call is left to be written.
    """

    def __init__(
        self,
        business_id: int,
        brief: CallBrief,
        session: dict[str, Any],
        open_model: Callable[[], Awaitable[Wire]],
        invoke: Invoke,
        records: Records,
        started_at: str,
        truth: TruthLock,
        scorer: SpeechScorer | None = None,
        watchers: tuple[Watcher, ...] = (),
    ) -> None:
        self.business_id = business_id
        self.brief = brief
        self.call = Call(brief)
        self.ending: do.EndStream | None = None
        self.carrier: MediaStream | None = None
        self.watchers = list(watchers)
        self.written = asyncio.Event()
        self._session = session
        self._open_model = open_model
        self._invoke = invoke
        self._records = records
        self._scorer = scorer
        self._truth = truth
        self._model: ModelConnection | None = None
        self._tally = telemetry.SpeechTally()
        self._journal = bytearray(journal.write_header(brief, started_at))
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue(_RECORDS_LIMIT)
        self._events: deque[on.Event] = deque()
        self._taking = False
        self._over = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0
        self._took_at_ms = 0
        self._group = asyncio.TaskGroup()
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call was offered."""
        return int((self._loop.time() - self._zero) * 1000)

    async def run(self) -> None:
        """Runs the call; returns when it is over and everything about it is written down."""
        with telemetry.call_bound(self.brief.call_sid):
            try:
                async with self._group:
                    self._group.create_task(self._remember(), name="records")
                    self.take(on.CallOffered())
                    try:
                        await self._over.wait()
                    finally:
                        self._end()
            finally:
                self.written.set()

    def take(self, event: on.Event) -> None:
        """Lets the core decide about an event and carries out what it says."""
        self._events.append(event)
        if self._taking:
            return  # a command's echo; the loop below takes it next
        self._taking = True
        try:
            while self._events and not self.call.over:
                self._take(self._events.popleft())
        finally:
            self._taking = False
        self._arm_timer()

    def attach(self, carrier: MediaStream, fault: str = "") -> bool:
        """The carrier's stream for this call, with what makes it unusable; False when it has one, or is over."""
        if self.carrier is not None or self.call.over:
            return False
        self.carrier = carrier
        with telemetry.call_bound(self.brief.call_sid):
            self.take(on.StreamStarted(carrier.stream_sid, fault))
        return True

    def hang_up(self, reason: str) -> None:
        """The carrier says by another way that the caller is gone."""
        with telemetry.call_bound(self.brief.call_sid):
            self.take(on.CallerHungUp(reason))

    def stop(self) -> None:
        """The process is leaving: the call is ended now."""
        self._over.set()

    # Events in, commands out.

    def _take(self, event: on.Event) -> None:
        at_ms = self._took_at_ms = self.now_ms
        commands = self.call.handle(event, at_ms)
        self._journal += journal.write_entry(at_ms, event, commands)
        if len(self._journal) > _JOURNAL_BATCH_BYTES:
            self._flush_journal()
        if isinstance(event, on.AssistantAudioProduced):
            self._tally.chunk(event.response_id, len(event.audio))
        for command in commands:
            self._carry_out(command)
        for watch in self.watchers:
            watch(at_ms, event, commands)
        if not self.call.tools.running:
            self._events.extend(self._truth.verdicts())

    def _carry_out(self, command: do.Command) -> None:
        match command:
            case do.PlayFrame():
                self._to_carrier(command)
                self._tally.frame(command.response_id)
            case do.SendMark() | do.ClearPlayout():
                self._to_carrier(command)
            case do.EndStream():
                self.ending = command
                if self.carrier is not None:
                    self.carrier.finish()
            case do.OpenModel():
                self._connect()
            case do.CloseModel():
                if self._model is not None:
                    self._model.detach()
                    self._model = None
            case do.ScoreSpeech():
                if self._scorer is not None:
                    self._events.append(
                        on.SpeechScored(self._scorer.score(command.audio, command.fresh, command.glance))
                    )
            case do.InvokeTool():
                telemetry.tool_called(command.name)
                self._group.create_task(self._run_tool(command), name=f"tool {command.name}")
            case do.RecordTurn():
                if command.speaker == "assistant":
                    telemetry.ai_said(command.text)
                    self._truth.heard(command.text)
                self._remember_later(lambda: self._records.turn(command))
            case do.ReportBargeIn():
                if command.verdict == "commit":
                    telemetry.barge_in(command.heard_ms, command.speech_ms)
            case do.ReportSession():
                telemetry.session_configured(command.voice)
            case do.RaiseAlarm():
                _log.error("ALARM", alarm=command.code, detail=command.detail)
                self._remember_later(lambda: self._records.alarm(command))
            case do.FinishCall():
                self._finish(command)
            case _:
                if self._model is not None:
                    self._model.carry_out(command)

    def _to_carrier(self, command: do.Command) -> None:
        if self.carrier is not None and not self.carrier.send(command):
            self._events.append(on.CallerHungUp("the carrier stopped reading"))

    def _connect(self) -> None:
        if self._model is None:
            self._remember_later(lambda: self._records.session(self._session))
        self._model = ModelConnection(
            self._open_model, ModelTranslator(self._session), self._take_model_event, self._observe
        )
        self._group.create_task(self._model.run(), name="model link")

    def _take_model_event(self, event: on.Event) -> None:
        if isinstance(event, on.ModelConnected):
            telemetry.realtime_connected()
        self.take(event)

    def _observe(self, message: realtime.ServerEvent) -> None:
        spent = realtime.spent(message)
        if spent is not None:
            self._remember_later(lambda: self._records.used(spent))
        if isinstance(message, realtime.ErrorReported):
            error = message.error
            _log.warning("the model's server complained", code=error.code, text=error.message, about=error.event_id)

    async def _run_tool(self, command: do.InvokeTool) -> None:
        try:
            output, ok = await self._invoke(command.name, command.arguments, command.tool_call_id)
        except Exception:
            # A caller does not pay for a tool's bug: he is told that it did not work, and the log says why.
            _log.exception("ALARM", alarm="tool_crashed", tool=command.name)
            output, ok = TOOL_CRASHED, False
        self.take(on.ToolFinished(command.tool_call_id, output, ok))

    # Time.

    def _arm_timer(self) -> None:
        deadline_ms = self.call.deadline_ms
        if deadline_ms is None:
            return
        if self._timer is not None:
            # Each frame puts the deadline off. Moving the timer costs a microsecond, and waking up for nothing fifty:
            # it is moved when it would wake us before the next frames, and left alone while it is far.
            is_far = self._timer_at_ms > self._took_at_ms + FAR_MS
            if self._timer_at_ms == deadline_ms or (self._timer_at_ms < deadline_ms and is_far):
                return
            self._timer.cancel()
        self._timer_at_ms = deadline_ms
        self._timer = self._loop.call_at(self._zero + deadline_ms / 1000 + 0.0005, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        if self.call.over:
            return
        if self.call.deadline_ms is not None and self.call.deadline_ms <= self.now_ms:
            self.take(on.TimerFired())
        else:
            self._arm_timer()

    # Records.

    def _remember_later(self, job: Job) -> None:
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            _log.error("ALARM", alarm="records_lost", detail="records cannot be written and the queue is full")

    def _flush_journal(self) -> None:
        lines = bytes(self._journal)
        self._journal.clear()
        self._remember_later(lambda: self._records.journal(lines))

    async def _remember(self) -> None:
        """Writes records in order. One that cannot be written is reported and the next one tried."""
        while (job := await self._jobs.get()) is not None:
            try:
                await job()
            except Exception:
                _log.exception("ALARM", alarm="record_failed")

    def _finish(self, summary: do.FinishCall) -> None:
        if self.ending is None:
            self.ending = do.EndStream(summary.outcome)
        telemetry.stream_stopped(summary.tx, summary.rx, model_spoke=summary.produced_ms > 0)
        self._remember_later(lambda: self._records.finished(summary))
        self._over.set()

    def _end(self) -> None:
        if not self.call.over:
            # The process is going down around the call: the core still says what has to be closed.
            self.take(on.CallerHungUp("the server is stopping"))
        if self._timer is not None:
            self._timer.cancel()
        if self._model is not None:
            self._model.detach()
        if self.carrier is not None:
            self.carrier.finish()
        self._flush_journal()
        self._group.create_task(self._close_records(), name="last record")

    async def _close_records(self) -> None:
        await self._jobs.put(None)
