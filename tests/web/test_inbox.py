"""The inbox: who waits, what was said in every channel, and who answers."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from agentlocator.db.schema import Audit, Conversation, Message, Outbox
from agentlocator.domain import conversations, leads
from agentlocator.web.pages import inbox
from agentlocator.web.routes import routes
from agentlocator.whatsapp.messages import MAX_TEXT
from town import NOW
from web.office import HOSTILE, Office, csrf

pytestmark = pytest.mark.requirement("R51")


def there(office: Office, path: str = "") -> str:
    return f"/b/{office.town.clinic}/inbox/{office.conversation_id}{path}"


async def test_whoever_asked_for_a_person_is_first_and_unread_until_somebody_looks(office: Office) -> None:
    async with await office.browser_of("staff") as staff:
        page = (await staff.get(f"/b/{office.town.clinic}/inbox?show=unread")).text
        assert "אפשר לדבר עם נציג?" in page
        assert "ביקש לדבר עם אדם" in page
        assert (await staff.post(there(office, "/seen"), data={"csrf": await csrf(staff)})).status_code == 204
        assert "עדיין לא כתבו" in (await staff.get(f"/b/{office.town.clinic}/inbox?show=unread")).text
        assert "אפשר לדבר עם נציג?" in (await staff.get(f"/b/{office.town.clinic}/inbox?show=waiting")).text


@pytest.mark.requirement("R40")
async def test_the_thread_holds_what_was_written_and_that_he_called(office: Office) -> None:
    async with await office.browser_of("viewer") as viewer:
        page = (await viewer.get(there(office))).text
    assert page.index("/calls/CA-moshe") < page.rindex("אפשר לדבר עם נציג?")
    assert "<textarea" not in page


async def test_a_person_answers_and_the_assistant_is_silent_until_it_is_handed_back(office: Office) -> None:
    async with await office.browser_of("staff") as staff:
        token = await csrf(staff)
        sent = await staff.post(there(office, "/reply"), data={"csrf": token, "body": "כאן נועה, מייד אחזור אליכם"})
        assert sent.status_code == 303
        page = (await staff.get(there(office))).text
        assert "כאן נועה, מייד אחזור אליכם" in page
        assert "אדם עונה כאן" in page
        await staff.post(there(office, "/hands"), data={"csrf": token, "to": "assistant"})
        assert "העוזרת עונה כאן." in (await staff.get(there(office))).text
    async with office.town.db.reading(office.town.clinic) as scope:
        thread = await scope.get(Conversation, office.conversation_id)
        letter: Message | None = await scope.first(select(Message).where(Message.author == "person"))
        waiting = await scope.all(select(Outbox).where(Outbox.kind == "whatsapp.send"))
        audited = await scope.all(select(Audit.new).where(Audit.entity == "conversation"))
    assert thread is not None
    assert (thread.answered_by, thread.needs_person) == ("assistant", "")
    assert letter is not None
    assert letter.delivery == "queued"
    assert [row.payload["message_id"] for row in waiting] == [letter.id]
    assert audited == ["assistant"]


async def test_nothing_is_not_sent_and_what_was_typed_is_not_lost(office: Office) -> None:
    async with await office.browser_of("staff") as staff:
        token = await csrf(staff)
        empty = await staff.post(there(office, "/reply"), data={"csrf": token, "body": "  "})
        assert empty.status_code == 422
        assert "עוד לא נכתב דבר." in empty.text
    async with office.town.db.scope(office.town.clinic) as scope:
        only_called = await conversations.of_lead(scope, office.lead_id, now=office.hands.now)
    async with await office.browser_of("staff") as staff:
        token = await csrf(staff)
        path = f"/b/{office.town.clinic}/inbox/{only_called.id}/reply"
        nowhere = await staff.post(path, data={"csrf": token, "body": "שלום דנה"})
    assert nowhere.status_code == 422
    assert "אפשר להתקשר אליו" in nowhere.text
    assert ">שלום דנה</textarea>" in nowhere.text


async def test_a_long_letter_is_not_cut_but_given_back(office: Office) -> None:
    assert inbox.MAX_LETTER == MAX_TEXT
    long = "שלום " * 400
    async with await office.browser_of("staff") as staff:
        refused = await staff.post(there(office, "/reply"), data={"csrf": await csrf(staff), "body": long})
    assert refused.status_code == 422
    assert "עד 1600 תווים" in refused.text
    assert f">{long.strip()}</textarea>" in refused.text
    async with office.town.db.reading(office.town.clinic) as scope:
        assert await scope.first(select(Message).where(Message.author == "person")) is None


async def test_a_server_without_whatsapp_says_so(office: Office) -> None:
    bare = msgspec.structs.replace(office.house, write_as_person=None)
    office.app.router.routes = routes(bare)
    async with await office.browser_of("owner") as owner:
        page = (await owner.get(there(office))).text
    assert "וואטסאפ אינו מחובר לשרת הזה" in page
    assert "<textarea" not in page


async def test_hostile_letters_are_words(office: Office) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        letter: Message | None = await scope.first(select(Message))
        assert letter is not None
        letter.body = HOSTILE * 100
    async with await office.browser_of("owner") as owner:
        page = (await owner.get(there(office))).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("waiting", [0, 60, 130])
async def test_every_thread_is_on_one_page_and_whoever_waits_on_the_first_ones(office: Office, waiting: int) -> None:
    async with office.town.db.scope(office.town.clinic) as scope:
        for number in range(130):
            lead = await leads.find_or_create(scope, phone_raw=f"0541{number:06}", source="import", now=NOW)
            assert lead is not None
            lead.name = f"אדם{number:03}"
            thread = await conversations.of_lead(scope, lead.id, now=NOW)
            # Three wrote in the same moment, always.
            thread.last_message_at = NOW - timedelta(hours=1, minutes=number // 3)
            thread.needs_person = "asked" if number % 130 < waiting else ""
            scope.add(
                Message(
                    conversation_id=thread.id,
                    channel="whatsapp",
                    author="lead",
                    body="שלום",
                    delivery="received",
                    at=NOW,
                )
            )
    seen: list[str] = []
    address: str | None = f"/b/{office.town.clinic}/inbox"
    async with await office.browser_of("viewer") as viewer:
        while address:
            page = (await viewer.get(address)).text
            seen += re.findall(r'<b dir="auto">(אדם\d+)</b>', page)
            more = re.search(r'<li class="more"><a class="button" href="([^"]+)"', page)
            address = f"/b/{office.town.clinic}/inbox{html.unescape(more[1])}" if more else None
        assert (await viewer.get(f"/b/{office.town.clinic}/inbox?after=9-9-x")).status_code == 200
    assert len(seen) == len(set(seen)) == 130
    assert {int(name[-3:]) for name in seen[:waiting]} == set(range(waiting))
