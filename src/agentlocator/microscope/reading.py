"""From a journal to a `CallPicture`: the recorded call runs through the core once more, and is watched.

Pure: the same journal gives the same picture. Never writes, and never corrects what it reads: where today's core
acts otherwise than was recorded, the picture shows today's and counts the differences.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from agentlocator.audio.frames import FRAME_MS
from agentlocator.call import journal
from agentlocator.call.commands import (
    AppendAudio,
    ClearPlayout,
    Command,
    FinishCall,
    PlayFrame,
    RecordTurn,
    ReportBargeIn,
)
from agentlocator.call.events import AssistantAudioProduced, CallerAudio, Event, SpeechScored
from agentlocator.call.machine import Call
from agentlocator.microscope.conversation import Conversation
from agentlocator.microscope.envelope import Outline
from agentlocator.microscope.forwarding import Forwarding
from agentlocator.microscope.measuring import Measuring
from agentlocator.microscope.model_side import ModelSide
from agentlocator.microscope.picture import CallPicture, Said, Summary, Verdict, Way
from agentlocator.microscope.sound import Recording, Sound
from agentlocator.microscope.tape import Tape


def read_picture(lines: Iterable[bytes]) -> CallPicture:
    """The picture of a journal's call. Raises `journal.JournalError` for what is not a journal."""
    return _watched(lines, None)


def read_recording(lines: Iterable[bytes]) -> Recording:
    """The picture of a journal's call with its sound. Raises `journal.JournalError` for what is not a journal."""
    sound = Sound()
    return Recording(_watched(lines, sound), tuple(sound.caller), tuple(sound.assistant))


def _watched(lines: Iterable[bytes], sound: Sound | None) -> CallPicture:
    header, entries = journal.read(lines)
    call = Call(header.brief)
    watch = _Watch(call, sound)
    events = divergences = 0
    for entry in entries:
        produced_bytes = call.playout.produced_bytes
        commands = call.handle(entry.event, entry.at_ms)
        recorded = [bytes(raw) for raw in entry.commands]
        divergences += recorded != [journal.summarize(command) for command in commands]
        events += 1
        if isinstance(entry.event, AssistantAudioProduced) and call.playout.produced_bytes > produced_bytes:
            watch.tape.produced(entry.event.item_id, entry.event.audio)
        watch.happened(entry.event, commands, entry.at_ms)
    return watch.picture(header, events, divergences)


class _Watch:
    """Everybody who takes notes of one call."""

    def __init__(self, call: Call, sound: Sound | None) -> None:
        self.tape = Tape(sound.assistant_heard if sound else None)
        self._sound = sound
        self._call = call
        self._caller = Outline()
        self._measuring = Measuring()
        self._forwarding = Forwarding()
        self._model = ModelSide()
        self._conversation = Conversation(self.tape)
        self._verdicts: list[Verdict] = []
        self._finish: FinishCall | None = None
        self._rx = 0
        self._now_ms = 0

    def happened(self, event: Event, commands: Sequence[Command], now_ms: int) -> None:
        self._now_ms = max(self._now_ms, now_ms)
        self._listen(event, [command.audio for command in commands if isinstance(command, AppendAudio)])
        self._conversation.happened(event, self._now_ms)
        self._model.happened(event, self._now_ms)
        for command in commands:
            self._did(command)
            self._model.did(command, self._now_ms)

    def picture(self, header: journal.Header, events: int, divergences: int) -> CallPicture:
        assistant = self.tape.envelope(self._now_ms)
        said = self._conversation.said()
        return CallPicture(
            call_sid=header.brief.call_sid,
            started_at=header.started_at,
            events=events,
            divergences=divergences,
            floor=header.brief.policy.floor,
            summary=self._summary(said),
            caller=self._caller.envelope(),
            assistant=assistant,
            unheard=tuple(self.tape.unheard),
            tracks=self._measuring.tracks(),
            passages=self._forwarding.passages(),
            verdicts=tuple(self._verdicts),
            said=said,
            keys=tuple(self._conversation.keys),
            tools=self._model.tools,
            responses=tuple(self._model.responses),
            connections=tuple(self._model.connections),
            alarms=tuple(self._model.alarms),
        )

    def _listen(self, event: Event, appended: list[bytes]) -> None:
        if isinstance(event, CallerAudio):
            self._rx += 1
            self._caller.draw(self._now_ms - FRAME_MS, event.audio)
            if self._sound is not None:
                self._sound.caller_heard(self._now_ms - FRAME_MS, event.audio)
            self._forwarding.heard(event.audio, appended, self._instead, self._now_ms)
        else:
            self._forwarding.caught_up(appended)
        evidence = self._call.listening.evidence
        if evidence is not None and isinstance(event, CallerAudio | SpeechScored):
            self._measuring.note(evidence, self._now_ms)

    @property
    def _instead(self) -> Way:
        """What it means that the model got nothing for a frame."""
        if not self._call.link.up:
            return "nobody"
        held = self._call.assistant_speaking or not self._call.playout.produced_bytes
        # Otherwise it is silence that is gathered, or shortened after a burst of pre-roll.
        return "held" if held else "silence"

    def _did(self, command: Command) -> None:
        match command:
            case PlayFrame(audio=audio):
                self.tape.sent(audio, self._now_ms, self._call.playout.delay_ms)
            case ClearPlayout():
                self.tape.cut(self._now_ms, self._call.playout.delay_ms)
            case RecordTurn():
                self._conversation.booked(command, self._now_ms)
            case ReportBargeIn():
                self._verdicts.append(self._verdict(command))
            case FinishCall():
                self.tape.cut(self._now_ms, self._call.playout.delay_ms)
                self._finish = command
            case _:
                pass

    def _verdict(self, report: ReportBargeIn) -> Verdict:
        evidence = None if report.reason == "keypad" else self._call.listening.evidence
        return Verdict(self._now_ms, report.verdict, report.reason, report.heard_ms, report.speech_ms, evidence)

    def _summary(self, said: Sequence[Said]) -> Summary:
        waits = sorted(turn.latency.length_ms for turn in said if turn.latency and not turn.latency.opening)
        playout, finish = self._call.playout, self._finish
        return Summary(
            duration_ms=self._now_ms,
            caller_turns=sum(turn.speaker != "assistant" for turn in said),
            assistant_turns=sum(turn.speaker == "assistant" and bool(turn.heard_ms) for turn in said),
            latency_p50_ms=_percentile(waits, 50),
            latency_p95_ms=_percentile(waits, 95),
            interruptions=sum(verdict.verdict == "commit" for verdict in self._verdicts),
            false_pauses=sum(verdict.verdict == "resume" for verdict in self._verdicts),
            tx=playout.tx,
            rx=self._rx,
            produced_ms=playout.produced_ms,
            heard_ms=finish.heard_ms if finish else sum(turn.heard_ms for turn in said),
            discarded_ms=playout.discarded_ms,
            outcome=finish.outcome if finish else "",
            detail=finish.detail if finish else "",
        )


def _percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many percent of the sorted values do not exceed."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else None
