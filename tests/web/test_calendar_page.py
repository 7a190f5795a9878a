"""The calendar's feed and the appointments behind it: bounded, one business's own, and never two in one place."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from agentlocator.db.schema import Appointment, Call, Lead
from agentlocator.domain import appointments, schedules, services
from agentlocator.domain.appointments import Booking
from agentlocator.domain.receipts import Receipt
from agentlocator.domain.schedules import Override
from town import NOW
from web.office import HOSTILE, Office, csrf

pytestmark = pytest.mark.requirement("R51")

WEEK = "start=2026-11-22T00:00:00Z&end=2026-11-29T00:00:00Z"


async def feed(browser: httpx2.AsyncClient, office: Office, query: str = WEEK) -> list[dict[str, Any]]:
    answer = await browser.get(f"/b/{office.town.clinic}/calendar/feed?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def send(browser: httpx2.AsyncClient, office: Office, path: str, **form: str) -> httpx2.Response:
    form["csrf"] = await csrf(browser)
    return await browser.post(f"/b/{office.town.clinic}/calendar/{path}", data=form)


async def drag(browser: httpx2.AsyncClient, office: Office, start: str) -> httpx2.Response:
    headers = {"X-CSRF-Token": await csrf(browser), "Accept": "application/json"}
    there = f"/b/{office.town.clinic}/calendar/{office.appointment_id}/move"
    return await browser.post(there, data={"start": start}, headers=headers)


async def book(office: Office, start: str, **more: Any) -> int:
    async with office.town.db.scope(office.town.clinic) as scope:
        done = await appointments.book(scope, Booking(start, **more), now=NOW)
    assert isinstance(done, Receipt), done
    return done.appointment_id


async def test_the_feed_holds_the_week_in_the_business_s_own_clock(office: Office) -> None:
    await book(office, "2026-11-24T09:00")
    await book(office, "2026-11-25T09:00", by="owner@example.com")
    async with await office.browser_of("viewer") as viewer:
        found = await feed(viewer, office)
    assert [(one["start"], one["title"], one["extendedProps"]["sign"], one["editable"]) for one in found] == [
        ("2026-11-22T10:00:00", "דנה כהן", "phone", False),
        ("2026-11-24T09:00:00", "ללא שם", "chat", False),
        ("2026-11-25T09:00:00", "ללא שם", "people", False),
    ]


async def test_dates_that_are_special_are_in_the_feed_and_holidays_too(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        closed = Override((NOW.date().replace(day=24)), (), "owner", "השתלמות")
        await schedules.override_date(scope, closed, actor="test", now=NOW)
    async with await office.browser_of("viewer") as viewer:
        week = await feed(viewer, office)
        passover = await feed(viewer, office, "start=2027-04-18&end=2027-04-25")
    assert [one["title"] for one in week if one["className"] == "special"] == ["השתלמות · סגור"]
    assert [one["start"] for one in week if one["className"] == "off"] == ["2026-11-24T00:00:00"]
    assert [one["start"] for one in passover if one["className"] == "holiday"] == ["2027-04-22"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "start=x&end=y",
        "start=2026-01-01&end=2027-01-01",
        "start=2026-02-02&end=2026-02-01",
        "start=9999-12-01&end=9999-12-30",
    ],
)
async def test_the_feed_is_bounded(office: Office, query: str) -> None:
    async with await office.browser_of("viewer") as viewer:
        assert (await viewer.get(f"/b/{office.town.clinic}/calendar/feed?{query}")).status_code == 400


@pytest.mark.requirement("R30")
async def test_charlie_sees_nothing_of_the_clinic_s_week(office: Office) -> None:
    async with await office.browser_of("charlie") as charlie:
        answer = await charlie.get(f"/b/{office.town.charlie}/calendar/feed?{WEEK}")
        assert [one for one in answer.json() if "extendedProps" in one] == []
        token = await csrf(charlie)
        form = {"csrf": token, "lead": str(office.lead_id), "date": "2026-11-24", "time": "10:00"}
        assert (await charlie.post(f"/b/{office.town.charlie}/calendar/new", data=form)).status_code == 404


@pytest.mark.requirement("R23")
async def test_a_drag_onto_somebody_else_is_refused_and_one_into_the_evening_is_not(office: Office) -> None:
    await book(office, "2026-11-22T11:00")
    async with await office.browser_of("staff") as staff:
        refused = await drag(staff, office, "2026-11-22T11:15")
        past = await drag(staff, office, "2026-11-20T11:15")
        nonsense = await drag(staff, office, HOSTILE)
        skipped = await drag(staff, office, "2027-03-26T02:30")
        moved = await drag(staff, office, "2026-11-22T19:20")
        found = await feed(staff, office)
        page = (await staff.get(f"/b/{office.town.clinic}/calendar/{office.appointment_id}")).text
    assert (refused.status_code, refused.json()["words"]) == (409, "יש תור אחר בזמן הזה. שום דבר לא השתנה.")
    assert (past.status_code, past.json()["words"]) == (409, "המועד הזה כבר עבר. בחרו מאוחר יותר.")
    assert nonsense.status_code == skipped.status_code == 409
    assert (moved.status_code, moved.json()["words"]) == (200, "התור הועבר.")
    assert "2026-11-22T19:20:00" in [one["start"] for one in found]
    assert "הועבר אל" in page
    assert "staff@example.com" in page


async def test_the_page_says_who_when_and_from_which_call(office: Office) -> None:
    async with await office.browser_of("viewer") as viewer:
        page = (await viewer.get(f"/b/{office.town.clinic}/calendar/{office.appointment_id}")).text
    assert f"/b/{office.town.clinic}/calls/CA-dana" in page
    assert "10:00–10:30" in page
    assert "ביטול התור" not in page, "a viewer changes nothing"


async def test_a_form_that_cannot_move_it_offers_what_is_near(office: Office) -> None:
    await book(office, "2026-11-22T11:00")
    async with await office.browser_of("staff") as staff:
        there = f"{office.appointment_id}/move"
        answer = await send(staff, office, there, date="2026-11-22", time="11:15")
        assert answer.status_code == 422
        assert 'name="start" value="2026-11-22T11:30"' in answer.text
        assert (await send(staff, office, there, start="2026-11-22T11:30")).status_code == 303


async def test_a_cancelled_appointment_leaves_the_week_and_keeps_its_reason(office: Office) -> None:
    async with await office.browser_of("staff") as staff:
        there = f"{office.appointment_id}/cancel"
        assert (await send(staff, office, there, reason="ביקשה לבטל")).status_code == 303
        assert await feed(staff, office) == []
        page = (await staff.get(f"/b/{office.town.clinic}/calendar/{office.appointment_id}")).text
        assert (await send(staff, office, f"{office.appointment_id}/move", start="2026-11-23T10:00")).status_code == 422
    assert "ביקשה לבטל" in page
    assert "בוטל" in page


async def test_somebody_who_came_is_noted_once_the_hour_has_begun(office: Office) -> None:
    there = f"{office.appointment_id}/close"
    async with await office.browser_of("staff") as staff:
        assert (await send(staff, office, there, what="no_show")).status_code == 422
    office.hands.pass_(hours=16)
    async with await office.browser_of("staff") as staff:
        assert (await send(staff, office, there, what="x")).status_code == 422
        assert (await send(staff, office, there, what="came")).status_code == 303
        assert "התקיים" in (await staff.get(f"/b/{office.town.clinic}/calendar/{office.appointment_id}")).text


async def test_somebody_who_said_that_he_comes_is_noted_until_he_is_moved(office: Office) -> None:
    there = f"/b/{office.town.clinic}/calendar/{office.appointment_id}"
    async with await office.browser_of("viewer") as viewer, await office.browser_of("staff") as staff:
        assert "אישרו הגעה" not in (await viewer.get(there)).text
        assert "אישרו הגעה" in (await staff.get(there)).text
        assert (await send(staff, office, f"{office.appointment_id}/confirm")).status_code == 303
        page = (await staff.get(there)).text
        assert ">אושר<" in page
        assert "אישרו הגעה" not in page, "once is enough"
        assert (await send(staff, office, f"{office.appointment_id}/confirm")).status_code == 303

        await send(staff, office, f"{office.appointment_id}/move", date="2026-11-23", time="12:00")
        assert "אישרו הגעה" in (await staff.get(there)).text, "he said so of another hour"


async def test_nobody_confirms_what_is_over_or_was_cancelled(office: Office) -> None:
    over = await book(office, "2026-11-22T09:00")
    async with await office.browser_of("staff") as staff:
        await send(staff, office, f"{office.appointment_id}/cancel")
        assert (await send(staff, office, f"{office.appointment_id}/confirm")).status_code == 422
    office.hands.pass_(hours=20)
    async with await office.browser_of("staff") as staff:
        assert (await send(staff, office, f"{over}/confirm")).status_code == 422


async def test_somebody_at_the_desk_is_booked_by_hand_once(office: Office) -> None:
    form = {"phone": "050-765-4321", "name": "רות", "date": "2026-11-24", "time": "19:10", "once": "abc"}
    form["service"] = str(office.service_id)
    async with await office.browser_of("staff") as staff:
        first = await send(staff, office, "new", **form)
        again = await send(staff, office, "new", **form)
        over = await send(staff, office, "new", **(form | {"once": "def"}))
        unreadable = await send(staff, office, "new", **(form | {"once": "ghi", "phone": "שלום"}))
        page = (await staff.get(first.headers["location"])).text
        found = await feed(staff, office)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    assert (over.status_code, unreadable.status_code) == (422, 422)
    assert "זה לא מספר טלפון" in unreadable.text
    assert "רות" in page
    assert "נקבע ידנית" in page
    assert [one["title"] for one in found] == ["דנה כהן", "רות"]


async def test_a_hand_booking_that_is_refused_leaves_nobody_behind(office: Office) -> None:
    taken = {"phone": "052-7654321", "name": "נועה חדשה", "date": "2026-11-22", "time": "10:00", "once": "a"}
    async with await office.browser_of("staff") as staff:
        refused = await send(staff, office, "new", **taken)
        assert refused.status_code == 422
        assert "נועה חדשה" in refused.text, "what was typed is still there"
        people = (await staff.get(f"/b/{office.town.clinic}/leads?q=0527654321")).text
        assert "052-7654321" not in people.partition("<ul")[2]
        booked = await send(staff, office, "new", **{**taken, "time": "11:00"})
        assert booked.status_code == 303
        assert "052-7654321" in (await staff.get(f"/b/{office.town.clinic}/leads?q=0527654321")).text


async def test_a_person_s_page_leads_to_an_appointment_for_him(office: Office) -> None:
    there = f"/b/{office.town.clinic}/calendar/new?lead={office.lead_id}"
    async with await office.browser_of("staff") as staff, await office.browser_of("viewer") as viewer:
        assert there in (await staff.get(f"/b/{office.town.clinic}/leads/{office.lead_id}")).text
        assert "דנה כהן" in (await staff.get(there)).text
        assert there not in (await viewer.get(f"/b/{office.town.clinic}/leads/{office.lead_id}")).text


async def test_what_a_test_call_booked_and_kept_says_so(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await scope.changed(update(Call).where(Call.call_sid == "CA-dana").values(is_test=True))
    async with await office.browser_of("viewer") as viewer:
        [seen] = await feed(viewer, office)
        page = (await viewer.get(f"/b/{office.town.clinic}/calendar/{office.appointment_id}")).text
    assert (seen["extendedProps"]["sign"], seen["extendedProps"]["source"]) == ("talk", "בשיחת בדיקה")
    assert "בשיחת בדיקה" in page


async def test_whoever_is_free_takes_it(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await services.write_resource(scope, None, "שיננית", actor="test", now=NOW)
    async with await office.browser_of("staff") as staff:
        form = {"lead": str(office.lead_id), "date": "2026-11-22", "time": "10:00", "once": "x"}
        answer = await send(staff, office, "new", **form)
        assert "שיננית" in (await staff.get(answer.headers["location"])).text


async def test_hostile_names_stay_words(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await scope.changed(update(Lead).values(name=HOSTILE * 100))
        await scope.changed(update(Appointment).values(notes=HOSTILE * 100))
    async with await office.browser_of("owner") as owner:
        for path in ("calendar", f"calendar/{office.appointment_id}", f"calendar/new?lead={office.lead_id}"):
            page = (await owner.get(f"/b/{office.town.clinic}/{path}")).text
            assert "<script>alert" not in page
            assert "49" not in page.split("<main")[1].split("{{ 7*7 }}")[0][-3:]
        assert len((await feed(owner, office))[0]["title"]) <= 120
