"""The model's side of a call: its connections, responses, tools, and complaints, each with its times.

Reads events and the replayed commands; decides nothing, and believes the call where both could be believed.
"""

from __future__ import annotations

import msgspec

from agentlocator.call.commands import AddToolOutput, CloseModel, Command, OpenModel, RaiseAlarm, RequestResponse
from agentlocator.call.events import (
    AssistantAudioProduced,
    Event,
    ModelDisconnected,
    ModelErrored,
    ResponseFinished,
    ResponseStarted,
    SessionConfirmed,
    ToolFinished,
    ToolRequested,
)
from agentlocator.microscope.picture import Alarm, Connection, Response, ToolRun

replace = msgspec.structs.replace


class ModelSide:
    """Fed every event, then the commands it led to."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.responses: list[Response] = []
        self.alarms: list[Alarm] = []
        self._tools: dict[str, ToolRun] = {}

    @property
    def tools(self) -> tuple[ToolRun, ...]:
        return tuple(self._tools.values())

    def happened(self, event: Event, now_ms: int) -> None:
        match event:
            case SessionConfirmed() if self.connections and self.connections[-1].confirmed_ms is None:
                self.connections[-1] = replace(self.connections[-1], confirmed_ms=now_ms)
            case ModelDisconnected(reason=reason):
                self._end_connection(now_ms, reason, lost=True)
            case ModelErrored(code=code, message=message):
                self.alarms.append(Alarm(now_ms, code, message))
            case ResponseStarted(response_id=response_id):
                self._started(response_id, now_ms)
            case AssistantAudioProduced(response_id=response_id):
                self._audible(response_id, now_ms)
            case ResponseFinished():
                self._finished(event, now_ms)
            case ToolRequested(tool_call_id=tool_call_id, name=name, arguments=arguments):
                self._tools.setdefault(tool_call_id, ToolRun(name, arguments, now_ms))
            case ToolFinished(tool_call_id=tool_call_id, output=output, ok=ok):
                self._answer(tool_call_id, output, ok, now_ms)
            case _:
                pass

    def did(self, command: Command, now_ms: int) -> None:
        match command:
            case OpenModel(attempt=attempt):
                self.connections.append(Connection(now_ms, attempt))
            case CloseModel():
                self._end_connection(now_ms, "", lost=False)
            case RequestResponse(cue=cue):
                self.responses.append(Response("", now_ms, cue or ""))
            case AddToolOutput(tool_call_id=tool_call_id, output=output):
                self._answer(tool_call_id, output, _accepted(output), now_ms)
            case RaiseAlarm(code=code, detail=detail):
                self.alarms.append(Alarm(now_ms, code, detail))
            case _:
                pass

    def _end_connection(self, now_ms: int, reason: str, lost: bool) -> None:
        if self.connections and self.connections[-1].ended_ms is None:
            self.connections[-1] = replace(self.connections[-1], ended_ms=now_ms, reason=reason, lost=lost)
        for index, response in enumerate(self.responses):
            if response.finished_ms is None:
                self.responses[index] = replace(response, finished_ms=now_ms, status="lost")

    def _started(self, response_id: str, now_ms: int) -> None:
        last = self.responses[-1] if self.responses else None
        if last is None or last.response_id or last.finished_ms is not None:
            # The server began one by itself.
            self.responses.append(Response(response_id, now_ms, started_ms=now_ms))
        else:
            self.responses[-1] = replace(last, response_id=response_id, started_ms=now_ms)

    def _audible(self, response_id: str, now_ms: int) -> None:
        for index, response in self._open(response_id):
            if response.first_audio_ms is None:
                self.responses[index] = replace(response, first_audio_ms=now_ms)

    def _finished(self, event: ResponseFinished, now_ms: int) -> None:
        for index, response in self._open(event.response_id):
            self.responses[index] = replace(response, finished_ms=now_ms, status=event.status)

    def _open(self, response_id: str) -> list[tuple[int, Response]]:
        """The unfinished response of this name, which can only be among the last."""
        recent = list(enumerate(self.responses))[-3:]
        return [(index, r) for index, r in recent if r.response_id == response_id and r.finished_ms is None]

    def _answer(self, tool_call_id: str, output: str, ok: bool, now_ms: int) -> None:
        run = self._tools.get(tool_call_id)
        if run is not None and run.finished_ms is None:
            self._tools[tool_call_id] = replace(run, finished_ms=now_ms, output=output, ok=ok)


def _accepted(output: str) -> bool:
    try:
        answer = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return True
    return not (isinstance(answer, dict) and answer.get("ok") is False)
