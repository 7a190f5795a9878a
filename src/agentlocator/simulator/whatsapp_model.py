"""The text agent's model, simulated: the same brain that answers the simulated phone, read and answered in writing.

It knows what a model knows, the items it is given, and it needs no account. Loaded only where WhatsApp is rehearsed.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from agents import (
    AgentOutputSchemaBase,
    FunctionTool,
    Handoff,
    Model,
    ModelResponse,
    ModelSettings,
    ModelTracing,
    Tool,
    TResponseInputItem,
    Usage,
)
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from agentlocator.simulator.brain import Brain, CallTool, Conversation, Speak, Turn, Who, receptionist

# What a word is thought to cost, so that budgets can be rehearsed too.
_LETTERS_A_TOKEN = 2
_WHO: dict[str, Who] = {"user": "caller", "assistant": "assistant"}


class SimulatedTextModel(Model):
    """Answers by a brain's rules."""

    def __init__(self, brain: Callable[[], Brain] = receptionist) -> None:
        self._brain = brain()
        self._numbers = itertools.count(1)

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> ModelResponse:
        """One answer: words, or the tools to call first. A tool's answer is read out before anything is added."""
        del model_settings, output_schema, handoffs, tracing, previous_response_id, conversation_id, prompt
        items: Sequence[Any] = [{"role": "user", "content": input}] if isinstance(input, str) else input
        schemas = tuple(_schema(one) for one in tools if isinstance(one, FunctionTool))
        turns = _turns(items)
        acts = self._brain.reply(Conversation(turns, system_instructions or "", "", schemas))
        calls = [act for act in acts if isinstance(act, CallTool)]
        words = " ".join(act.text for act in acts if isinstance(act, Speak))
        output: list[ResponseOutputItem] = [self._call(act) for act in calls] if calls else [self._message(words)]
        read = len(system_instructions or "") + sum(len(turn.text) for turn in turns)
        return ModelResponse(output, _usage(read, len(words)), f"resp_{next(self._numbers)}")

    def stream_response(self, *_given: Any, **_named: Any) -> AsyncIterator[TResponseStreamEvent]:
        """Nobody reads WhatsApp letter by letter."""
        raise NotImplementedError("this model answers whole")

    def _call(self, act: CallTool) -> ResponseFunctionToolCall:
        number = next(self._numbers)
        arguments = msgspec.json.encode(act.arguments).decode()
        return ResponseFunctionToolCall(
            id=f"fc_{number}", call_id=f"call_{number}", type="function_call", name=act.name, arguments=arguments
        )

    def _message(self, text: str) -> ResponseOutputMessage:
        part = ResponseOutputText(text=text, type="output_text", annotations=[])
        return ResponseOutputMessage(
            id=f"msg_{next(self._numbers)}", type="message", role="assistant", status="completed", content=[part]
        )


def _schema(tool: FunctionTool) -> dict[str, Any]:
    return {"name": tool.name, "parameters": tool.params_json_schema}


def _turns(items: Sequence[Any]) -> tuple[Turn, ...]:
    """The items as the brain takes them."""
    names = {item["call_id"]: item["name"] for item in items if item.get("type") == "function_call"}
    return tuple(_turn(item, names) for item in items)


def _turn(item: Any, names: dict[str, str]) -> Turn:
    if item.get("type") == "function_call":
        return Turn("tool_call", item["arguments"], item["name"], item["call_id"])
    if item.get("type") == "function_call_output":
        return Turn("tool_output", str(item["output"]), names.get(item["call_id"], ""), item["call_id"])
    who = _WHO.get(item.get("role", ""), "note")
    return Turn(who, _text(item.get("content", "")))


def _text(content: Any) -> str:
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)


def _usage(read: int, written: int) -> Usage:
    tokens_in, tokens_out = read // _LETTERS_A_TOKEN, written // _LETTERS_A_TOKEN
    return Usage(requests=1, input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=tokens_in + tokens_out)
