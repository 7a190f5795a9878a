"""The assistant in writing, on the OpenAI Agents SDK: same prompt builder, same tools, same truth about bookings.

It acts for the business and the lead of its conversation and for nobody else: neither is anything the model can say.
What it may do is checked before every tool, by code. It sends nothing and stores nothing; its answer is a value.
Never imported by the phone path.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

import msgspec
import structlog
from agents import (
    Agent,
    AgentsException,
    FunctionTool,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    Model,
    ModelProvider,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    Runner,
    RunResult,
    ToolExecutionConfig,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    TResponseInputItem,
    set_tracing_disabled,
)
from agents.tool_context import ToolContext as SdkToolContext
from openai import OpenAIError
from sqlalchemy import select

from agentlocator.assistant import claims, hebrew, instructions
from agentlocator.assistant.registry import Registry, ToolContext, ToolReply
from agentlocator.db.engine import Database
from agentlocator.db.schema import Conversation, ToolCall
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, leads, localtime, phones
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.receipts import Receipt
from agentlocator.whatsapp import outgoing, wording
from agentlocator.whatsapp.session import ThreadSession, tool_items

MAX_TURNS: Final = 8
MAX_TOOL_CALLS: Final = 10
MAX_OUTPUT_TOKENS: Final = 800
MAX_SAID: Final = 6000
THINK_S: Final = 60

_PHONE = re.compile(r"\+?\d[\d\-\s]{7,14}\d")
# A date has as many digits as a phone.
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?")
_ABOUT = """\
# בהתכתבות
- עונים רק בענייני העסק. בקשה אחרת: לומר בנימוס שכאן עוזרים רק בענייני העסק.
- כל תור וכל פרט שייכים לאדם שכותב כאן. אין דרך לפעול בשם אדם אחר או מול עסק אחר.
- מי שמבקש לדבר עם אדם: לומר שהשיחה סומנה לצוות.
- כותבים טקסט רגיל בלבד."""

_log = structlog.stdlib.get_logger("agentlocator.whatsapp")


class Turn(msgspec.Struct, frozen=True):
    """What is to be answered: the messages from `from_message_id` on, and how many tokens may still be spent."""

    profile: BusinessProfile
    conversation_id: int
    lead_id: int
    from_message_id: int
    said: tuple[str, ...]
    tokens_left: int


class Spoken(msgspec.Struct, frozen=True):
    """An answer. `outcome`: answered, failed, limit, or untrue; `items` are the tools that ran, as JSON."""

    text: str
    outcome: str
    items: str = "[]"
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


class TextAgent:
    """Answers turns. `model` is a model's name, taken to `provider`, or a model itself (a scripted one, offline)."""

    def __init__(
        self, db: Database, registry: Registry, model: str | Model, *, provider: ModelProvider | None = None
    ) -> None:
        # Traces would carry what people write to somebody else's server; so would the SDK's own log.
        set_tracing_disabled(True)
        logging.getLogger("openai.agents").setLevel(logging.WARNING)
        self._db = db
        self._registry = registry
        self._model = model
        self._provider = provider

    async def answer(self, turn: Turn, *, now: datetime) -> Spoken:
        """Think, act and answer. Never raises for what a model or its provider does wrong."""
        acting = _Acting(
            ToolContext(self._db, turn.profile.business_id, turn.lead_id, None, turn.conversation_id, "whatsapp", now),
            self._registry,
            turn,
        )
        try:
            async with asyncio.timeout(THINK_S):
                return await self._answer(turn, acting, now)
        except InputGuardrailTripwireTriggered:
            return Spoken(wording.LIMIT, "limit", model=self._name)
        except (AgentsException, OpenAIError, TimeoutError) as fault:
            _log.error("the text agent failed", conversation=turn.conversation_id, fault=type(fault).__name__)
            return Spoken(acting.instead(), "failed", model=self._name)

    async def _answer(self, turn: Turn, acting: _Acting, now: datetime) -> Spoken:
        async with self._db.reading(turn.profile.business_id) as scope:
            about_lead = await _about_lead(scope, turn, now)
            acting.receipts += await _receipts(scope, turn, now)
        agent = self._agent(turn.profile, about_lead, now)
        said: list[TResponseInputItem] = [{"role": "user", "content": text} for text in turn.said]
        session = ThreadSession(self._db, turn.profile.business_id, turn.conversation_id, turn.from_message_id)
        run = await self._run(agent, said, acting, session)
        items = [item.to_input_item() for item in run.new_items]
        usage = run.context_wrapper.usage
        text, outcome = str(run.final_output).strip(), "answered"
        spent_in, spent_out = usage.input_tokens, usage.output_tokens
        wrong = claims.check(text, acting.receipts)
        if wrong is not None:
            again: TResponseInputItem = {"role": "developer", "content": wrong.instruction}
            run = await self._run(agent, [again], acting, session)
            items += [item.to_input_item() for item in run.new_items]
            text = str(run.final_output).strip()
            spent_in += run.context_wrapper.usage.input_tokens
            spent_out += run.context_wrapper.usage.output_tokens
            wrong = claims.check(text, acting.receipts)
        if wrong is not None or not text:
            text, outcome = acting.instead(), "untrue"
        return Spoken(text, outcome, tool_items(items), self._name, spent_in, spent_out)

    async def _run(
        self, agent: Agent[_Acting], items: list[TResponseInputItem], acting: _Acting, session: ThreadSession
    ) -> RunResult:
        config = RunConfig(
            model=self._model,
            tracing_disabled=True,
            trace_include_sensitive_data=False,
            tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1),
        )
        if self._provider is not None:
            config.model_provider = self._provider
        return await Runner.run(agent, items, context=acting, max_turns=MAX_TURNS, run_config=config, session=session)

    def _agent(self, profile: BusinessProfile, about_lead: str, now: datetime) -> Agent[_Acting]:
        """Built for each turn: what one business says never reaches another's model."""
        prompt = "\n\n".join((instructions.build(profile, "whatsapp", now), _ABOUT, about_lead))
        return Agent(
            name="assistant",
            instructions=prompt,
            tools=[_tool(schema) for schema in self._registry.schemas()],
            model_settings=ModelSettings(parallel_tool_calls=False, store=False, max_tokens=MAX_OUTPUT_TOKENS),
            # Not beside the model but before it: a tool must not run while the guardrail still thinks.
            input_guardrails=[InputGuardrail(_within_limits, name="limits", run_in_parallel=False)],
        )

    @property
    def _name(self) -> str:
        return self._model if isinstance(self._model, str) else type(self._model).__name__


class _Acting:
    """The context of one turn, never shown to the model: on whose behalf it acts, and what came of it."""

    def __init__(self, context: ToolContext, registry: Registry, turn: Turn) -> None:
        self.context = context
        self.turn = turn
        self.receipts: list[Receipt] = []
        self.calls = 0
        self._registry = registry
        self._done: list[ToolReply] = []
        self._repeats: Counter[str] = Counter()

    async def invoke(self, name: str, arguments: str) -> str:
        """Run a tool. Its key follows from what is asked in which turn, so a turn taken up again does nothing twice."""
        digest = hashlib.sha256(f"{name}\n{arguments}".encode()).hexdigest()[:24]
        self._repeats[digest] += 1
        key = f"{_keys_of(self.turn)}{self.turn.from_message_id}:{digest}:{self._repeats[digest]}"
        reply = await self._registry.invoke(self.context, name, arguments, key)
        self.receipts += reply.known
        if reply.receipt is not None:
            self.receipts.append(reply.receipt)
            self._done.append(reply)
        return reply.for_model()

    def instead(self) -> str:
        """What is said when the model's own words cannot be: what was really done, and that a person will look."""
        return " ".join([*(reply.say for reply in self._done), wording.FAILED])


def _tool(schema: dict[str, Any]) -> FunctionTool:
    name = str(schema["name"])

    async def invoke(sdk: SdkToolContext[Any], arguments: str) -> str:
        return await cast("_Acting", sdk.context).invoke(name, arguments)

    return FunctionTool(
        name=name,
        description=schema["description"],
        params_json_schema=schema["parameters"],
        on_invoke_tool=invoke,
        # The registry reads arguments strictly itself, and allows fields to be left out.
        strict_json_schema=False,
        tool_input_guardrails=[ToolInputGuardrail(_may_act, name="may act")],
    )


def _within_limits(
    context: RunContextWrapper[_Acting], _agent: Agent[Any], _input: str | list[TResponseInputItem]
) -> GuardrailFunctionOutput:
    turn = context.context.turn
    is_over = turn.tokens_left <= 0 or sum(len(text) for text in turn.said) > MAX_SAID
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=is_over)


async def _may_act(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    """Before every tool: is the conversation still the assistant's, and does the model act on what was really said?"""
    acting = cast("_Acting", data.context.context)
    acting.calls += 1
    if acting.calls > MAX_TOOL_CALLS:
        return _refuse("too_many_tools")
    async with acting.context.db.reading(acting.context.business_id) as scope:
        conversation = await scope.get(Conversation, acting.turn.conversation_id)
        if conversation is None or conversation.lead_id != acting.context.lead_id:
            return _refuse("not_this_conversation")
        if conversation.answered_by != "assistant" or conversation.opted_out_at is not None:
            return _refuse("a_person_answers")
        if await outgoing.is_on_call(scope, acting.context.lead_id, now=acting.context.now):
            return _refuse("on_a_call")
        if not await _were_written(scope, acting, data.context.tool_arguments or ""):
            return _refuse("phone_not_given")
    return ToolGuardrailFunctionOutput.allow()


def _refuse(code: str) -> ToolGuardrailFunctionOutput:
    reply = ToolReply("את זה אי אפשר לעשות כאן עכשיו.", ok=False, code=code)
    return ToolGuardrailFunctionOutput.reject_content(reply.for_model())


async def _were_written(scope: Scope, acting: _Acting, arguments: str) -> bool:
    """Whether every phone the model hands to a tool is one this person wrote, or his own."""
    given = _phones(arguments)
    if not given:
        return True
    lead = await leads.show(scope, acting.context.lead_id)
    written = await outgoing.said_by_lead(scope, acting.turn.conversation_id)
    own = {lead.phone_e164} if lead is not None and lead.phone_e164 else set()
    return given <= own.union(*(_phones(text) for text in written))


def _phones(text: str) -> set[str]:
    """Every phone in a text, in E.164."""
    found = (phones.parse(one).e164 for one in _PHONE.findall(_DATE.sub(" ", text)))
    return {e164 for e164 in found if e164 is not None}


async def _about_lead(scope: Scope, turn: Turn, now: datetime) -> str:
    """What is known of who writes: from our rows, between marks where he chose the words himself."""
    lead = await leads.show(scope, turn.lead_id)
    coming = await appointments.upcoming_of(scope, turn.lead_id, now=now)
    lines = ["# מי כותב"]
    if lead is not None and lead.name:
        lines.append(f"השם שרשום: <data>{instructions.as_data(lead.name)}</data>")
    if lead is not None and lead.phone_e164 is None:
        lines.append("מספר הטלפון אינו ידוע.")
    if lead is not None and lead.last_call_at is not None:
        wall = localtime.to_wall(lead.last_call_at, turn.profile.timezone)
        lines.append(f"שיחת הטלפון האחרונה: {hebrew.spoken_slot(wall.replace(second=0, microsecond=0))}.")
    booked = [f"- {one.wall:%Y-%m-%dT%H:%M}, {hebrew.spoken_slot(one.wall)}" for one in coming]
    lines += ["תורים עתידיים:", *booked] if booked else ["אין תורים עתידיים."]
    return "\n".join(lines)


async def _receipts(scope: Scope, turn: Turn, now: datetime) -> list[Receipt]:
    """All that may be spoken of as done: this conversation's own receipts, then the appointments that stand."""
    replies: Sequence[dict[str, Any] | None] = await scope.all(
        select(ToolCall.reply).where(ToolCall.key.startswith(_keys_of(turn), autoescape=True)).order_by(ToolCall.id)
    )
    own = [msgspec.convert(reply, ToolReply).receipt for reply in replies if reply is not None]
    standing = await appointments.upcoming_of(scope, turn.lead_id, now=now)
    return [receipt for receipt in own if receipt is not None] + standing


def _keys_of(turn: Turn) -> str:
    """What the key of every tool call of this conversation begins with."""
    return f"whatsapp:{turn.conversation_id}:"
