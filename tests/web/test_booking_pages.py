"""What an owner sets is what the next caller is offered; what cannot be kept says so beside its field."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from agentlocator.domain import audit, schedules, services
from town import NOW, ring
from web.office import HOSTILE, Office, csrf

pytestmark = pytest.mark.requirement("R51")

RULES = {
    "interval": "45",
    "length_min": "45",
    "notice_min": "2",
    "notice_unit": "hours",
    "horizon_days": "30",
    "daily_limit": "",
    "buffer_before_min": "0",
    "buffer_after_min": "10",
    "active-0": "yes",
    "from-0-0": "09:00",
    "to-0-0": "12:00",
    "from-0-1": "16:00",
    "to-0-1": "00:00",
}


async def send(browser: httpx2.AsyncClient, office: Office, path: str, **form: Any) -> httpx2.Response:
    form["csrf"] = await csrf(browser)
    return await browser.post(f"/b/{office.town.clinic}/{path}", data=form)


def times(page: str) -> list[str]:
    return re.findall(r"<b><bdi>(\d\d:\d\d)</bdi></b>", page)


@pytest.mark.requirement("R22")
async def test_the_preview_is_what_the_next_caller_hears(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        before = await send(owner, office, "booking/preview", **RULES)
        assert (await send(owner, office, "booking", **RULES)).status_code == 303
        after = (await owner.get(f"/b/{office.town.clinic}/booking")).text
    caller = await ring(office.town, office.town.clinic, call_sid="CA-next")
    offered = [slot["start"] for slot in (await caller.asks("calendar_find_slots")).data["slots"]]
    # Dana is there from 10:00 to 10:30; ten minutes are kept free after whoever comes at 9:00, none before her.
    assert times(before.text) == times(after) == [start[11:16] for start in offered] == ["09:00", "10:30", "11:15"]
    assert 'value="00:00"' in after


async def test_a_preview_saves_nothing(office: Office) -> None:
    async with await office.browser_of("viewer") as viewer:
        assert (await send(viewer, office, "booking/preview", **RULES)).status_code == 200
    async with office.town.db.reading(office.town.clinic) as scope:
        assert (await schedules.current(scope)).length_min == 30


async def test_an_owner_s_change_is_written_down_with_his_name(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        await send(owner, office, "booking", **RULES)
    async with office.town.db.reading(office.town.clinic) as scope:
        schedule = await schedules.current(scope)
        lines = [(line.actor, line.field) for line in await audit.history(scope, "schedule", schedule.id)]
    assert ("owner@example.com", "weekly") in lines
    assert ("owner@example.com", "notice_min") in lines
    assert schedule.notice_min == 120


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"to-0-0": "08:00"}, "שעת הסגירה לפני שעת הפתיחה"),
        ({"from-0-1": "11:00"}, "יש חפיפה"),
        ({"to-0-0": ""}, "מלאו גם שעת פתיחה וגם שעת סגירה"),
        ({"from-0-0": HOSTILE}, "כתבו שעות כמו 09:00"),
        ({"interval": "other", "slot_interval_min": "3"}, "בין 5 ל-480"),
        ({"length_min": "חצי שעה"}, "בין 5 ל-1440"),
        ({"horizon_days": "9999"}, "בין 0 ל-730"),
        ({"daily_limit": "0"}, "בין 1 ל-1000"),
        ({"notice_min": "9" * 400}, "עד שנה מראש"),
    ],
)
async def test_what_cannot_be_kept_is_said_beside_its_field_and_nothing_changes(
    office: Office, wrong: dict[str, str], words: str
) -> None:
    async with await office.browser_of("owner") as owner:
        answer = await send(owner, office, "booking", **(RULES | wrong))
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<script>alert" not in answer.text
    async with office.town.db.reading(office.town.clinic) as scope:
        assert (await schedules.current(scope)).length_min == 30


async def test_a_week_without_hours_says_why_nobody_can_be_booked(office: Office) -> None:
    shut = {field: value for field, value in RULES.items() if not field.startswith(("from", "to", "active"))}
    async with await office.browser_of("owner") as owner:
        assert "לאף יום אין שעות פעילות" in (await send(owner, office, "booking/preview", **shut)).text


async def test_a_service_is_added_changed_and_switched_off(office: Office) -> None:
    form = {"name": "טיפול שורש", "duration_min": "90", "price_ils": "1500"}
    async with await office.browser_of("owner") as owner:
        assert (await send(owner, office, "booking/services", **form)).status_code == 303
        twice = await send(owner, office, "booking/services", **form)
        assert (twice.status_code, "כבר יש אחד בשם הזה" in twice.text) == (422, True)
        async with office.town.db.reading(office.town.clinic) as scope:
            (root,) = [one for one in await services.all_services(scope) if one.name == "טיפול שורש"]
        there = f"booking/services/{root.id}"
        assert (await send(owner, office, there, **(form | {"duration_min": ""}))).status_code == 422
        assert (await send(owner, office, there, **(form | {"price_ils": "1700"}))).status_code == 303
    async with office.town.db.reading(office.town.clinic) as scope:
        changed = await services.find_service(scope, "טיפול שורש")
        assert changed is None, "an unticked service is not offered"
        (root,) = [one for one in await services.all_services(scope) if one.id == root.id]
    assert (root.price_ils, root.active) == (1700, False)


async def test_staff_keep_hours_of_their_own(office: Office) -> None:
    form = {"name": "שיננית", "own": "yes", "from-1-0": "10:00", "to-1-0": "14:00"}
    async with await office.browser_of("owner") as owner:
        assert (await send(owner, office, "booking/staff", **form)).status_code == 303
        nothing = await send(owner, office, "booking/staff", name="ריק", own="yes")
        wrong = await send(owner, office, "booking/staff", **(form | {"name": "הפוך", "to-1-0": "09:00"}))
        page = (await owner.get(f"/b/{office.town.clinic}/booking/staff")).text
    assert (nothing.status_code, wrong.status_code) == (422, 422)
    assert "שעת הסגירה לפני שעת הפתיחה" in wrong.text
    assert "שעות משלו" in page
    async with office.town.db.reading(office.town.clinic) as scope:
        assert [one.hours for one in await services.resources(scope)] == [[], [[1, 600, 840]]]


async def test_a_closed_date_a_vacation_and_a_way_back(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        one = {"first": "2026-11-22", "what": "closed", "note": HOSTILE}
        assert (await send(owner, office, "booking/dates", **one)).status_code == 303
        away = {"first": "2026-12-06", "last": "2026-12-08", "what": "hours", "from-0": "10:00", "to-0": "12:00"}
        assert (await send(owner, office, "booking/dates", **away)).status_code == 303
        page = (await owner.get(f"/b/{office.town.clinic}/booking/dates")).text
        preview = await owner.get(f"/b/{office.town.clinic}/booking")
        back = await send(owner, office, "booking/dates/clear", date="2026-11-22", source="owner")
        never = await send(owner, office, "booking/dates/clear", date="2026-11-22", source="owner")
    assert "<script>alert" not in page
    assert page.count("10:00–12:00") == 3
    assert "יום שני, 23 בנובמבר" in preview.text
    assert (back.status_code, never.status_code) == (303, 404)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first": ""}, "בחרו תאריך."),
        ({"first": "2026-11-20"}, "התאריך הזה כבר עבר"),
        ({"last": "2026-11-01"}, "היום האחרון לפני הראשון"),
        ({"last": "2028-01-01"}, "עד שלושה חודשים"),
        ({"what": "hours"}, "מלאו את השעות של אותו יום"),
        ({"what": "hours", "from-0": "12:00", "to-0": "10:00"}, "שעת הסגירה לפני"),
    ],
)
async def test_a_date_that_cannot_be_kept_says_why(office: Office, wrong: dict[str, str], words: str) -> None:
    async with await office.browser_of("owner") as owner:
        answer = await send(owner, office, "booking/dates", **({"first": "2026-11-25", "what": "closed"} | wrong))
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.requirement("R22")
async def test_nobody_is_booked_with_whoever_is_away(office: Office) -> None:
    form = {"resource": str(office.resource_id), "first": "2026-11-24", "from": "10:00", "to": "14:30"}
    async with await office.browser_of("staff") as staff, await office.browser_of("viewer") as viewer:
        assert (await send(staff, office, "booking/away", **form, note=HOSTILE)).status_code == 303
        await send(staff, office, "booking/away", resource=form["resource"], first="2026-12-06", last="2026-12-08")
        seen = (await viewer.get(f"/b/{office.town.clinic}/booking/away")).text
    assert "יום שלישי, 24 בנובמבר, \u206610:00–14:30\u2069" in seen
    assert "יום ראשון, 6 בדצמבר – יום שלישי, 8 בדצמבר" in seen
    assert "<script>alert" not in seen
    assert '<form method="post" action="/b' not in seen, "a viewer changes nothing"
    caller = await ring(office.town, office.town.clinic, call_sid="CA-next")
    offered = await caller.asks("calendar_find_slots", date="2026-11-24", time="12:00")
    assert [slot["start"][11:16] for slot in offered.data["slots"]] == ["09:00", "09:30", "14:30"]
    noon = await caller.asks("calendar_create_appointment", start="2026-11-24T12:00")
    assert not noon.ok


async def test_what_is_booked_with_whoever_is_away_is_counted_and_one_click_away(office: Office) -> None:
    there = re.compile(rf'href="(/b/{office.town.clinic}/calendar/\d+)"')
    async with await office.browser_of("staff") as staff, await office.browser_of("charlie") as charlie:
        form = {"resource": str(office.resource_id), "first": "2026-11-22"}
        await send(staff, office, "booking/away", **(form | {"from": "10:30"}))
        after_dana = (await staff.get(f"/b/{office.town.clinic}/booking/away")).text
        await send(staff, office, "booking/away", **(form | {"to": "10:30"}))
        over_dana = (await staff.get(f"/b/{office.town.clinic}/booking/away")).text
        (link,) = there.findall(over_dana)
        assert "דנה" in (await staff.get(link)).text
        next_door = (await charlie.get(f"/b/{office.town.charlie}/booking/away")).text
    assert there.findall(after_dana) == []
    assert "עדיין קבועים אז (1)" in over_dana
    assert "עדיין קבועים אז" not in next_door


async def test_whoever_is_there_after_all_is_booked_again(office: Office) -> None:
    async with await office.browser_of("staff") as staff:
        await send(staff, office, "booking/away", resource=str(office.resource_id), first="2026-11-24")
        page = (await staff.get(f"/b/{office.town.clinic}/booking/away")).text
        (absence,) = re.findall(r'name="absence" value="(\d+)"', page)
        feed = await staff.get(f"/b/{office.town.clinic}/calendar/feed?start=2026-11-22&end=2026-11-29")
        (away,) = [one for one in feed.json() if "away" in one["className"]]
        assert (away["start"], away["end"]) == ("2026-11-24T00:00:00", "2026-11-25T00:00:00")
        assert "היעדרות" in away["title"]
        assert (await send(staff, office, "booking/away/clear", absence=absence)).status_code == 303
        assert (await send(staff, office, "booking/away/clear", absence=absence)).status_code == 404
        assert "אין היעדרויות." in (await staff.get(f"/b/{office.town.clinic}/booking/away")).text


@pytest.mark.requirement("R30")
async def test_charlie_sends_nobody_of_the_clinic_away_and_brings_nobody_back(office: Office) -> None:
    async with await office.browser_of("staff") as staff, await office.browser_of("charlie") as charlie:
        await send(staff, office, "booking/away", resource=str(office.resource_id), first="2026-11-24", note="סוד")
        page = (await staff.get(f"/b/{office.town.clinic}/booking/away")).text
        (absence,) = re.findall(r'name="absence" value="(\d+)"', page)
        at_home = f"/b/{office.town.charlie}/booking/away"
        form = {"csrf": await csrf(charlie), "resource": str(office.resource_id), "first": "2026-11-25"}
        assert (await charlie.post(at_home, data=form)).status_code == 404
        assert (await charlie.post(f"{at_home}/clear", data=form | {"absence": absence})).status_code == 404
        assert "סוד" not in (await charlie.get(at_home)).text
        assert (await staff.get(f"/b/{office.town.clinic}/booking/away")).text.count('name="absence"') == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first": ""}, "בחרו תאריך; שעה כותבים כמו 09:00"),
        ({"first": "9999-12-31"}, "בחרו תאריך; שעה כותבים כמו 09:00"),
        ({"from": HOSTILE}, "בחרו תאריך; שעה כותבים כמו 09:00"),
        ({"first": "2026-11-20"}, "המועד הזה כבר עבר"),
        ({"last": "2026-11-24"}, "הסוף לפני ההתחלה"),
        ({"from": "10:00", "to": "10:00"}, "הסוף לפני ההתחלה"),
        ({"last": "2028-11-24"}, "עד שנה בכל פעם"),
        ({"first": "2029-11-24"}, "יותר משנתיים קדימה"),
    ],
)
async def test_time_away_that_cannot_be_kept_says_why(office: Office, wrong: dict[str, str], words: str) -> None:
    async with await office.browser_of("staff") as staff:
        form = {"resource": str(office.resource_id), "first": "2026-11-25"} | wrong
        answer = await send(staff, office, "booking/away", **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text


async def test_a_holiday_closes_nothing_until_its_owner_says_so(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        before = (await owner.get(f"/b/{office.town.clinic}/booking/dates")).text
        assert "פסח" in before
        await send(owner, office, "booking/dates/holidays", what="open", date="2027-04-22")
        await send(owner, office, "booking/dates/holidays", what="all")
        after = (await owner.get(f"/b/{office.town.clinic}/booking/dates")).text
    assert "כל החגים הקרובים כבר הוחלטו." in after
    async with office.town.db.reading(office.town.clinic) as scope:
        kept = {one.on_date.isoformat(): one.windows for one in await schedules.overrides(scope)}
    # The first day of Passover, a Thursday, and its eve, shortened to end at 13:00 from the weekday's own opening.
    assert kept["2027-04-22"] == ((510, 1080),)
    assert kept["2027-04-21"] == ((510, 780),)
    assert NOW.date().isoformat() not in kept
