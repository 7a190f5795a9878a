"""Who is answered when: once, together, one at a time, and after whatever went wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from agents.testing import ModelStep, ScriptedModel, assistant_message

from agentlocator.db.schema import Conversation
from agentlocator.domain import businesses
from agentlocator.whatsapp import answering, wording
from agentlocator.whatsapp.agent import Spoken
from agentlocator.whatsapp.answering import Begun, Later, Responder
from jobs.patience import until
from town import Town
from whatsapp.people import Correspondence

pytestmark = pytest.mark.requirement("R40")


async def test_two_messages_within_50_ms_are_answered_once_and_together(letters: Correspondence) -> None:
    await letters.writes("היי")
    letters.passes(milliseconds=50)
    await letters.writes("יש תור מחר?")
    (answer,) = await letters.answers()
    assert isinstance(answer, Spoken)
    assert isinstance(letters.model, ScriptedModel)
    (asked,) = letters.model.calls
    assert [item["content"] for item in asked.input] == ["היי", "יש תור מחר?"]
    assert await letters.answers() == []
    assert len(await letters.waiting()) == 1


async def test_somebody_who_is_still_writing_is_waited_for(letters: Correspondence, town: Town) -> None:
    await letters.writes("היי")
    letters.passes(seconds=2)
    conversation = await letters.conversation()
    later = await letters.responder.answer(town.clinic, conversation.id)
    assert later == Later((letters.now - timedelta(seconds=2)) + timedelta(seconds=2.5))


async def test_two_servers_answer_once(letters: Correspondence, town: Town) -> None:
    await letters.writes("היי")
    letters.passes(seconds=3)
    conversation = await letters.conversation()
    other = Responder(town.db, letters.agent, clock=letters.clock)
    both = await asyncio.gather(
        letters.responder.answer(town.clinic, conversation.id), other.answer(town.clinic, conversation.id)
    )
    assert len([one for one in both if isinstance(one, Spoken)]) == 1
    assert len(await letters.waiting()) == 1


async def test_a_server_that_died_while_thinking_is_followed_by_another(letters: Correspondence, town: Town) -> None:
    """And when the dead one turns out to live, its answer is dropped."""
    await letters.writes("היי")
    letters.passes(seconds=3)
    conversation = await letters.conversation()
    begun = await town.db.write(town.clinic, lambda scope: answering.begin(scope, conversation.id, now=letters.now))
    assert isinstance(begun, Begun)
    assert isinstance(await letters.responder.answer(town.clinic, conversation.id), Later)
    letters.passes(minutes=3)
    assert isinstance(await letters.responder.answer(town.clinic, conversation.id), Spoken)
    late = Spoken("תשובה שאיחרה", "answered")
    assert not await town.db.write(town.clinic, lambda scope: answering.finish(scope, begun, late, now=letters.now))
    assert [body for _, body, _ in await letters.thread()] == ["היי", "שלום, במה אפשר לעזור?"]


@pytest.mark.requirement("R41")
async def test_a_message_during_the_call_is_answered_after_it(letters: Correspondence) -> None:
    await letters.phones()
    await letters.writes("שולחת גם כאן")
    assert [type(one) for one in await letters.answers()] == [Later]
    letters.passes(minutes=20)
    await letters.hangs_up()
    (answer,) = await letters.answers()
    assert isinstance(answer, Spoken)
    await letters.sends()
    assert len(letters.post.sent) == 1


async def test_a_picture_is_acknowledged_honestly_and_without_a_model(letters: Correspondence) -> None:
    await letters.shows("image", {"id": "7"})
    await letters.answers()
    await letters.sends()
    assert letters.post.texts == [wording.cannot_open("image")]
    assert "אי אפשר לפתוח" in letters.post.texts[0]
    assert (await letters.conversation()).needs_person == "cannot_open"
    assert isinstance(letters.model, ScriptedModel)
    assert not letters.model.calls


async def test_a_picture_with_words_is_answered_by_its_words(letters: Correspondence) -> None:
    await letters.shows("image", {"id": "7", "caption": "כואבת לי השן הזאת"})
    await letters.answers()
    assert isinstance(letters.model, ScriptedModel)
    assert [item["content"] for item in letters.model.calls[0].input] == ["[תמונה] כואבת לי השן הזאת"]


async def test_a_thumb_up_needs_no_answer(letters: Correspondence) -> None:
    await letters.shows("reaction", {"message_id": "out.1", "emoji": "+"})
    assert await letters.answers() == []


async def test_a_person_who_steps_in_while_the_model_thinks_has_the_word(letters: Correspondence, town: Town) -> None:
    await letters.writes("היי")
    letters.passes(seconds=3)
    conversation = await letters.conversation()
    begun = await town.db.write(town.clinic, lambda scope: answering.begin(scope, conversation.id, now=letters.now))
    assert isinstance(begun, Begun)
    async with town.db.scope(town.clinic) as scope:
        row = await scope.get(Conversation, conversation.id)
        assert row is not None
        row.answered_by = "person"
    spoken = Spoken("שלום", "answered")
    assert not await town.db.write(town.clinic, lambda scope: answering.finish(scope, begun, spoken, now=letters.now))
    assert await letters.waiting() == []


async def test_a_failed_run_leaves_nothing_twice(letters: Correspondence) -> None:
    letters.model = letters.agent._model = ScriptedModel(
        [ModelStep.raise_error(TimeoutError("gone")), [assistant_message("כן, מחר יש")]]
    )
    await letters.writes("יש תור מחר?")
    (failed,) = await letters.answers()
    assert isinstance(failed, Spoken)
    assert (failed.outcome, failed.text) == ("failed", wording.FAILED)
    assert (await letters.conversation()).needs_person == "failed"
    await letters.writes("אז?")
    await letters.answers()
    said = [item["content"] for item in letters.model.calls[-1].input]
    assert said == ["יש תור מחר?", wording.FAILED, "אז?"]


async def test_a_conversation_that_costs_too_much_goes_to_a_person(letters: Correspondence, town: Town) -> None:
    async with town.db.scope(town.clinic) as scope:
        await businesses.change(scope, actor="dana", now=letters.now, policy={"whatsapp": {"day_tokens": 0}})
    await letters.writes("היי")
    await letters.answers()
    assert await letters.outcomes() == ["limit"]
    assert isinstance(letters.model, ScriptedModel)
    assert not letters.model.calls
    assert (await letters.conversation()).needs_person == "limit"


async def test_the_responder_answers_what_it_is_told_of_and_what_it_finds(letters: Correspondence, town: Town) -> None:
    """One message was written before the server started, another while it runs."""
    await letters.writes("נכתב קודם")
    letters.passes(seconds=3)
    responder = Responder(town.db, letters.agent, clock=letters.clock, settle=timedelta())
    running = asyncio.create_task(responder.run())
    try:
        await until(lambda: answered(letters, 1))
        await letters.writes("נכתב עכשיו")
        responder.notice(letters.noticed[-1])
        await until(lambda: answered(letters, 2))
    finally:
        running.cancel()
    assert await letters.outcomes() == ["answered", "answered"]


async def answered(letters: Correspondence, times: int) -> bool:
    return len(await letters.outcomes()) == times
