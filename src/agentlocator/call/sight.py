"""A call as somebody sees it who watches: who has the floor, what is being said, what a tool has done.

Pure, and only looking: nothing here changes a call. It forgets the oldest lines of a very long call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from agentlocator.call import commands as do
from agentlocator.call import events as on

Floor = Literal["ringing", "assistant", "caller", "thinking", "looking", "quiet", "over"]

MOST_LINES: Final = 200
MOST_CHARS: Final = 4_000


class Line(msgspec.Struct, frozen=True):
    """What one of them says. A line grows until it is settled; settled without words, it was never heard.

    `version` is the sight's when the line was last touched.
    """

    key: str
    speaker: str
    text: str
    version: int
    settled: bool = False
    interrupted: bool = False
    latency_ms: int | None = None


class Receipt(msgspec.Struct, frozen=True):
    """The tool that answered last, and what it gave to say."""

    name: str
    say: str
    ok: bool


class Glimpse(msgspec.Struct, frozen=True):
    """What is new of one call. `age_ms` is how long ago it was offered; `is_new` when nothing of it was shown yet."""

    call_sid: str
    is_new: bool
    age_ms: int
    floor: Floor
    lines: tuple[Line, ...]
    receipt: Receipt | None
    outcome: str


class Sight:
    """One call's. `version` grows with everything that can be seen to change."""

    def __init__(self) -> None:
        self.version = 1
        self.floor: Floor = "ringing"
        self.receipt: Receipt | None = None
        self.outcome = ""
        self._lines: dict[str, Line] = {}
        self._tools: dict[str, str] = {}

    @property
    def over(self) -> bool:
        return self.floor == "over"

    def glimpse(self, call_sid: str, age_ms: int, shown: int = 0) -> Glimpse:
        """What is new since the version that was shown: the lines in the order in which they began."""
        return Glimpse(
            call_sid=call_sid,
            is_new=shown == 0,
            age_ms=age_ms,
            floor=self.floor,
            lines=tuple(line for line in self._lines.values() if line.version > shown),
            receipt=self.receipt,
            outcome=self.outcome,
        )

    def see(self, event: on.Event, commands: Sequence[do.Command]) -> bool:
        """Looks at what happened; whether anything can be seen to have changed."""
        before = self.version
        look = _AT_EVENTS.get(type(event))
        if look is not None:
            look(self, event)
        for command in commands:
            look = _AT_COMMANDS.get(type(command))
            if look is not None:
                look(self, command)
        return self.version != before

    # What happened.

    def _started(self, _event: on.StreamStarted) -> None:
        self._give("quiet")

    def _spoke(self, event: on.AssistantTextProduced) -> None:
        line = self._lines.get(event.item_id)
        if line is None or not line.settled:
            self._write(event.item_id, "assistant", (line.text if line else "") + event.text)

    def _caller_began(self, event: on.CallerSpeechStarted) -> None:
        self._give("caller")
        self._write(event.item_id, "caller", "")

    def _caller_ended(self, _event: on.CallerSpeechStopped | on.CallerTurnCommitted) -> None:
        self._give("thinking")

    def _transcribed(self, event: on.CallerTranscribed) -> None:
        if not event.text.strip():
            self._write(event.item_id, "caller", "", settled=True)

    def _tool_answered(self, event: on.ToolFinished) -> None:
        self.receipt = Receipt(self._tools.pop(event.tool_call_id, ""), _say(event.output), event.ok)
        self.version += 1
        self._give("thinking")

    # What is done about it.

    def _played(self, _command: do.PlayFrame) -> None:
        if self.floor != "assistant":
            self._give("assistant")

    def _cleared(self, _command: do.ClearPlayout) -> None:
        self._give("caller")

    def _tool_called(self, command: do.InvokeTool) -> None:
        self._tools[command.tool_call_id] = command.name
        self._give("looking")

    def _asked(self, _command: do.RequestResponse) -> None:
        if self.floor == "quiet":
            self._give("thinking")

    def _recorded(self, turn: do.RecordTurn) -> None:
        key = turn.item_id or f"{turn.speaker}:{turn.started_ms}"
        self._write(key, turn.speaker, turn.text, True, turn.interrupted, turn.latency_ms)
        if turn.speaker != "assistant":
            return
        if self.floor == "assistant":
            self._give("quiet")
        for line in list(self._lines.values()):
            if line.key == key:
                break
            if line.speaker == "assistant" and not line.settled:
                self._write(line.key, "assistant", "", settled=True)

    def _finished(self, command: do.FinishCall) -> None:
        self.outcome = command.outcome
        self._give("over")

    def _give(self, floor: Floor) -> None:
        if self.floor not in (floor, "over"):
            self.floor = floor
            self.version += 1

    def _write(
        self,
        key: str,
        speaker: str,
        text: str,
        settled: bool = False,
        interrupted: bool = False,
        latency_ms: int | None = None,
    ) -> None:
        self.version += 1
        self._lines[key] = Line(key, speaker, text[:MOST_CHARS], self.version, settled, interrupted, latency_ms)
        if len(self._lines) > MOST_LINES:
            del self._lines[next(iter(self._lines))]


def _say(output: str) -> str:
    try:
        reply = msgspec.json.decode(output)
    except msgspec.DecodeError:
        return ""
    said = reply.get("say") if isinstance(reply, dict) else ""
    return said[:MOST_CHARS] if isinstance(said, str) else ""


# Fifty frames a second pass by here: what nobody can see costs one look into a table.
_AT_EVENTS: Final[dict[type[on.Event], Callable[[Sight, Any], None]]] = {
    on.StreamStarted: Sight._started,
    on.AssistantTextProduced: Sight._spoke,
    on.CallerSpeechStarted: Sight._caller_began,
    on.CallerSpeechStopped: Sight._caller_ended,
    on.CallerTurnCommitted: Sight._caller_ended,
    on.CallerTranscribed: Sight._transcribed,
    on.ToolFinished: Sight._tool_answered,
}
_AT_COMMANDS: Final[dict[type[do.Command], Callable[[Sight, Any], None]]] = {
    do.PlayFrame: Sight._played,
    do.ClearPlayout: Sight._cleared,
    do.InvokeTool: Sight._tool_called,
    do.RequestResponse: Sight._asked,
    do.RecordTurn: Sight._recorded,
    do.FinishCall: Sight._finished,
}
