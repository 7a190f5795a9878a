"""The test call: who may make one, what it leaves behind, and that its door opens once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from agentlocator.assistant.registry import Registry
from agentlocator.call import commands as do
from agentlocator.db.schema import Appointment, Audit, Call, Lead
from agentlocator.domain import appointments, calls, services
from agentlocator.domain.appointments import Booking
from agentlocator.simulator.speech import Voice
from agentlocator.voice.switchboard import Switchboard
from voice.stranger import Line, Ticket, greeted
from web.office import csrf
from web.studio import ASKS, Studio, eventually, opened

pytestmark = pytest.mark.requirement("R51")

TAKES = "השעה הראשונה מתאימה לי"
POLICY_VIOLATION = 1008


@pytest.fixture
async def studio(tmp_path: Path, voice: Voice, sqlite_template: Path) -> AsyncIterator[Studio]:
    async with opened(tmp_path, voice, sqlite_template) as made:
        yield made


async def begun(browser: httpx2.AsyncClient, studio: Studio, bookings: str = "drop") -> tuple[str, Ticket]:
    """A test call that a page was given: its id, and what joins it."""
    form = {"csrf": await csrf(browser), "bookings": bookings}
    answer = await browser.post(f"{studio.clinic}/talk", data=form)
    assert answer.status_code == 200, answer.text
    given = answer.json()
    url = studio.office.house.public_url.replace("http", "ws") + given["media"]
    return given["call"], Ticket(url, {"token": given["token"]})


async def books(studio: Studio, call_sid: str, line: Line) -> None:
    """The owner asks for a time, takes the first one, and hears that it is his."""
    await line.converse(greeted)
    await line.converse(lambda _: "assistant" in studio.spoken(call_sid))
    await line.converse(
        lambda _: studio.spoken(call_sid).count("assistant") == 2, studio.voice.say(ASKS, "caller").audio
    )
    await line.converse(
        lambda _: studio.spoken(call_sid).count("assistant") == 3, studio.voice.say(TAKES, "caller").audio
    )
    await line.stop()


@pytest.mark.parametrize(("bookings", "status"), [("drop", "cancelled"), ("keep", "booked")])
async def test_what_a_test_call_books_is_taken_back_or_kept_as_was_chosen(
    studio: Studio, bookings: str, status: str
) -> None:
    async with await studio.browser_of("staff") as staff:
        call_sid, ticket = await begun(staff, studio, bookings)
        async with studio.house.stranger.line(ticket, call_sid) as line:
            await books(studio, call_sid, line)
        row = await studio.house.written(call_sid)
        assert row.is_test
        assert row.cost_micro_usd
        assert row.usage["transcribed_ms"] > 1_000, "what was written down of the caller is paid for too"
        await eventually(lambda: not studio.house.deployment.switchboard.live)
        (appointment,) = [one for one in await studio.house.rows(Appointment) if one.call_sid == call_sid]
        assert appointment.status == status
        today = (await staff.get(f"{studio.clinic}/today")).text
    assert "שיחת בדיקה" in today
    assert [lead.name for lead in await studio.house.rows(Lead) if lead.id == row.lead_id] == ["שיחת בדיקה"]


async def test_its_token_is_good_once_and_for_no_other_call(studio: Studio) -> None:
    async with await studio.browser_of("owner") as owner:
        first, ticket = await begun(owner, studio)
        second, _ = await begun(owner, studio)
        async with studio.house.stranger.line(ticket, second) as line:
            assert await line.closed() == POLICY_VIOLATION
        async with studio.house.stranger.line(ticket, first) as line:
            await line.converse(greeted)
            async with studio.house.stranger.line(ticket, first) as again:
                assert await again.closed() == POLICY_VIOLATION
            assert not studio.house.session(first).call.over


async def test_a_business_makes_only_so_many_at_once(studio: Studio) -> None:
    async with await studio.browser_of("owner") as owner, await studio.browser_of("charlie") as charlie:
        for _ in range(3):
            await begun(owner, studio)
        form = {"csrf": await csrf(owner)}
        refused = await owner.post(f"{studio.clinic}/talk", data=form)
        assert (refused.status_code, refused.text) == (409, "כבר מתנהלות כמה שיחות בדיקה. נסו שוב בעוד רגע.")
        own = f"{studio.office.house.public_url}/b/{studio.office.town.charlie}/talk"
        assert (await charlie.post(own, data={"csrf": await csrf(charlie)})).status_code == 200


@pytest.mark.requirement("R30")
async def test_who_may_not_is_told_so_and_no_call_begins(studio: Studio) -> None:
    async with studio.browser() as nobody:
        assert (await nobody.post(f"{studio.clinic}/talk")).headers["location"] == "/login"
    for who, status in (("viewer", 403), ("charlie", 404)):
        async with await studio.browser_of(who) as browser:
            form = {"csrf": await csrf(browser)}
            assert (await browser.post(f"{studio.clinic}/talk", data=form)).status_code == status
            assert (await browser.get(f"{studio.clinic}/talk")).status_code == status
    assert studio.house.sessions == []


async def test_the_microphone_is_for_our_own_pages_and_the_audit_knows_who_talked(studio: Studio) -> None:
    async with await studio.browser_of("owner") as owner:
        page = await owner.get(f"{studio.clinic}/talk")
        assert "microphone=(self)" in page.headers["permissions-policy"]
        call_sid, _ = await begun(owner, studio, "keep")
    async with studio.house.deployment.db.reading(studio.office.town.clinic) as scope:
        noted = await scope.all(select(Audit).where(Audit.call_sid == call_sid, Audit.field == "tested"))
    assert [(one.actor, one.new) for one in noted] == [("owner@example.com", "keeps its bookings")]


async def test_a_page_that_never_joins_leaves_nothing_running(studio: Studio) -> None:
    async with await studio.browser_of("owner") as owner:
        call_sid, _ = await begun(owner, studio)
    await eventually(lambda: any(isinstance(one, do.ReportSession) for one in studio.house.commands))
    studio.house.session(call_sid).hang_up("the page is gone")
    assert (await studio.house.written(call_sid)).outcome == "caller_hung_up"


@pytest.mark.parametrize(("keeps", "status"), [(False, "cancelled"), (True, "booked")])
async def test_a_test_whose_server_died_is_ended_at_the_next_start(studio: Studio, keeps: bool, status: str) -> None:
    now, db = datetime.now(UTC), studio.office.town.db
    async with db.scope(studio.office.town.clinic) as scope:
        facts = {calls.KEEPS_BOOKINGS: keeps}
        await calls.open_call(
            scope, call_sid="TESTdead", from_raw="browser", to_e164="", now=now, is_test=True, facts=facts
        )
        await appointments.place(
            scope,
            Booking(start="", call_sid="TESTdead"),
            starts_at=(now + timedelta(days=3)).replace(minute=0, second=0, microsecond=0),
            resource_id=(await services.resources(scope))[0].id,
            now=now,
        )
    async with Switchboard(studio.house.deployment.switchboard._line, db, Registry()).open():
        pass
    [row] = [one for one in await studio.house.rows(Call) if one.call_sid == "TESTdead"]
    assert (row.status, row.outcome) == ("finished", "failed")
    [appointment] = [one for one in await studio.house.rows(Appointment) if one.call_sid == "TESTdead"]
    assert appointment.status == status
