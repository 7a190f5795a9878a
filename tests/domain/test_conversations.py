"""One thread with a lead, whatever the channel repeats."""

from __future__ import annotations

from agentlocator.domain import conversations, inbox
from town import NOW, Town, ring


async def test_a_message_told_twice_is_one_message(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        thread = await conversations.of_lead(scope, caller.lead_id, now=NOW)
        assert (await conversations.of_lead(scope, caller.lead_id, now=NOW)).id == thread.id
        for expected in (True, False):
            added = await conversations.say(
                scope, thread.id, channel="whatsapp", author="lead", body="שלום\u202e", now=NOW, external_uid="wamid.1"
            )
            assert added is expected
        assert await conversations.say(
            scope,
            thread.id,
            channel="whatsapp",
            author="assistant",
            body="היי",
            now=NOW,
            external_uid="wamid.2",
            delivery="sent",
        )
        said = await conversations.messages(scope, thread.id)
        [entry] = await inbox.entries(scope)
    assert (entry.conversation_id, entry.last_author, entry.last_words, entry.unread) == (
        thread.id,
        "assistant",
        "היי",
        1,
    )
    assert [(one.author, one.body, one.delivery) for one in said] == [
        ("lead", "שלום", "received"),
        ("assistant", "היי", "sent"),
    ]


async def test_a_person_takes_over_and_gives_back(town: Town) -> None:
    caller = await ring(town, town.clinic)
    async with town.db.scope(town.clinic) as scope:
        thread = await conversations.of_lead(scope, caller.lead_id, now=NOW)
        assert thread.answered_by == "assistant"
        assert await conversations.hand_to(scope, thread.id, "person", actor="noa", now=NOW)
        assert thread.answered_by == "person"
        assert not await conversations.hand_to(scope, 10**9, "person", actor="noa", now=NOW)
        assert not await conversations.say(scope, 10**9, channel="call", author="lead", body="", now=NOW)
