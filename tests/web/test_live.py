"""The calls that run now, over real sockets: who may watch, listen and step in, and when a stream ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from agentlocator.db.schema import Audit
from agentlocator.simulator.speech import Voice
from agentlocator.web.pages import live
from voice.stranger import CLINIC
from web.office import csrf
from web.studio import ASKS, PATIENCE_S, Studio, eventually, opened

pytestmark = pytest.mark.requirement("R51")

DESK = "דלפק הקבלה"


@pytest.fixture
async def studio(
    tmp_path: Path, voice: Voice, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Studio]:
    monkeypatch.setattr(live, "RECHECK_S", 0.2)
    async with opened(tmp_path, voice, sqlite_template) as made:
        yield made


@asynccontextmanager
async def following(browser: httpx2.AsyncClient, address: str) -> AsyncIterator[AsyncIterator[list[dict[str, Any]]]]:
    """A page's event stream, event by event; it ends when the server ends it."""
    async with browser.stream("GET", f"{address}/live/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")

        async def events() -> AsyncIterator[list[dict[str, Any]]]:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

        yield events()


async def told(events: AsyncIterator[list[dict[str, Any]]], *wanted: str) -> list[dict[str, Any]]:
    """Everything that is told, until all of these words have been."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        async for event in events:
            heard += event
            if all(word in json.dumps(heard, ensure_ascii=False) for word in wanted):
                return heard
    raise AssertionError(f"the stream ended before it told {wanted}")


async def test_a_call_is_read_along_as_it_is_spoken(studio: Studio) -> None:
    async with await studio.browser_of("viewer") as viewer, following(viewer, studio.clinic) as events:
        assert await anext(events) == []
        async with studio.call("CA1", says=ASKS):
            heard = await told(events, "שלום.", ASKS, "calendar_find_slots")
        heard += await told(events, "הסתיימה")
    first = next(one for one in heard if "who" in one)
    assert first["who"]["phone"] == "050-1234567"
    floors = [one["floor"] for one in heard]
    assert floors[-1] == "over"
    assert {"assistant", "caller"} <= set(floors)
    assert heard[-1]["ending"] == "המתקשר סיים"


async def test_a_page_opened_late_is_told_what_was_said_before(studio: Studio) -> None:
    async with studio.call("CA1", says=ASKS):
        await eventually(lambda: "caller" in studio.spoken("CA1"))
        async with await studio.browser_of("owner") as owner, following(owner, studio.clinic) as events:
            assert await anext(events) == []
            (call,) = await anext(events)
    assert [line["speaker"] for line in call["lines"]][:2] == ["assistant", "caller"]


@pytest.mark.requirement("R30")
async def test_charlie_is_told_nothing_of_the_clinic_s_calls(studio: Studio) -> None:
    async with studio.call("CA1"), await studio.browser_of("charlie") as charlie:
        headers = {"X-CSRF-Token": await csrf(charlie)}
        own = studio.clinic.replace(f"/b/{studio.office.town.clinic}", f"/b/{studio.office.town.charlie}")
        async with following(charlie, own) as events:
            assert await anext(events) == []
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):
                    await anext(events)
        for address in (studio.clinic, own):
            assert (await charlie.get(f"{address}/live/CA1/sound")).status_code == 404
            assert (await charlie.post(f"{address}/live/CA1/end", headers=headers)).status_code == 404
            transfer = await charlie.post(f"{address}/live/CA1/transfer", headers=headers, data={"to": DESK})
            assert transfer.status_code == 404
        assert (await charlie.get(f"{studio.clinic}/live/stream")).status_code == 404
        assert not studio.house.session("CA1").call.over


async def test_a_viewer_reads_and_neither_listens_nor_steps_in(studio: Studio) -> None:
    async with studio.call("CA1"), await studio.browser_of("viewer") as viewer:
        headers = {"X-CSRF-Token": await csrf(viewer)}
        assert (await viewer.get(f"{studio.clinic}/live/CA1/sound")).status_code == 403
        for act in ("end", "transfer"):
            assert (await viewer.post(f"{studio.clinic}/live/CA1/{act}", headers=headers)).status_code == 403
        assert not studio.house.session("CA1").call.over


async def test_nobody_who_is_not_logged_in_hears_a_thing(studio: Studio) -> None:
    async with studio.call("CA1"), studio.browser() as nobody:
        for path in ("live", "live/stream", "live/CA1/sound"):
            answer = await nobody.get(f"{studio.clinic}/{path}")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_a_log_out_ends_what_was_being_watched_and_heard(studio: Studio) -> None:
    async with studio.call("CA1"), await studio.browser_of("staff") as staff:
        token = await csrf(staff)
        async with (
            following(staff, studio.clinic) as events,
            staff.stream("GET", f"{studio.clinic}/live/CA1/sound") as sound,
        ):
            await told(events, "CA1")
            await staff.post("/logout", data={"csrf": token})
            async with asyncio.timeout(PATIENCE_S):
                async for _ in events:
                    pass
                async for _ in sound.aiter_raw():
                    pass
        assert not studio.house.session("CA1").call.over


async def test_a_listener_hears_both_sides_byte_for_byte(studio: Studio) -> None:
    heard = b""
    async with (
        studio.call("CA1"),
        await studio.browser_of("staff") as staff,
        staff.stream("GET", f"{studio.clinic}/live/CA1/sound") as sound,
        asyncio.timeout(PATIENCE_S),
    ):
        async for piece in sound.aiter_raw():
            heard += piece
            if len(heard) >= 161 * 60:
                break
    pieces = [heard[at : at + 161] for at in range(0, len(heard) - 160, 161)]
    assert {piece[0] for piece in pieces} <= {0, 1, 2}
    assert b"\xff" * 160 in {piece[1:] for piece in pieces if piece[0] == 0}, "the silent caller"


async def test_a_listener_who_does_not_keep_up_loses_the_oldest_and_costs_no_memory(studio: Studio) -> None:
    async with studio.call("CA1"):
        audience = studio.house.deployment.audience
        with audience.listen(studio.office.town.clinic, "CA1") as ear:
            assert ear is not None
            rx = studio.house.session("CA1").call.line.rx
            await eventually(lambda: studio.house.session("CA1").call.line.rx > rx + 170)
            assert len(await ear.sound(1)) <= 150 * 161


async def test_a_person_hangs_up_and_the_audit_knows_who(studio: Studio) -> None:
    async with await studio.browser_of("staff") as staff:
        token = await csrf(staff)
        async with studio.call("CA1"):
            answer = await staff.post(f"{studio.clinic}/live/CA1/end", data={"csrf": token})
            assert answer.status_code == 303
            assert studio.house.session("CA1").call.over
        assert (await staff.post(f"{studio.clinic}/live/CA1/end", data={"csrf": token})).status_code == 404
    assert (await studio.house.written("CA1")).outcome == "ended_by_person"
    twiml = await studio.house.stranger.post("/webhook/after_stream", CallSid="CA1", To=CLINIC)
    assert "Hangup" in twiml.text
    async with studio.house.deployment.db.reading(studio.office.town.clinic) as scope:
        noted = await scope.all(select(Audit).where(Audit.call_sid == "CA1", Audit.field == "ended"))
    assert [one.actor for one in noted] == ["staff@example.com"]


async def test_a_call_is_taken_over_at_a_number_of_the_business(studio: Studio) -> None:
    async with await studio.browser_of("owner") as owner:
        token = await csrf(owner)
        async with studio.call("CA1"):
            there = f"{studio.clinic}/live/CA1/transfer"
            wrong = await owner.post(there, data={"csrf": token, "to": "יוסי, מנהל המוסך"})
            assert wrong.status_code == 404
            assert (await owner.post(there, data={"csrf": token, "to": DESK})).status_code == 303
            await eventually(lambda: studio.house.session("CA1").call.over)
    assert (await studio.house.written("CA1")).outcome == "transferred"
    twiml = await studio.house.stranger.post("/webhook/after_stream", CallSid="CA1", To=CLINIC)
    assert "+97235550199" in twiml.text


async def test_a_server_that_stops_does_not_wait_for_its_readers(studio: Studio) -> None:
    async with await studio.browser_of("viewer") as viewer, following(viewer, studio.clinic) as events:
        assert await anext(events) == []
        studio.house.deployment.audience.close()
        async with asyncio.timeout(PATIENCE_S):
            assert [event async for event in events] == []
