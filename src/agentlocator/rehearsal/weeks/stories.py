"""What happens in a past call: a caller books, moves, asks, wants a person, or says nothing. One function each.

Each speaks into a dialogue, does what it does through the tools, and answers with how it ended.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from agentlocator.assistant import hebrew
from agentlocator.assistant.tool import ToolReply
from agentlocator.rehearsal.weeks.dialogue import Dialogue
from agentlocator.rehearsal.weeks.townsfolk import Trade

Tool = Callable[..., Awaitable[ToolReply]]

_THANKS: Final = ("לא, זה הכול. תודה רבה, להתראות", "זהו, תודה ולהתראות", "מעולה, תודה. ביי")
_BYE: Final = "תודה שהתקשרתם, להתראות."
_TAKES: Final = ("הראשון מתאים לי", "הראשון מצוין, תודה", "אני לוקחת את הראשון")
_OTHERS: Final = ("השני עדיף לי", "אפשר את השני?", "השני מתאים")


class Caller(msgspec.Struct, frozen=True):
    """Somebody on the line. `coming` says that he has an appointment still to come."""

    name: str
    is_known: bool
    town: str
    coming: bool


class Ending(msgspec.Struct, frozen=True):
    """How a call ended, and what there is to tell of it."""

    outcome: str
    summary: str
    detail: str = ""


Story = Callable[[Trade, Caller, Dialogue, Tool, random.Random], Awaitable[Ending]]


async def books(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller asks for an appointment and takes one of the times."""
    service, wish = rng.choice(trade.wishes)
    call.greets(trade.greeting)
    call.says(f"שלום, {wish}")
    found = await tool("calendar_find_slots", service=service, **_wished(call.now, rng))
    slots: list[dict[str, Any]] = found.data.get("slots", [])
    if rng.random() < 0.16:
        call.is_interrupted(found.say)
        call.says("רגע, מה השעה הראשונה שאמרת?")
    call.answers(found.say, after_tool=True)
    if not slots:
        return await _leaves_details(caller, service, call, tool)
    takes_second = len(slots) > 1 and rng.random() < 0.3
    call.says(rng.choice(_OTHERS if takes_second else _TAKES))
    asked = {} if caller.is_known else {"name": caller.name}
    if not caller.is_known:
        call.answers("בשמחה. על איזה שם לרשום?")
        call.says(f"על שם {caller.name}")
    booked = await tool(
        "calendar_create_appointment", start=slots[1 if takes_second else 0]["start"], service=service, **asked
    )
    call.answers(f"{booked.say} אפשר לעזור בעוד משהו?", after_tool=True)
    if not caller.is_known and rng.random() < 0.5:
        call.says(f"כן, תרשמי שאני מ{caller.town}")
        written = await tool("leads_upsert", city=caller.town)
        call.answers(f"{written.say} עוד משהו?", after_tool=True)
    if booked.receipt is None:
        call.says("טוב, אתקשר אחר כך")
        return Ending("caller_hung_up", f"ביקשו {service} ולא נמצא מועד.")
    return _goodbye(call, rng, f"נקבע תור ל{service}: {hebrew.spoken_slot(booked.receipt.wall)}.")


async def moves(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller moves the appointment that he has."""
    del caller
    call.greets(trade.greeting)
    call.says("שלום, יש לי תור ואני צריך להזיז אותו")
    known = await tool("leads_search")
    call.answers(f"{known.say} לאיזה יום להעביר?", after_tool=True)
    call.says("כמה ימים אחרי זה, אם אפשר")
    first = known.data["appointments"][0]["start"]
    later = (datetime.fromisoformat(first) + timedelta(days=rng.randint(2, 5))).date().isoformat()
    found = await tool("calendar_find_slots", date=later)
    call.answers(found.say, after_tool=True)
    slots: list[dict[str, Any]] = found.data.get("slots", [])
    if not slots:
        call.says("אז שיישאר כמו שהוא, תודה")
        return _goodbye(call, rng, "ביקשו להזיז תור. לא נמצא מועד אחר, והתור נשאר.")
    call.says(rng.choice(_TAKES))
    moved = await tool("appointments_reschedule", start=slots[0]["start"], current_start=first)
    call.answers(f"{moved.say} אפשר לעזור בעוד משהו?", after_tool=True)
    return _goodbye(call, rng, moved.say)


async def cancels(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller cancels the appointment that he has."""
    del caller
    call.greets(trade.greeting)
    call.says("היי, אני צריכה לבטל את התור שלי")
    known = await tool("leads_search")
    call.answers(f"{known.say} לבטל אותו?", after_tool=True)
    call.says("כן, לבטל. משהו השתנה בעבודה")
    first = known.data["appointments"][0]["start"]
    gone = await tool("appointments_cancel", current_start=first, reason="משהו השתנה בעבודה")
    call.answers(f"{gone.say} לקבוע מועד אחר?", after_tool=True)
    call.says("לא כרגע, אתקשר")
    return _goodbye(call, rng, gone.say)


async def asks(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller wants to know something."""
    del caller, tool
    call.greets(trade.greeting)
    asked = rng.sample(trade.questions, k=rng.choice((1, 1, 2)))
    for question, answer in asked:
        call.says(question)
        call.answers(answer)
    call.says(rng.choice(_THANKS))
    call.answers(_BYE)
    return Ending("caller_hung_up", "שאלה: " + " ".join(question for question, _ in asked))


async def wants_a_person(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller is put through."""
    urgent = rng.choice(trade.urgent)
    call.greets(trade.greeting)
    call.says(f"שלום, {urgent}")
    written = await tool("leads_upsert", name=caller.name, need=urgent)
    call.answers(f"{written.say} רגע אחד, השיחה מועברת.", after_tool=True)
    return Ending("transferred", f"הועבר לאדם: {urgent}")


async def says_nothing(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """Nobody speaks: two questions, and a goodbye."""
    del caller, tool, rng
    call.greets(trade.greeting)
    for _ in range(2):
        call.waits(7_000)
        call.greets("אתם עדיין איתי? במה אפשר לעזור?")
    call.waits(7_000)
    call.greets(_BYE)
    return Ending("caller_silent", "")


async def hangs_up_early(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """A caller is gone before the greeting is through."""
    del caller, tool
    call.greets(trade.greeting, cut_after_ms=rng.randint(900, 2400))
    return Ending("caller_hung_up", "")


async def is_cut_off(trade: Trade, caller: Caller, call: Dialogue, tool: Tool, rng: random.Random) -> Ending:
    """The model's connection fails for good: the caller is sent where a person may be."""
    del caller, tool
    call.greets(trade.greeting)
    call.says(rng.choice(trade.wishes)[1])
    call.waits(4_000)
    call.alarms.append("model_lost: no answer within 4000 ms")
    return Ending("model_lost", "", "no answer within 4000 ms")


async def _leaves_details(caller: Caller, service: str, call: Dialogue, tool: Tool) -> Ending:
    call.says("אז שיחזרו אליי כשיתפנה משהו")
    written = await tool("leads_upsert", name=caller.name, need=service, notes="לחזור כשמתפנה תור")
    call.answers(written.say, after_tool=True)
    return Ending("caller_hung_up", f"ביקשו {service}, לא היה תור פנוי. לחזור.")


def _goodbye(call: Dialogue, rng: random.Random, summary: str) -> Ending:
    call.says(rng.choice(_THANKS))
    call.answers(_BYE)
    return Ending(rng.choice(("assistant_hung_up", "assistant_hung_up", "caller_hung_up")), summary)


def _wished(now: datetime, rng: random.Random) -> dict[str, str | None]:
    """Most take the soonest; others name a day, an hour, or both."""
    day = (now + timedelta(days=rng.randint(1, 12))).date().isoformat() if rng.random() < 0.65 else None
    hour = rng.choice(("09:30", "11:00", "12:30", "14:00", "15:30", "16:00")) if rng.random() < 0.6 else None
    return {"date": day, "time": hour}


# How often each happens, of a hundred calls.
USUAL: Final[tuple[tuple[Story, int], ...]] = (
    (books, 55),
    (asks, 20),
    (wants_a_person, 9),
    (hangs_up_early, 8),
    (says_nothing, 6),
    (is_cut_off, 2),
)
OF_THOSE_WHO_ARE_COMING: Final[tuple[tuple[Story, int], ...]] = ((moves, 55), (cancels, 20), (asks, 25))
