"""The one way to run a tool: whatever the model sends, there is a reply, and a repeat repeats it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from agentlocator.assistant.registry import Registry
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.db import Database, Scope
from agentlocator.db.schema import Appointment, ToolCall
from town import DANA, MOSHE, NOW, Town, ring

START = "2026-11-22T10:30"


@pytest.mark.requirement("R21")
def test_tools_look_as_the_realtime_api_takes_them() -> None:
    schemas = Registry().schemas()
    assert [schema["name"] for schema in schemas] == [
        "calendar_find_slots",
        "calendar_create_appointment",
        "appointments_reschedule",
        "appointments_cancel",
        "leads_upsert",
        "leads_search",
    ]
    for schema in schemas:
        assert set(schema) == {"type", "name", "description", "parameters"}
        assert schema["type"] == "function"
        assert schema["parameters"]["additionalProperties"] is False
        assert not {"business_id", "lead_id", "phone"} & set(schema["parameters"]["properties"])
    create = schemas[1]["parameters"]
    assert create["required"] == ["start"]
    assert "YYYY-MM-DDTHH:MM" in create["properties"]["start"]["description"]
    msgspec.json.encode(schemas)


async def test_the_same_key_gets_the_same_reply_and_does_nothing_more(town: Town) -> None:
    dana = await ring(town, town.clinic)
    first = await dana.asks("calendar_create_appointment", key="CA1:call_1", start=START)
    again = await dana.asks("calendar_create_appointment", key="CA1:call_1", start="2026-11-22T12:00")
    assert again == first
    refused = await dana.asks("calendar_create_appointment", key="CA1:call_2", start=START)
    async with town.db.scope(town.clinic) as scope:
        assert await scope.first(select(func.count(Appointment.id))) == 1
    assert await dana.asks("calendar_create_appointment", key="CA1:call_2", start=START) == refused


async def test_a_repeat_in_the_same_moment_books_once(town: Town) -> None:
    dana = await ring(town, town.clinic)
    replies = await asyncio.gather(
        *(dana.asks("calendar_create_appointment", key="CA1:call_1", start=START) for _ in range(8))
    )
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].ok


async def test_a_key_of_another_caller_or_tool_reveals_nothing(town: Town) -> None:
    dana, moshe = await ring(town, town.clinic, DANA, "CA1"), await ring(town, town.clinic, MOSHE, "CA2")
    await dana.asks("calendar_create_appointment", key="CA1:call_1", start=START)
    assert (await moshe.asks("calendar_create_appointment", key="CA1:call_1", start=START)).code == "key_reused"
    assert (await dana.asks("leads_search", key="CA1:call_1")).code == "key_reused"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("", "invalid_arguments"),
        ("{", "invalid_json"),
        ("null", "invalid_arguments"),
        ("[]", "invalid_arguments"),
        ('{"start": 7}', "invalid_arguments"),
        ('{"start": "2026-11-22T10:30", "business_id": 1}', "invalid_arguments"),
        ('{"start": "2026-11-22T10:30"} trailing', "invalid_json"),
        ('{"start": "\\ud800"}', "invalid_json"),
        ("[" * 5_000, "invalid_arguments"),
        ('{"start": "' + "x" * 30_000 + '"}', "invalid_json"),
        ("\ud800", "invalid_json"),
    ],
)
async def test_bad_arguments_get_a_code(town: Town, arguments: str, code: str) -> None:
    dana = await ring(town, town.clinic)
    reply = await dana.asks_raw("calendar_create_appointment", arguments)
    assert (reply.ok, reply.code, reply.receipt) == (False, code, None)
    assert reply.say


async def test_an_unknown_tool_gets_a_code(town: Town) -> None:
    dana = await ring(town, town.clinic)
    assert (await dana.asks("rm_rf")).code == "unknown_tool"


async def test_when_the_database_fails_the_caller_hears_a_sentence(tmp_path: object) -> None:
    database = await Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    context = ToolContext(database, 1, 1, "CA1", None, "call", NOW)
    reply = await Registry().invoke(context, "leads_search", "{}", "CA1:1")
    assert (reply.ok, reply.code) == (False, "temporarily_unavailable")


async def test_a_tool_that_fails_halfway_leaves_nothing(town: Town) -> None:
    async def fail(scope: Scope, context: ToolContext, _arguments: Arguments, _key: str) -> ToolReply:
        scope.add(ToolCall(key="inner", name="x", lead_id=context.lead_id, arguments="", at=NOW))
        await scope.flush()
        raise OperationalError("SELECT 1", None, Exception("disk full"))

    dana = await ring(town, town.clinic)
    context = ToolContext(town.db, town.clinic, dana.lead_id, "CA1", None, "call", NOW)
    reply = await Registry([Tool("fails", "", Arguments, fail)]).invoke(context, "fails", "{}", "CA1:1")
    assert reply.code == "temporarily_unavailable"
    async with town.db.reading(town.clinic) as scope:
        assert await scope.first(select(func.count(ToolCall.id))) == 0


def test_a_reply_for_the_model_is_json_without_the_receipt() -> None:
    reply = ToolReply("נקבע תור.", ok=True, data={"start": START})
    assert msgspec.json.decode(reply.for_model()) == {
        "say": "נקבע תור.",
        "ok": True,
        "code": "ok",
        "data": {"start": START},
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("start", "date", "time", "service", "name", "notes", "current_start", "booked_phone", "email", "x")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tool=st.sampled_from([schema["name"] for schema in Registry().schemas()]),
    arguments=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30) | anything, max_size=4),
)
async def test_no_arguments_make_an_exception(town: Town, tool: str, arguments: dict[str, object]) -> None:
    dana = await ring(town, town.clinic)
    reply = await dana.asks_raw(tool, msgspec.json.encode(arguments).decode())
    assert reply.code != "temporarily_unavailable"
    assert reply.say
