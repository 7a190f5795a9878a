"""What comes in: joined to the lead, once, whichever way and however often it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode

import msgspec
import pytest
from sqlalchemy import select

from agentlocator.db.schema import Audit, Conversation, Lead, Message
from agentlocator.domain import conversations, inbox, leads
from agentlocator.twilio import signature
from agentlocator.whatsapp import bridge, cloud, lines, webhooks
from town import DANA, Town, ring
from whatsapp.people import (
    APP_SECRET,
    BRIDGE_SECRET,
    CLINIC_LINE,
    DANA_ID,
    GARAGE_LINE,
    ORIGIN,
    TWILIO_TOKEN,
    Correspondence,
    text_message,
    webhook,
)

pytestmark = pytest.mark.requirement("R40")


@pytest.mark.requirement("R30")
async def test_who_called_at_noon_is_known_in_the_evening(letters: Correspondence, town: Town) -> None:
    caller = await ring(town, town.clinic, DANA)
    await letters.writes("היי, זו דנה")
    conversation = await letters.conversation()
    assert conversation.lead_id == caller.lead_id
    async with town.db.reading(town.clinic) as scope:
        lead = await leads.show(scope, caller.lead_id)
        assert lead is not None
        assert (lead.last_call_sid, lead.source) == ("CA1", "call")


@pytest.mark.requirement("R30")
async def test_one_phone_at_two_businesses_is_two_people(letters: Correspondence, town: Town) -> None:
    await letters.writes("לרופאה", line=CLINIC_LINE)
    await letters.writes("למוסך", line=GARAGE_LINE)
    assert [body for _, body, _ in await letters.thread(town.clinic)] == ["לרופאה"]
    assert [body for _, body, _ in await letters.thread(town.garage)] == ["למוסך"]
    assert await letters.thread(town.charlie) == []


async def test_a_repeat_is_the_same_message(letters: Correspondence) -> None:
    for _ in range(3):
        assert await letters.writes("שלום", message_id="wamid.same") == 200
    assert len(await letters.thread()) == 1
    assert len(letters.noticed) == 1


async def test_repeats_at_the_same_moment_are_the_same_message(letters: Correspondence) -> None:
    body = webhook(text_message("שלום", wa_id=DANA_ID, message_id="wamid.1", sent_at=letters.now))
    assert await asyncio.gather(*(letters.delivers(body) for _ in range(8))) == [200] * 8
    assert len(await letters.thread()) == 1
    assert len(letters.noticed) == 1


async def test_what_is_not_signed_by_the_app_changes_nothing(letters: Correspondence) -> None:
    body = webhook(text_message("שלום", wa_id=DANA_ID, message_id="wamid.1", sent_at=letters.now))
    assert await letters.delivers(body, secret="somebody else's") == 403
    assert (await letters.http.post(webhooks.CLOUD, content=body)).status_code == 403
    tampered = body.replace(DANA_ID.encode(), b"972501111111")
    signed = {cloud.HEADER: cloud.sign(body, APP_SECRET)}
    assert (await letters.http.post(webhooks.CLOUD, content=tampered, headers=signed)).status_code == 403
    assert await letters.thread() == []


async def test_what_is_too_long_is_not_read(letters: Correspondence) -> None:
    assert await letters.delivers(b"x" * (webhooks.MAX_BODY_BYTES + 1)) == 413


async def test_what_nobody_can_read_is_accepted_and_forgotten(letters: Correspondence) -> None:
    """Signed, and still no webhook: a refusal would bring it back for days."""
    assert await letters.delivers(b"{") == 200
    assert await letters.delivers(webhook({"id": "wamid.1"}, contacts=[])) == 200
    assert await letters.thread() == []


async def test_an_address_of_nobody_is_dropped(letters: Correspondence) -> None:
    assert await letters.writes("שלום", line="999") == 200
    assert letters.noticed == []


async def test_the_webhook_is_registered_with_the_token(letters: Correspondence) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "the verify token", "hub.challenge": "4711"}
    answer = await letters.http.get(webhooks.CLOUD, params=query)
    assert (answer.status_code, answer.text) == (200, "4711")
    assert (await letters.http.get(webhooks.CLOUD, params={**query, "hub.verify_token": "x"})).status_code == 403


async def test_an_old_message_is_for_a_person(letters: Correspondence) -> None:
    await letters.writes("עוד רלוונטי?", age=timedelta(hours=3))
    assert (await letters.conversation()).needs_person == "late"
    assert await letters.answers() == []


async def test_late_and_out_of_order_hides_no_fresh_message(letters: Correspondence) -> None:
    await letters.writes("אפשר תור?")
    await letters.writes("ההודעה מהבוקר", age=timedelta(hours=3))
    await letters.writes("למחר")
    await letters.answers()
    assert await letters.outcomes() == ["late", "answered"]
    assert await letters.answers() == []


async def test_an_unknown_kind_is_shown_as_what_it_is(letters: Correspondence) -> None:
    await letters.shows("hologram")
    assert [body for _, body, _ in await letters.thread()] == ["[הודעה מסוג שלא נתמך כאן]"]


async def test_somebody_without_a_phone_is_one_person_and_later_gets_one(letters: Correspondence, town: Town) -> None:
    stamp = str(int(letters.now.timestamp()))
    hidden = {"timestamp": stamp, "type": "text", "text": {"body": "היי"}, "from_user_id": "IL.abc"}
    contacts = [{"user_id": "IL.abc"}]
    await letters.delivers(webhook({**hidden, "id": "wamid.1"}, contacts=contacts))
    await letters.delivers(webhook({**hidden, "id": "wamid.2"}, contacts=contacts))
    async with town.db.reading(town.clinic) as scope:
        (nameless,) = await scope.all(select(Lead))
        assert nameless.phone_e164 is None
    both = {**hidden, "id": "wamid.3", "from": DANA_ID}
    await letters.delivers(webhook(both, contacts=[{"wa_id": DANA_ID, "user_id": "IL.abc"}]))
    await letters.delivers(webhook({**hidden, "id": "wamid.4"}, contacts=contacts))
    known = await letters.conversation()
    async with town.db.reading(town.clinic) as scope:
        mine = await conversations.messages(scope, known.id)
    assert [message.external_uid for message in mine] == ["cloud:wamid.3", "cloud:wamid.4"]


async def test_reports_move_forward_only(letters: Correspondence, town: Town) -> None:
    await letters.writes("שלום")
    await letters.answers()
    await letters.sends()
    for status in ("read", "delivered", "sent"):
        await letters.delivers(webhook(statuses=[{"id": "out.1", "status": status}]))
    assert (await letters.thread())[-1][2] == "read"
    await letters.delivers(webhook(statuses=[{"id": "unknown", "status": "read"}]))
    await letters.delivers(webhook(statuses=[{"id": "out.1", "status": "failed", "errors": [{"code": 131047}]}]))
    assert (await letters.thread())[-1][2] == "failed"
    assert (await letters.conversation()).needs_person == "not_delivered"


async def test_a_report_that_overtakes_its_message_is_asked_for_again(letters: Correspondence) -> None:
    await letters.writes("שלום")
    await letters.answers()
    read = webhook(statuses=[{"id": "out.1", "status": "read"}])
    assert await letters.delivers(read) == 503
    await letters.sends()
    assert await letters.delivers(read) == 200
    assert (await letters.thread())[-1][2] == "read"


async def test_another_businesss_report_is_nobodys(letters: Correspondence, town: Town) -> None:
    await letters.writes("שלום")
    await letters.answers()
    await letters.sends()
    await letters.delivers(webhook(line=GARAGE_LINE, statuses=[{"id": "out.1", "status": "read"}]))
    assert (await letters.thread())[-1][2] == "sent"


async def test_who_asks_to_stop_is_left_alone(letters: Correspondence) -> None:
    await letters.writes("שלום")
    await letters.answers()
    await letters.writes("הסר")
    await letters.writes("ועוד משהו")
    assert await letters.answers() == []
    await letters.sends()
    assert letters.post.texts == ["ההודעות הופסקו. כדי לחדש אפשר לכתוב: התחל"]
    assert (await letters.conversation()).needs_person == "opted_out"
    await letters.writes("התחל")
    await letters.writes("אפשר תור?")
    await letters.answers()
    await letters.sends()
    assert len(letters.post.texts) == 3


@pytest.mark.requirement("R30")
async def test_a_line_belongs_to_one_business(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.charlie) as scope:
        assert not await lines.add(scope, "cloud", CLINIC_LINE, now=letters.now)
        assert list(await lines.listed(scope)) == []
        assert not await lines.remove(scope, "cloud", CLINIC_LINE, now=letters.now, actor="charlie")


async def test_a_line_somebody_wrote_to_stays_with_its_conversations(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "twilio", "whatsapp:+97235550101", now=letters.now, actor="noa")
        assert await lines.remove(scope, "twilio", "whatsapp:+97235550101", now=letters.now, actor="noa")
    await letters.writes("שלום")
    async with town.db.scope(town.clinic) as scope:
        assert not await lines.remove(scope, "cloud", CLINIC_LINE, now=letters.now, actor="noa")
        told = await scope.rows(
            select(Audit.actor, Audit.old, Audit.new).where(Audit.entity == "whatsapp_line").order_by(Audit.id)
        )
    assert [tuple(row) for row in told] == [
        ("system", None, f"cloud {CLINIC_LINE}"),
        ("noa", None, "twilio whatsapp:+97235550101"),
        ("noa", "twilio whatsapp:+97235550101", None),
    ]


async def test_twilio_brings_the_same_person_into_the_same_thread(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "twilio", "whatsapp:+97235550101", now=letters.now)
    await letters.writes("קודם כאן")
    form = {"MessageSid": "SM1", "From": f"whatsapp:{DANA}", "To": "whatsapp:+97235550101", "Body": "ועכשיו כאן"}
    for _ in range(2):
        assert await twilio(letters, form) == 200
    assert await twilio(letters, {**form, "MessageSid": "SM2"}, token="stolen") == 403
    async with town.db.reading(town.clinic) as scope:
        (conversation,) = await scope.all(select(Conversation))
        rows: Sequence[Message] = await conversations.messages(scope, conversation.id)
    assert [row.body for row in rows] == ["קודם כאן", "ועכשיו כאן"]


async def test_twilio_media_and_reports(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "twilio", "whatsapp:+97235550101", now=letters.now)
    media = {"NumMedia": "1", "MediaContentType0": "image/jpeg"}
    form = {"MessageSid": "SM1", "From": f"whatsapp:{DANA}", "To": "whatsapp:+97235550101", "Body": ""}
    assert await twilio(letters, form | media) == 200
    assert [body for _, body, _ in await letters.thread()] == ["[תמונה]"]
    told = {"MessageSid": "SM9", "MessageStatus": "delivered", "From": "whatsapp:+97235550101"}
    assert await twilio(letters, told, path=webhooks.TWILIO_STATUS) == 200


async def test_the_bridge_signs_and_repeats(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "bridge", "clinic", now=letters.now)
    body = arrival("שלום", letters, id="3EB0")
    assert [await bridged(letters, body) for _ in range(3)] == [200] * 3
    assert await bridged(letters, body, secret="guessed") == 403
    assert await bridged(letters, body, minutes_ago=6) == 403
    assert await bridged(letters, b'{"type":"message"}') == 422
    assert [body for _, body, _ in await letters.thread()] == ["שלום"]
    assert (await letters.conversation()).answered_by == "assistant"


async def test_what_the_owner_writes_on_his_own_phone_silences_the_assistant(
    letters: Correspondence, town: Town
) -> None:
    async with town.db.scope(town.clinic) as scope:
        await lines.add(scope, "bridge", "clinic", now=letters.now)
    await bridged(letters, arrival("יש תור מחר?", letters, id="1"))
    await bridged(letters, arrival("בודקת ומיד חוזרת", letters, id="2", own=True))
    conversation = await letters.conversation()
    assert conversation.answered_by == "person"
    assert await letters.answers() == []
    assert [author for author, _, _ in await letters.thread()] == ["lead", "person"]


async def twilio(letters: Correspondence, form: dict[str, str], *, token: str = TWILIO_TOKEN, path: str = "") -> int:
    path = path or webhooks.TWILIO
    signed = signature.sign(ORIGIN + path, form.items(), token)
    headers = {signature.HEADER: signed, "Content-Type": "application/x-www-form-urlencoded"}
    return (await letters.http.post(path, content=urlencode(form), headers=headers)).status_code


def arrival(text: str, letters: Correspondence, *, id: str, own: bool = False) -> bytes:
    jid = f"{DANA_ID}@s.whatsapp.net"
    told = bridge.Arrival("clinic", id, (jid,), int(letters.now.timestamp() * 1000), "text", text, DANA_ID, own=own)
    return msgspec.json.encode(told)


async def bridged(letters: Correspondence, body: bytes, *, secret: str = BRIDGE_SECRET, minutes_ago: float = 0) -> int:
    signed_at = letters.now - timedelta(minutes=minutes_ago)
    headers = bridge.headers("POST", webhooks.BRIDGE, body, secret=secret, now=signed_at)
    return (await letters.http.post(webhooks.BRIDGE, content=body, headers=headers)).status_code


@pytest.mark.requirement("R30")
async def test_unread_until_somebody_of_the_business_has_looked(letters: Correspondence, town: Town) -> None:
    await letters.writes("אחת")
    await letters.writes("שתיים")
    conversation = await letters.conversation()
    async with town.db.scope(town.charlie) as scope:
        assert await inbox.entries(scope) == []
        assert not await conversations.seen(scope, conversation.id)
    async with town.db.scope(town.clinic) as scope:
        assert [one.unread for one in await inbox.entries(scope, shown="unread")] == [2]
        assert await conversations.seen(scope, conversation.id)
        assert await inbox.entries(scope, shown="unread") == []
        assert [one.unread for one in await inbox.entries(scope)] == [0]
