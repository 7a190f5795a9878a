"""The assistant's tools: what they look like to a model, and the one way to run them.

Every call of a tool is one transaction, with what it leaves in the outbox; the same key gets the same reply. Whatever
a model sends, the answer is a reply it can go on with, never an exception.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from agentlocator.assistant.tool import Arguments, Channel, Tool, ToolContext, ToolReply
from agentlocator.assistant.tools import (
    appointments_cancel,
    appointments_reschedule,
    calendar_create_appointment,
    calendar_find_slots,
    leads_search,
    leads_upsert,
)
from agentlocator.db.schema import ToolCall
from agentlocator.db.scope import Scope

__all__ = ["Channel", "Registry", "Tool", "ToolContext", "ToolReply"]

MAX_ARGUMENTS = 20_000

TOOLS = (
    calendar_find_slots.TOOL,
    calendar_create_appointment.TOOL,
    appointments_reschedule.TOOL,
    appointments_cancel.TOOL,
    leads_upsert.TOOL,
    leads_search.TOOL,
)

UNKNOWN_TOOL = ToolReply("אין לי אפשרות לעשות את זה כאן.", ok=False, code="unknown_tool")
BAD_JSON = ToolReply("משהו השתבש, אפשר לחזור על זה שוב?", ok=False, code="invalid_json")
KEY_REUSED = ToolReply("משהו השתבש, אפשר לחזור על זה שוב?", ok=False, code="key_reused")
UNAVAILABLE = ToolReply(
    "יש כרגע תקלה ביומן. אפשר לנסות שוב עוד רגע, או להשאיר פרטים ונחזור.", ok=False, code="temporarily_unavailable"
)

log = logging.getLogger(__name__)


class Registry:
    """The tools one assistant may use."""

    def __init__(self, tools: Iterable[Tool] = TOOLS) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def schemas(self) -> list[dict[str, Any]]:
        """The tools as the Realtime API takes them."""
        return [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": _parameters(tool.arguments),
            }
            for tool in self._tools.values()
        ]

    async def invoke(self, context: ToolContext, name: str, arguments_json: str, key: str) -> ToolReply:
        """Run a tool. `key` (call id and tool call id) makes a repeat answer as before, and do nothing more."""
        tool = self._tools.get(name)
        if tool is None:
            return UNKNOWN_TOOL
        arguments = _read(tool, arguments_json)
        if isinstance(arguments, ToolReply):
            return arguments
        try:
            return await context.db.write(context.business_id, partial(_run_once, tool, context, arguments, key))
        except (SQLAlchemyError, OSError) as failure:
            # The caller is on the line: she hears that it did not work, and the log hears why.
            log.exception("tool %s failed", name, exc_info=failure)
            return UNAVAILABLE


async def _run_once(tool: Tool, context: ToolContext, arguments: Arguments, key: str, scope: Scope) -> ToolReply:
    is_first = await scope.insert_new(
        ToolCall,
        key=key,
        name=tool.name,
        lead_id=context.lead_id,
        call_sid=context.call_sid,
        arguments=msgspec.json.encode(arguments).decode(),
        at=context.now,
    )
    call: ToolCall = await scope.first(select(ToolCall).where(ToolCall.key == key))
    if not is_first:
        return _reply_of(call, tool, context)
    reply = await tool.run(scope, context, arguments, key)
    call.reply = msgspec.to_builtins(reply)
    return reply


def _reply_of(call: ToolCall, tool: Tool, context: ToolContext) -> ToolReply:
    if call.name != tool.name or call.lead_id != context.lead_id or call.reply is None:
        return KEY_REUSED
    return msgspec.convert(call.reply, ToolReply)


def _read(tool: Tool, arguments_json: str) -> Arguments | ToolReply:
    if len(arguments_json) > MAX_ARGUMENTS:
        return BAD_JSON
    try:
        return msgspec.json.decode(arguments_json or "{}", type=tool.arguments)
    except msgspec.ValidationError as wrong:
        return ToolReply(
            "חסר לי פרט כדי להמשיך, אפשר לחזור על זה?", ok=False, code="invalid_arguments", data={"wrong": str(wrong)}
        )
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return BAD_JSON


@cache
def _parameters(arguments: type[Arguments]) -> dict[str, Any]:
    # Kept: making the schemas of all tools takes milliseconds, in which every call would wait for the one that begins.
    (schema,), components = msgspec.json.schema_components([arguments])
    found = components[arguments.__name__] if "$ref" in schema else schema
    shown = {"type": "object", "properties": found["properties"], "additionalProperties": False}
    if found["required"]:
        shown["required"] = found["required"]
    return shown
