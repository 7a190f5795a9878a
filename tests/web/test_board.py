"""Leads on a board: one look says who stands where; dragged or not, a move is the same move. And a person's story."""

from __future__ import annotations

import html
import re

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select, update

from agentlocator.db.schema import Appointment, Lead
from agentlocator.domain import appointments, audit, leads, stages
from agentlocator.domain.leads import By, Patch
from agentlocator.domain.receipts import Receipt
from databases import ON_ONE_DATABASE
from town import NOW
from web.chromium import go_to, log_in, picture
from web.office import HOSTILE, Office, csrf

pytestmark = pytest.mark.requirement("R51")


def column(page: str, name: str) -> str:
    """What a column of the board holds."""
    return next(part for part in page.split('<section class="step"') if f'<span dir="auto">{name}</span>' in part)


async def board(office: Office, who: str = "staff") -> str:
    async with await office.browser_of(who) as browser:
        return html.unescape((await browser.get(f"/b/{office.town.clinic}/leads/board")).text)


async def stage_id(office: Office, key: str) -> int:
    async with office.town.db.reading(office.town.clinic) as scope:
        return next(step.stage_id for step in await stages.listed(scope) if step.key == key)


async def won(office: Office, back: str) -> str:
    """Dana is moved to the last step; where whoever did it is led."""
    stage = await stage_id(office, "won")
    async with await office.browser_of("staff") as staff:
        form = {"csrf": await csrf(staff), "stage": str(stage), "back": back}
        answer = await staff.post(f"/b/{office.town.clinic}/leads/{office.lead_id}/stage", data=form)
    return answer.headers["location"]


async def test_everybody_stands_on_his_step(office: Office) -> None:
    page = await board(office)
    assert "דנה כהן" in column(page, "נקבע תור")
    assert "052-1112233" in column(page, "חדש")
    assert "אין כאן אף אחד." in column(page, "לקוח")


async def test_a_move_without_a_script_comes_back_to_the_board_and_is_remembered(office: Office) -> None:
    assert await won(office, back="board") == f"/b/{office.town.clinic}/leads/board"
    assert "דנה כהן" in column(await board(office), "לקוח")
    async with office.town.db.reading(office.town.clinic) as scope:
        line = (await audit.history(scope, "lead", office.lead_id))[-1]
    step = str(await stage_id(office, "won"))
    assert (line.actor, line.field, line.new) == ("staff@example.com", "stage_id", step)


async def test_an_owner_calls_the_steps_what_his_business_calls_them(office: Office) -> None:
    won = await stage_id(office, "won")
    there = f"/b/{office.town.clinic}/leads/stages"
    async with await office.browser_of("owner") as owner:
        form = {"csrf": await csrf(owner), "stage": str(won)}
        assert (await owner.post(there, data=form | {"name": "מטופל קבוע"})).status_code == 303
        taken = await owner.post(there, data=form | {"name": "חדש"})
        empty = await owner.post(there, data=form | {"name": " "})
        hostile = await owner.post(there, data=form | {"name": HOSTILE})
    assert (taken.status_code, "לשלב אחר יש את השם הזה" in taken.text) == (422, True)
    assert (empty.status_code, "לשלב צריך להיות שם" in empty.text) == (422, True)
    assert hostile.status_code == 303
    assert "שמות השלבים" not in await board(office, "staff")
    async with await office.browser_of("staff") as staff:
        assert "<script>alert" not in (await staff.get(f"/b/{office.town.clinic}/leads/board")).text
    assert await stage_id(office, "won") == won, "what the code means by it stays"


@pytest.mark.requirement("R30")
async def test_charlie_names_no_step_of_the_clinic(office: Office) -> None:
    won = await stage_id(office, "won")
    async with await office.browser_of("charlie") as charlie:
        form = {"csrf": await csrf(charlie), "stage": str(won), "name": "נגנב"}
        assert (await charlie.post(f"/b/{office.town.charlie}/leads/stages", data=form)).status_code == 404
    assert "נגנב" not in await board(office)


async def test_back_is_the_board_or_the_person_and_nowhere_else(office: Office) -> None:
    assert await won(office, back="https://evil.test") == f"/b/{office.town.clinic}/leads/{office.lead_id}"


async def test_a_viewer_has_nothing_to_move_with(office: Office) -> None:
    page = await board(office, "viewer")
    assert "דנה כהן" in page
    assert "<form method" not in page.partition('id="board"')[2]
    assert "board.js" not in page


async def test_a_column_shows_its_latest_and_counts_all(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        for number in range(40):
            await leads.find_or_create(scope, phone_raw=f"05400000{number:02}", source="import", now=NOW)
    fresh = column(await board(office), "חדש")
    assert fresh.count('<li class="card"') == 20
    assert "כולם" in fresh
    assert re.search(r'<bdi class="soft" dir="ltr">4\d</bdi>', fresh)


async def test_a_person_s_story_has_notes_moves_and_appointments_that_were_moved(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        by = By("person", "נועה")
        await leads.upsert(scope, office.lead_id, Patch(notes="מעדיפה בוקר"), by=by, now=NOW)
        await stages.move(scope, office.lead_id, await stages.first_id(scope), actor="נועה", now=NOW)
        booked = await scope.first(select(Appointment.id))
        moved = await appointments.reschedule(scope, booked, start="2026-11-23T09:00", by="נועה", now=NOW)
        assert isinstance(moved, Receipt)
    async with await office.browser_of("viewer") as viewer:
        page = html.unescape((await viewer.get(f"/b/{office.town.clinic}/leads/{office.lead_id}")).text)
    story = page.partition('class="timeline"')[2].partition("</ol>")[0]
    assert "הערות: מעדיפה בוקר" in story
    assert "נקבע תור → חדש" in story
    assert "יום ראשון, 22 בנובמבר, 10:00 → יום שני, 23 בנובמבר, 09:00" in story
    assert "הפנייה: כאב שיניים" in story


async def test_a_person_s_story_says_where_each_word_about_him_came_from(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        await leads.upsert(scope, office.lead_id, Patch(city="חיפה"), by=By("person", "נועה"), now=NOW)
        heard = By("assistant", "assistant", "CA-dana")
        await leads.upsert(scope, office.lead_id, Patch(city="יפו", need="הלבנה"), by=heard, now=NOW)
    async with await office.browser_of("viewer") as viewer:
        page = html.unescape((await viewer.get(f"/b/{office.town.clinic}/leads/{office.lead_id}")).text)
    said = dict(re.findall(r'<li class="(\w+)">.*?<p dir="auto">(.*?)</p>', page.replace("\n", "")))
    assert said["otherwise"] == f'<a href="/b/{office.town.clinic}/calls/CA-dana">עיר: יפו</a>'
    assert "נאמר אחרת; מה שהוקלד נשאר" in page
    assert "עיר: חיפה</p><p" in page.replace("\n", ""), "typed at the desk, in no call"


@ON_ONE_DATABASE
class TestScreen:
    """In a real browser."""

    async def test_a_card_is_moved_by_its_form(self, page: Page, served: Office, width: str) -> None:
        await log_in(page, served, "staff")
        await go_to(page, "לידים")
        await page.get_by_role("link", name="כלוח").click()
        card = page.locator("[data-move]", has_text="דנה כהן")
        await card.locator("summary").focus()
        await page.keyboard.press("Enter")
        await card.get_by_label("שלב").select_option("לקוח")
        await card.get_by_role("button", name="העברה").click()
        await expect(page.locator(".step").filter(has=page.get_by_role("heading", name="לקוח"))).to_contain_text(
            "דנה כהן"
        )
        await picture(page, f"board-{width}")

    # A finger drags nothing here; on a phone the card's form moves it.
    @pytest.mark.parametrize("page", ["wide"], indirect=True)
    async def test_a_card_is_dragged(self, page: Page, served: Office, width: str) -> None:
        await log_in(page, served, "staff")
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/leads/board")
        card = page.locator("[data-move]", has_text="דנה כהן")
        target = page.locator(".step").filter(has=page.get_by_role("heading", name="בטיפול"))
        await card.drag_to(target)
        await expect(target).to_contain_text("דנה כהן")
        won = page.locator(".step").filter(has=page.get_by_role("heading", name="חדש"))
        await target.locator("[data-move]").drag_to(won)
        await expect(won).to_contain_text("דנה כהן")

    async def test_hostile_words_stay_on_their_card(self, page: Page, served: Office, width: str) -> None:
        async with served.town.db.scope(served.town.clinic) as scope:
            await scope.changed(update(Lead).values(name=HOSTILE * 5, need=HOSTILE * 20, phone_raw=HOSTILE))
        await log_in(page, served, "staff")
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/leads/board")
        assert await page.locator("main img[src='x'], main script").count() == 0
        await picture(page, f"board-hostile-{width}")
        await page.goto(f"{served.house.public_url}/b/{served.town.clinic}/leads/{served.lead_id}")
        await picture(page, f"lead-story-{width}")
