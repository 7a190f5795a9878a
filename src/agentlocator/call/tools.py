"""Function calls the model has made: each runs once, whatever the model or the line repeats.

A call is known by the model's `tool_call_id`. Its output is kept, so that a new session after a reconnect learns what
was already done instead of doing it again.
"""

from __future__ import annotations

from typing import Final

from agentlocator.call.commands import AddToolCall, AddToolOutput, Command
from agentlocator.call.policy import CallPolicy

DONE: Final = '{"ok":true,"code":"ok"}'
NO_SUCH_TARGET: Final = '{"ok":false,"code":"no_such_target","say":"אין כרגע למי להעביר את השיחה, אפשר להשאיר הודעה."}'
TIMED_OUT: Final = '{"ok":false,"code":"timed_out","say":"זה לוקח יותר זמן מהרגיל, אפשר לנסות שוב?"}'
INTERRUPTED: Final = '{"ok":false,"code":"interrupted","say":"הפעולה לא בוצעה, כי נאמר משהו נוסף לפני כן."}'


class ToolCall:
    """One function call and, once it has run, its answer."""

    def __init__(self, tool_call_id: str, name: str, arguments: str, now_ms: int, deadline_ms: int) -> None:
        self.requested_ms = now_ms
        self.tool_call_id = tool_call_id
        self.name = name
        self.arguments = arguments
        self.deadline_ms = deadline_ms
        self.output: str | None = None


class PendingTools:
    """Calls in the order the model made them."""

    def __init__(self, policy: CallPolicy) -> None:
        self._timeout_ms = policy.tool_timeout_ms
        self._calls: dict[str, ToolCall] = {}
        self._unanswered: dict[str, ToolCall] = {}

    def request(self, tool_call_id: str, name: str, arguments: str, now_ms: int) -> bool:
        """Takes a call in; False when it is known already."""
        if tool_call_id in self._calls:
            return False
        call = ToolCall(tool_call_id, name, arguments, now_ms, now_ms + self._timeout_ms)
        self._calls[tool_call_id] = self._unanswered[tool_call_id] = call
        return True

    def finish(self, tool_call_id: str, output: str) -> bool:
        """Takes an answer in; False when nobody waits for it (unknown, or answered by its timeout)."""
        call = self._unanswered.pop(tool_call_id, None)
        if call is None:
            return False
        call.output = output
        return True

    @property
    def running(self) -> bool:
        return bool(self._unanswered)

    @property
    def deadline_ms(self) -> int | None:
        # Asked at every frame of a call, and there is hardly ever one.
        return min(call.deadline_ms for call in self._unanswered.values()) if self._unanswered else None

    def overdue(self, now_ms: int) -> list[ToolCall]:
        return [call for call in self._unanswered.values() if call.deadline_ms <= now_ms]

    def replay(self) -> list[tuple[int, Command]]:
        """What a new conversation must be told: every call, every answer that exists, and when it was asked for."""
        told: list[tuple[int, Command]] = []
        for call in self._calls.values():
            told.append((call.requested_ms, AddToolCall(call.tool_call_id, call.name, call.arguments)))
            if call.output is not None:
                told.append((call.requested_ms, AddToolOutput(call.tool_call_id, call.output)))
        return told
