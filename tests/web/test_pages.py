"""What the pages say, on both databases: the day's numbers, filters, one person's whole story, a call's evidence."""

from __future__ import annotations

import html

import pytest
from sqlalchemy import select, update

from agentlocator.db.schema import Audit, Call, Lead, LeadFact, Turn
from agentlocator.domain import calls, conversations
from call.playbook import greeted
from town import NOW
from web.office import HOSTILE, Office, csrf

pytestmark = pytest.mark.requirement("R51")


async def test_yesterday_s_calls_are_not_today_s(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        before = (await owner.get(f"/b/{office.town.clinic}/today")).text
        assert "$0.50" in before
        office.hands.pass_(hours=6)
        after = (await owner.get(f"/b/{office.town.clinic}/today")).text
    assert "$0.00" in after
    assert "דנה כהן" in after


async def test_calls_are_found_by_who_called_and_how_it_ended(office: Office) -> None:
    async with await office.browser_of("viewer") as viewer:

        async def shown(query: str) -> list[str]:
            page = (await viewer.get(f"/b/{office.town.clinic}/calls?{query}")).text
            return [sid for sid in ("CA-dana", "CA-moshe", "CA-live") if f"calls/{sid}" in page]

        assert await shown("") == ["CA-dana", "CA-moshe", "CA-live"]
        assert await shown("who=דנה") == ["CA-dana"]
        assert await shown("who=052-1112233") == ["CA-moshe"]
        assert await shown("outcome=transferred") == ["CA-moshe"]
        assert await shown("outcome=nonsense&before=nonsense") == ["CA-dana", "CA-moshe", "CA-live"]


async def test_older_calls_are_one_page_on_and_none_is_lost(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        for number in range(70):
            await calls.open_call(
                scope, call_sid=f"CA{number:03}", from_raw="anonymous", to_e164="+97235550101", now=NOW
            )
    seen: set[str] = set()
    path: str | None = f"/b/{office.town.clinic}/calls"
    async with await office.browser_of("viewer") as viewer:
        while path:
            page = (await viewer.get(path)).text
            seen |= {f"CA{number:03}" for number in range(70) if f"calls/CA{number:03}" in page}
            older = page.partition('class="button" href="?')[2].partition('"')[0]
            path = f"/b/{office.town.clinic}/calls?{html.unescape(older)}" if older else None
    assert len(seen) == 70


async def test_one_person_s_story_runs_across_channels(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        thread = await conversations.of_lead(scope, office.lead_id, now=NOW)
        await conversations.say(scope, thread.id, channel="whatsapp", author="lead", body="אפשר להקדים?", now=NOW)
    async with await office.browser_of("viewer") as viewer:
        page = (await viewer.get(f"/b/{office.town.clinic}/leads/{office.lead_id}")).text
    story = page.partition('class="timeline"')[2].partition("</ol>")[0]
    assert story.index("אפשר להקדים?") < story.index("דנה קבעה תור")
    assert "יום ראשון, 22 בנובמבר, 10:00" in story
    assert "disabled" in page


async def test_what_a_person_types_is_his_and_a_stage_s_change_is_in_the_audit_log(office: Office) -> None:
    there = f"/b/{office.town.clinic}/leads/{office.lead_id}"
    async with await office.browser_of("staff") as staff:
        token = await csrf(staff)
        await staff.post(there, data={"csrf": token, "city": "חיפה", "stage_id": "1", "source": "hacked"})
        async with office.town.db.reading(office.town.clinic) as scope:
            won = await scope.first(select(Lead.stage_id))
            lead = await scope.get(Lead, office.lead_id)
            assert lead is not None
            assert (lead.city, lead.name, lead.source) == ("חיפה", "דנה כהן", "call")
            assert (await scope.first(select(LeadFact.actor).where(LeadFact.field == "city"))) == "staff@example.com"
        assert (await staff.post(f"{there}/stage", data={"csrf": token, "stage": str(won + 4)})).status_code == 303
        assert (await staff.post(f"{there}/stage", data={"csrf": token, "stage": "999"})).status_code == 404
    async with office.town.db.reading(office.town.clinic) as scope:
        moved = await scope.first(select(Audit.actor).where(Audit.entity == "lead").order_by(Audit.id.desc()))
    assert moved == "staff@example.com"


async def test_the_export_is_a_file_for_owners(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        answer = await owner.get(f"/b/{office.town.clinic}/leads.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "דנה כהן" in answer.content.decode("utf-8-sig")


async def test_a_call_s_microscope_and_its_journal(office: Office) -> None:
    written = b"".join(greeted().lines)
    keep_journal(office, written)
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/calls/CA-dana"
        assert "/microscope" in (await owner.get(there)).text
        picture = await owner.get(f"{there}/microscope")
        assert "sandbox allow-scripts" in picture.headers["content-security-policy"]
        assert "<svg" in picture.text
        assert (await owner.get(f"{there}/journal")).content == written


@pytest.mark.parametrize("written", [None, b"not a journal\n"])
async def test_a_call_without_a_journal_has_no_picture(office: Office, written: bytes | None) -> None:
    if written is not None:
        keep_journal(office, written)
    async with await office.browser_of("owner") as owner:
        there = f"/b/{office.town.clinic}/calls/CA-dana"
        assert (await owner.get(there)).status_code == 200
        assert (await owner.get(f"{there}/microscope")).status_code == 404
        assert (await owner.get(f"{there}/journal")).status_code == (404 if written is None else 200)


async def test_whatever_a_caller_says_stays_words(office: Office) -> None:
    hostile = HOSTILE * 150
    async with office.town.db.scope(office.town.clinic) as scope:
        await scope.changed(update(Call).values(summary=hostile, from_raw=HOSTILE, outcome=HOSTILE))
        await scope.changed(
            update(Lead).values(name=hostile, need=hostile, notes=hostile, phone_raw=hostile, city=hostile)
        )
        await scope.changed(update(Turn).values(text=hostile, heard_text=None))
    async with await office.browser_of("owner") as owner:
        for path in ("today", "calls", "calls/CA-dana", "leads", f"leads/{office.lead_id}"):
            page = (await owner.get(f"/b/{office.town.clinic}/{path}")).text
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert "{{ 7*7 }}" in page


async def test_strange_addresses_are_no_pages(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        for path in ("calls/%00", "calls/%ff%fe", "calls/..%2f..%2fetc%2fpasswd", "calls/" + "x" * 5000, "leads/0"):
            assert (await owner.get(f"/b/{office.town.clinic}/{path}")).status_code == 404
        for query in ("who=%00", "who=%ff", "outcome=%00", "before=-1", "before=" + "9" * 40, "who=" + "א" * 900):
            assert (await owner.get(f"/b/{office.town.clinic}/calls?{query}")).status_code == 200
            assert (await owner.get(f"/b/{office.town.clinic}/leads?{query.replace('who', 'q')}")).status_code == 200


async def test_a_call_under_way_has_no_end_yet(office: Office) -> None:
    async with await office.browser_of("owner") as owner:
        page = (await owner.get(f"/b/{office.town.clinic}/calls/CA-live")).text
    assert "על הקו" in page
    assert "מספר חסוי" in page


def keep_journal(office: Office, written: bytes) -> None:
    """Leave a journal where the deployment would."""
    path = office.house.journal_of(office.town.clinic, "CA-dana")
    path.parent.mkdir(parents=True)
    path.write_bytes(written)
