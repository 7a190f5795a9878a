"""What is written to people: through the outbox, past the rules of the moment, in order, once."""

from __future__ import annotations

import pytest

from agentlocator.domain import businesses, conversations, outbox
from agentlocator.whatsapp import after_call, outgoing
from agentlocator.whatsapp.messages import Unreachable
from agentlocator.whatsapp.outgoing import Job, Told
from town import Town
from whatsapp.people import GARAGE_LINE, Correspondence

pytestmark = pytest.mark.requirement("R40")


async def test_an_answer_is_in_the_thread_before_it_is_sent(letters: Correspondence) -> None:
    await letters.writes("שלום")
    await letters.answers()
    assert (await letters.thread())[-1] == ("assistant", "שלום, במה אפשר לעזור?", "queued")
    assert await letters.sends() == [Told("sent")]
    assert (await letters.thread())[-1] == ("assistant", "שלום, במה אפשר לעזור?", "sent")
    assert letters.post.sent[0].to == "972541234567"


async def test_what_was_sent_is_not_sent_again(letters: Correspondence, town: Town) -> None:
    await letters.writes("שלום")
    await letters.answers()
    (row,) = await letters.waiting()
    job = outgoing.Job(town.clinic, row.payload, row.key)
    assert await outgoing.deliver(town.db, {"cloud": letters.post}, job, now=letters.now) == Told("sent")
    assert await outgoing.deliver(town.db, {"cloud": letters.post}, job, now=letters.now) == Told("sent")
    assert len(letters.post.sent) == 1


@pytest.mark.requirement("R41")
async def test_nothing_is_sent_during_a_call_and_all_of_it_after(letters: Correspondence) -> None:
    """The answer was ready when the phone rang."""
    await letters.writes("שלום")
    await letters.answers()
    await letters.phones()
    (waiting,) = await letters.sends()
    assert isinstance(waiting, Told)
    assert (waiting.became, waiting.reason) == ("wait", "on_a_call")
    assert letters.post.sent == []
    await letters.hangs_up()
    assert await letters.sends() == [Told("sent")]


@pytest.mark.requirement("R41")
async def test_a_person_waits_for_the_end_of_the_call_too(letters: Correspondence, town: Town) -> None:
    await letters.writes("שלום")
    await letters.phones()
    conversation = await letters.conversation()
    async with town.db.scope(town.clinic) as scope:
        assert await outgoing.write_as_person(scope, conversation.id, "כאן נועה", now=letters.now) is not None
    await letters.sends()
    assert letters.post.sent == []
    await letters.hangs_up()
    await letters.sends()
    assert letters.post.texts == ["כאן נועה"]


@pytest.mark.requirement("R41")
async def test_a_call_that_was_never_ended_silences_nobody_for_ever(letters: Correspondence) -> None:
    await letters.phones()
    letters.passes(hours=2, seconds=1)
    await letters.writes("שלום")
    await letters.answers()
    assert await letters.sends() == [Told("sent")]


async def test_two_messages_do_not_overtake_each_other(letters: Correspondence) -> None:
    for text in ("אחת", "שתיים"):
        await letters.writes(text)
        await letters.answers()
    letters.post.is_down()
    first, second = await letters.sends()
    assert first == "down"
    assert isinstance(second, Told)
    assert second.reason == "in_line"
    letters.post.fault = None
    assert await letters.sends() == [Told("sent"), Told("sent")]


async def test_a_transport_that_is_gone_is_told_of_and_holds_nothing_up(letters: Correspondence, town: Town) -> None:
    await letters.writes("אחת")
    await letters.answers()
    (row,) = await letters.waiting()
    job = Job(town.clinic, row.payload, row.key, outbox.MAX_ATTEMPTS)
    with pytest.raises(Unreachable):
        await outgoing.deliver(town.db, {}, job, now=letters.now)
    assert (await letters.conversation()).needs_person == "not_delivered"
    assert [delivery for _, _, delivery in await letters.thread()] == ["received", "failed"]


async def test_a_row_that_was_given_up_holds_nothing_up(letters: Correspondence, town: Town) -> None:
    """However it ended: a delivery that was broken off says nothing to the message."""
    for text in ("אחת", "שתיים"):
        await letters.writes(text)
        await letters.answers()
    first, _second = await letters.waiting()
    async with town.db.scope(town.clinic) as scope:
        await outbox.set_aside(scope, first.id, error="broken off", now=letters.now)
    assert await letters.sends() == [Told("sent")]


async def test_what_is_refused_is_failed_and_a_person_is_asked(letters: Correspondence) -> None:
    await letters.writes("שלום")
    await letters.answers()
    letters.post.refuses("131026")
    assert await letters.sends() == [Told("hopeless", "refused 131026")]
    assert (await letters.thread())[-1][2] == "failed"
    assert (await letters.conversation()).needs_person == "not_delivered"


async def test_the_day_after_free_text_is_not_even_tried(letters: Correspondence) -> None:
    await letters.writes("שלום")
    await letters.answers()
    letters.passes(hours=24)
    assert await letters.sends() == [Told("hopeless", "window_closed")]
    assert letters.post.sent == []


async def test_a_person_takes_over_and_hands_back(letters: Correspondence, town: Town) -> None:
    """What the assistant had ready is not sent over a person's head; what was said to the person is not answered."""
    await letters.writes("שלום")
    await letters.answers()
    conversation = await letters.conversation()
    async with town.db.scope(town.clinic) as scope:
        await outgoing.write_as_person(scope, conversation.id, "כאן נועה מהמרפאה", now=letters.now)
    assert await letters.sends() == [Told("hopeless", "taken_over"), Told("sent")]
    await letters.writes("תודה נועה")
    assert await letters.answers() == []
    assert (await letters.conversation()).needs_person == "waiting"
    async with town.db.scope(town.clinic) as scope:
        await outgoing.write_as_person(scope, conversation.id, "בשמחה", now=letters.now)
        await conversations.hand_to(scope, conversation.id, "assistant", actor="noa", now=letters.now)
    assert await letters.answers() == []
    await letters.writes("ומתי פתוח?")
    assert len(await letters.answers()) == 1
    await letters.sends()
    assert letters.post.texts == ["כאן נועה מהמרפאה", "בשמחה", "שלום, במה אפשר לעזור?"]


@pytest.mark.requirement("R30")
async def test_a_person_of_another_business_reaches_nobody_here(letters: Correspondence, town: Town) -> None:
    await letters.writes("שלום")
    conversation = await letters.conversation()
    async with town.db.scope(town.charlie) as scope:
        assert await outgoing.write_as_person(scope, conversation.id, "שלום", now=letters.now) is None


@pytest.mark.requirement("R41")
async def test_nothing_is_written_after_a_call_unless_the_business_wants_it(
    letters: Correspondence, town: Town
) -> None:
    await letters.writes("שלום")
    await letters.phones()
    await letters.hangs_up(summary="דנה שאלה על הלבנה")
    assert await after_call.write_due(town.db, town.clinic, now=letters.now) == 0


@pytest.mark.requirement("R41")
async def test_after_a_call_the_summary_is_written_once(letters: Correspondence, town: Town) -> None:
    await wants(town, letters, after_call="summary")
    await letters.writes("שלום")
    await letters.answers()
    await letters.sends()
    await letters.phones()
    await letters.hangs_up(summary="דנה שאלה על הלבנה")
    assert await after_call.write_due(town.db, town.clinic, now=letters.now) == 1
    assert await after_call.write_due(town.db, town.clinic, now=letters.now) == 0
    await letters.sends()
    assert letters.post.texts[-1] == "דנה שאלה על הלבנה"


@pytest.mark.requirement("R41")
async def test_who_never_wrote_is_written_to_with_an_approved_template(letters: Correspondence, town: Town) -> None:
    await wants(town, letters, after_call="summary", templates={"summary": "call_summary"})
    await letters.phones()
    await letters.hangs_up(summary="דנה שאלה על הלבנה")
    assert await after_call.write_due(town.db, town.clinic, now=letters.now) == 1
    await letters.sends()
    (sent,) = letters.post.sent
    assert sent.template is not None
    assert (sent.template.name, sent.template.values) == ("call_summary", ("דנה שאלה על הלבנה",))


@pytest.mark.requirement("R41")
async def test_a_summary_of_a_nights_call_waits_for_the_morning(letters: Correspondence, town: Town) -> None:
    await wants(town, letters, after_call="summary")
    await letters.writes("שלום")
    letters.passes(hours=13)
    await letters.phones()
    await letters.hangs_up(summary="דנה שאלה על הלבנה")
    assert await after_call.write_due(town.db, town.clinic, now=letters.now) == 1
    (told,) = await letters.sends()
    assert isinstance(told, Told)
    assert told.reason == "quiet"


async def test_who_writes_at_night_is_answered_before_what_waits_for_the_morning(
    letters: Correspondence, town: Town
) -> None:
    await wants(town, letters, after_call="summary")
    await letters.writes("שלום")
    await letters.answers()
    await letters.sends()
    letters.passes(hours=13)
    await letters.phones()
    await letters.hangs_up(summary="דנה שאלה על הלבנה")
    await after_call.write_due(town.db, town.clinic, now=letters.now)
    await letters.sends()
    await letters.writes("שכחתי לשאול, יש חניה?")
    await letters.answers()
    quiet, sent = await letters.sends()
    assert isinstance(quiet, Told)
    assert (quiet.reason, sent) == ("quiet", Told("sent"))
    letters.passes(hours=11)
    await letters.sends()
    assert letters.post.texts[-1] == "דנה שאלה על הלבנה"


async def test_the_same_person_at_the_garage_is_still_written_to(letters: Correspondence, town: Town) -> None:
    """Stopping one business stops no other; nor does a call with one."""
    await letters.writes("הסר")
    await letters.phones()
    await letters.writes("שלום", line=GARAGE_LINE)
    assert len(await letters.answers(town.garage)) == 1
    assert await letters.sends(town.garage) == [Told("sent")]


async def wants(town: Town, letters: Correspondence, **whatsapp: object) -> None:
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, actor="dana", now=letters.now, policy={"whatsapp": whatsapp})
