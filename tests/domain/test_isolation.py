"""Charlie sees nothing: every verb and every tool, driven from another business with the clinic's own ids and names.

The verbs are found, not listed: a new one that takes a scope is driven too, or this test asks for its arguments.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy import inspect as look_into
from sqlalchemy.exc import IntegrityError

import agentlocator.domain
from agentlocator.assistant.registry import Registry
from agentlocator.db import Database, Scope
from agentlocator.db.schema import Row
from agentlocator.domain import (
    absences,
    appointments,
    audit,
    calls,
    conversations,
    leads,
    outbox,
    prompts,
    readiness,
    schedules,
    services,
    verification,
)
from agentlocator.domain.appointments import Booking
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import BadSetting, Override, Settings
from agentlocator.domain.services import Terms
from databases import look
from town import DANA, NOW, Caller, Town, ring

pytestmark = [pytest.mark.requirement("R30"), pytest.mark.requirement("R24")]

SECRET = "קליניקה-סודית"
START = "2026-11-24T10:30"
Verb = Callable[..., Awaitable[Any]]

# Takes a row, not an id: a row of another business cannot be had in the first place.
NEEDS_A_ROW = {"stages.advance"}


def verbs() -> dict[str, Verb]:
    """Every public coroutine of the domain whose first argument is a scope."""
    found = {}
    for module in pkgutil.iter_modules(agentlocator.domain.__path__):
        loaded = importlib.import_module(f"agentlocator.domain.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.iscoroutinefunction):
            is_public = not name.startswith("_") and function.__module__ == loaded.__name__
            if is_public and next(iter(inspect.signature(function).parameters), "") == "scope":
                found[f"{module.name}.{name}"] = function
    return {name: verb for name, verb in found.items() if name not in NEEDS_A_ROW}


VERBS = verbs()


class Victim(msgspec.Struct):
    """The clinic with something in every table, and a copy of all of it."""

    town: Town
    arguments: dict[str, Any]
    before: dict[str, list[Any]]


@pytest.fixture
async def victim(town: Town) -> Victim:
    caller = await ring(town, town.clinic, DANA, "CA-clinic")
    async with town.db.scope(town.clinic) as scope:
        arguments = await furnish(scope, caller)
    await ring(town, town.charlie, "+972500000001", "CA-charlie")
    return Victim(town, arguments, await everything(town.db, town.clinic))


async def furnish(scope: Scope, caller: Caller) -> dict[str, Any]:
    """Give the clinic a row of every kind; answers, by argument name, what points at them."""
    by = By("person", SECRET)
    patch = Patch(name=SECRET, email=SECRET, city=SECRET, need=SECRET, notes=SECRET)
    await leads.upsert(scope, caller.lead_id, patch, by=by, now=NOW)
    service_id = await services.add_service(scope, SECRET, duration_min=30)
    resource_id = await services.add_resource(scope, SECRET)
    absence_id = await absences.add(
        scope, resource_id, starts_at=NOW, ends_at=NOW + timedelta(hours=1), note=SECRET, actor="x", now=NOW
    )
    booking = Booking(START, lead_id=caller.lead_id, service_id=service_id, notes=SECRET, key=SECRET, by=SECRET)
    booked = await appointments.book(scope, booking, now=NOW)
    assert isinstance(booked, Receipt)
    thread = await conversations.of_lead(scope, caller.lead_id, now=NOW)
    await conversations.say(
        scope, thread.id, channel="whatsapp", author="lead", body=SECRET, now=NOW, external_uid=SECRET
    )
    await calls.record_turn(scope, call_sid=caller.call_sid, key="item_1", speaker="caller", text=SECRET, at=NOW)
    await calls.consume_stream_token(scope, call_sid=caller.call_sid, token_digest=SECRET, now=NOW)
    await outbox.put(scope, kind=SECRET, key=SECRET, payload={"secret": SECRET}, now=NOW)
    await verification.answer(scope, asked_in=SECRET, phone_raw=DANA, wall_start=START, now=NOW)
    override = Override(date(2026, 12, 6), (), "vacation", SECRET)
    await schedules.override_date(scope, override, actor=SECRET, now=NOW)
    await prompts.draft(scope, greeting=SECRET, custom_prompt=SECRET, actor=SECRET, now=NOW)
    await prompts.publish(scope, actor="owner", now=NOW)
    await readiness.begin(scope, key=SECRET, caller_e164="+972500000000", version=SECRET, now=NOW)
    lead = await leads.show(scope, caller.lead_id)
    assert lead is not None
    history = await audit.history(scope, "appointment", booked.appointment_id)
    assert history
    return {
        "lead_id": caller.lead_id,
        "call_sid": caller.call_sid,
        "stage_id": lead.stage_id,
        "service_id": service_id,
        "resource_id": resource_id,
        "absence_id": absence_id,
        "appointment_id": booked.appointment_id,
        "besides": booked.appointment_id,
        "conversation_id": thread.id,
        "row_id": 1,
        "entity": "appointment",
        "entity_id": booked.appointment_id,
        "booking": Booking(START, caller.lead_id, service_id, resource_id=resource_id, key="another"),
        "start": "2026-11-24T12:00",
        "starts_at": booked.starts_at,
        "ends_at": booked.ends_at,
        "starts_from": NOW - timedelta(days=400),
        "until": NOW + timedelta(days=400),
        "asked_in": SECRET,
        "wall_start": START,
        "token_digest": "another",
        "external_uid": SECRET,
        "key": "item_2",
        "key_prefix": "",
        "patch": Patch(name="נגנב"),
        "by": By("person", "charlie"),
        "phone_raw": DANA,
        "from_raw": "+972500000009",
        "to_e164": "+97235550101",
        "number": "+97235550199",
        "to_number": 1,
        "settings": Settings(slot_interval_min=20),
        "override": Override(date(2026, 12, 6), (), "owner", ""),
        "week": {0: [(600, 660)]},
        "days": [0],
        "on_date": date(2026, 12, 6),
        "source": "vacation",
        "content": b"phone,name\n0541234567,x\n",
        "now": NOW + timedelta(minutes=1),
        "at": NOW,
        "spoken": "בדיקה",
        "query": "קליניקה",
        "name": "אחר",
        "label": "x",
        "actor": "charlie",
        "text": "x",
        "body": "x",
        "kind": "x",
        "payload": {},
        "status": "completed",
        "outcome": "x",
        "did": "ended",
        "error": "x",
        "speaker": "caller",
        "author": "lead",
        "channel": "whatsapp",
        "delivery": "x",
        "answering": "person",
        "greeting": "x",
        "custom_prompt": "x",
        "duration_min": 30,
        "active": False,
        "terms": Terms("x", 30),
        "phone_e164": DANA,
        "caller_e164": DANA,
        "version": "x",
        "before": readiness.Found(),
        "passed": True,
        "verdicts": {},
        "document": "x",
        "page": "x",
        "typed": {"dead_air": "5"},
        "daily": "5",
        "monthly": "50",
        "at_cap": "warn",
        "since": NOW - timedelta(days=1),
        "most": 50,
        "limit": 50,
        "day_began": NOW - timedelta(days=1),
        "month_began": NOW - timedelta(days=30),
    }


async def everything(db: Database, business_id: int) -> dict[str, list[Any]]:
    """All rows of one business, read past every guard."""

    def rows(connection: Connection) -> dict[str, list[Any]]:
        found = {}
        for table in Row.metadata.sorted_tables:
            key = "id" if table.name == "business" else "business_id"
            if key not in table.columns:
                continue  # the installation's own, such as who may log in
            statement = text(f"SELECT * FROM {table.name} WHERE {key} = {business_id} ORDER BY id")  # noqa: S608  (our own names)
            found[table.name] = [tuple(row) for row in connection.execute(statement)]
        return found

    return await look(db, rows)


async def drive(victim: Victim, intruder: int, name: str) -> Any:
    """Call a verb in the intruder's scope with the clinic's ids; a refusal of the database is an answer too."""
    parameters = list(inspect.signature(VERBS[name]).parameters.values())[1:]
    required = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    given = {one.name: victim.arguments[one.name] for one in parameters if one.name in victim.arguments}
    missing = [one for one in required if one not in given]
    assert not missing, f"tell this test what {name} takes for {missing}"
    positional = [
        given.pop(one.name) for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD and one.name in given
    ]
    try:
        return await victim.town.db.write(intruder, lambda scope: VERBS[name](scope, *positional, **given))
    except (BadSetting, IntegrityError) as refused:
        return type(refused).__name__


def told(answer: Any) -> Iterator[str]:
    """Everything an answer tells, as text."""
    if isinstance(answer, Row):
        yield from (str(value) for value in look_into(answer).dict.values())
    elif isinstance(answer, list | tuple | set):
        for one in answer:
            yield from told(one)
    else:
        yield str(answer)


ELSEWHERE = frozenset(
    {"membership", "entry_link", "operator_entry", "whatsapp_line", "whatsapp_contact", "whatsapp_message", "answer"}
)


def test_every_table_of_the_clinic_has_something_to_steal(victim: Victim) -> None:
    empty = {table for table, rows in victim.before.items() if not rows}
    # No verb of the domain fills these: the tools, the accounts and WhatsApp have thieves in tests of their own.
    assert empty == {"tool_call"} | {table for table in empty if table in ELSEWHERE}


def test_the_verbs_are_found() -> None:
    assert len(VERBS) >= 60
    assert {"appointments.book", "leads.search", "calls.finish_call", "calendar_feed.feed"} <= set(VERBS)


@pytest.mark.parametrize("who", ["charlie", "garage"])
async def test_every_verb_sees_and_touches_only_its_own(victim: Victim, who: str) -> None:
    for name in VERBS:
        answer = await drive(victim, getattr(victim.town, who), name)
        assert not any(SECRET in one for one in told(answer)), name
    assert await everything(victim.town.db, victim.town.clinic) == victim.before


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=12),
    who=st.sampled_from(["charlie", "garage"]),
)
async def test_no_order_of_verbs_opens_a_door(victim: Victim, names: list[str], who: str) -> None:
    for name in names:
        answer = await drive(victim, getattr(victim.town, who), name)
        assert not any(SECRET in one for one in told(answer)), name
    assert await everything(victim.town.db, victim.town.clinic) == victim.before


ARGUMENTS: dict[str, dict[str, object]] = {
    "calendar_find_slots": {"date": "2026-11-24", "time": "10:30", "service": SECRET},
    "calendar_create_appointment": {"start": START, "service": None, "name": SECRET},
    "appointments_reschedule": {"start": "2026-11-24T12:00", "current_start": START, "booked_phone": DANA},
    "appointments_cancel": {"current_start": START, "booked_phone": DANA},
    "leads_upsert": {"name": "נגנב", "name_confirmed": True},
    "leads_search": {},
}


@pytest.mark.parametrize("is_forged", [False, True], ids=["with its own lead", "with a forged lead"])
@pytest.mark.parametrize("from_raw", [DANA, "anonymous"], ids=["the same phone", "a withheld phone"])
async def test_every_tool_sees_and_touches_only_its_own(victim: Victim, is_forged: bool, from_raw: str) -> None:
    caller = await ring(victim.town, victim.town.charlie, from_raw, "CA-intruder")
    if is_forged:
        caller.lead_id = victim.arguments["lead_id"]
    assert {schema["name"] for schema in Registry().schemas()} == set(ARGUMENTS)
    for tool, arguments in ARGUMENTS.items():
        reply = await caller.asks_raw(tool, msgspec.json.encode(arguments).decode())
        if tool != "calendar_create_appointment":
            assert SECRET not in f"{reply.say} {reply.data} {reply.receipt}", tool
    assert await everything(victim.town.db, victim.town.clinic) == victim.before
