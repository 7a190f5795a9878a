"""A caller is put through to a person by a real server: whom it rings, what that person hears, and the way back."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentlocator.call import commands as do
from agentlocator.domain import businesses, prompts
from agentlocator.simulator.brain import CallTool, ScriptedBrain, Speak, When
from agentlocator.simulator.play import Scenario
from agentlocator.simulator.speech import Voice
from voice import house as houses
from voice.house import House
from voice.stranger import CLINIC, GARAGE, call_form, greeted, read_ticket, sign

AFTER_STREAM = "/webhook/after_stream"
AFTER_TRANSFER = "/webhook/after_transfer"
WHISPER = "/webhook/whisper"

DESK, DESK_E164 = "דלפק הקבלה", "+97235550199"
GARAGE_E164 = "+97245550299"
NAME = "מרפאת שיניים ד״ר לוי"
WISH = "תעבירו אותי לבן אדם"
SUMMARY = 'דנה רוצה "תור" <דחוף> & זול'


def operator() -> ScriptedBrain:
    """Puts everybody through who asks for a person."""
    person = CallTool("transfer_to_human", {"to": DESK, "summary": SUMMARY})
    return ScriptedBrain((When("בן אדם", Speak("רגע אחד."), person),))


OPERATOR = Scenario("operator", "The model puts a caller through", (), brain=operator)


STRAY = Scenario(
    "stray",
    "The model names a person of another business",
    (),
    brain=lambda: ScriptedBrain(
        (When("בן אדם", CallTool("transfer_to_human", {"to": "יוסי, מנהל המוסך", "summary": ""})),)
    ),
)


@asynccontextmanager
async def opened(folder: Path, voice: Voice, scenario: Scenario = OPERATOR) -> AsyncIterator[House]:
    """A server whose clinic greets in one word, so that a test is a short call."""
    async with houses.opened(folder, voice, scenario) as house:
        async with house.deployment.db.scope(await house.business_id()) as scope:
            now = datetime.now(UTC)
            await prompts.draft(scope, greeting="שלום.", custom_prompt="", actor="owner", now=now)
            await prompts.publish(scope, actor="owner", now=now)
        yield house


@pytest.fixture
async def house(tmp_path: Path, voice: Voice, sqlite_template: Path) -> AsyncIterator[House]:
    shutil.copy(sqlite_template, tmp_path / "agentlocator.db")
    async with opened(tmp_path, voice) as house:
        yield house


async def put_through(house: House, voice: Voice, call_sid: str = "CA1") -> None:
    """The caller asks for a person, and the assistant ends its part of the call."""
    async with house.stranger.line(await house.stranger.ticket(call_sid), call_sid) as line:
        await line.converse(lambda _: said(house, "שלום"))
        await line.converse(lambda _: house.session(call_sid).call.over, voice.say(WISH, "caller").audio)
        assert await line.closed() == 1000
    assert (await house.written(call_sid)).outcome == "transferred"


async def asks_what_next(
    house: House, path: str = AFTER_STREAM, call_sid: str = "CA1", **more: str
) -> list[ET.Element]:
    """The carrier's question and our answer, verb by verb."""
    form = {**call_form(call_sid, status="in-progress"), **more}
    return verbs((await house.stranger.post(path, **form)).text)


async def whispered(house: House, call_sid: str = "CA1", to: str = CLINIC) -> list[ET.Element]:
    """What the person who picks up hears first. The carrier asks for it about the second leg, under its own names."""
    (dial,) = await asks_what_next(house, call_sid=call_sid, To=to)
    url = dial[0].get("url") or ""
    leg = call_form("CA" + "9" * 32, DESK_E164, CLINIC, status="in-progress")
    return verbs((await house.stranger.post(url.removeprefix(house.stranger.origin), **leg)).text)


async def test_the_businesss_own_number_is_rung_and_the_person_hears_first_who_it_is(
    house: House, voice: Voice
) -> None:
    await put_through(house, voice)

    (dial,) = await asks_what_next(house)
    (number,) = dial
    assert (dial.tag, number.tag, number.text) == ("Dial", "Number", DESK_E164)
    assert dial.get("callerId") == CLINIC, "a number the carrier lets us show"
    assert dial.get("action") == house.stranger.origin + AFTER_TRANSFER
    assert (number.get("url") or "").startswith(house.stranger.origin + WHISPER + "?")

    (whisper,) = await whispered(house)
    assert (whisper.tag, whisper.get("language")) == ("Say", "he-IL")
    assert NAME in (whisper.text or "")
    assert SUMMARY in (whisper.text or "")

    assert [verb.tag for verb in await asks_what_next(house, AFTER_TRANSFER, DialCallStatus="completed")] == ["Hangup"]
    assert list(house.deployment.switchboard.live) == [], "whoever has spoken with a person is not called back"


async def test_when_nobody_answers_the_caller_comes_back_to_an_assistant_who_knows_him(
    house: House, voice: Voice
) -> None:
    await put_through(house, voice)

    # The carrier may ask again; whatever it says of the failure, the caller is not left alone.
    for status in ("busy", "failed", "canceled", "no-answer"):
        answer = await house.stranger.post(
            AFTER_TRANSFER, **call_form("CA1", status="in-progress"), DialCallStatus=status
        )
        connect, _net = verbs(answer.text)
        assert (connect.tag, connect[0].tag) == ("Connect", "Stream"), status
    async with house.stranger.line(read_ticket(answer.text), "CA1") as line:
        await line.converse(lambda _: said(house, "אף אחד לא ענה"))
        await line.stop()

    first, second = house.hub.servers
    known = [(item.who, item.text) for item in second.items.turns()]
    assert ("assistant", "שלום.") in known
    assert ("typed", WISH) in known
    assert ("assistant", "רגע אחד.") in known
    spoken = [turn for turn in heard(house) if "שלום" in turn]
    assert spoken == ["שלום."], "he is greeted once"
    assert first is not second
    again = house.sessions[-1]
    await again.written.wait()
    assert again.ending is not None
    assert again.ending.outcome == "caller_hung_up"


async def test_the_summary_outlives_the_caller_who_gave_up_waiting(house: House, voice: Voice) -> None:
    await put_through(house, voice)
    await house.stranger.post("/webhook/call_status", **call_form("CA1", status="completed"))

    (whisper,) = await whispered(house)
    assert SUMMARY in (whisper.text or "")


async def test_a_person_who_is_no_longer_the_businesss_is_not_rung(house: House, voice: Voice) -> None:
    await put_through(house, voice)
    async with house.deployment.db.scope(await house.business_id()) as scope:
        now = datetime.now(UTC)
        assert await businesses.remove_transfer_number(scope, DESK_E164, actor="owner", now=now)
        await businesses.add_transfer_number(scope, "+97235550155", "ד״ר לוי", actor="owner", now=now)

    said_, hang_up = await asks_what_next(house)
    assert (said_.tag, said_.get("language"), hang_up.tag) == ("Say", "he-IL", "Hangup")


@pytest.mark.requirement("R30")
async def test_who_asks_in_another_businesss_name_learns_and_rings_nothing_of_it(house: House, voice: Voice) -> None:
    async with house.deployment.db.scope(await house.business_id(GARAGE)) as scope:
        await businesses.add_transfer_number(scope, "+97245550211", DESK, actor="owner", now=datetime.now(UTC))
    await put_through(house, voice)

    answers = [
        (await house.stranger.post(path, **call_form("CA1", GARAGE, status="in-progress"), DialCallStatus="busy")).text
        for path in (AFTER_STREAM, AFTER_TRANSFER, f"{WHISPER}?call=CA1&to=%2B97245550202")
    ]
    assert not [answer for answer in answers if "+97245550211" in answer], "the garage's desk is not the clinic's"
    assert not [answer for answer in answers if SUMMARY.partition(" ")[0] in answer]


@pytest.mark.requirement("R30")
async def test_the_model_cannot_ring_another_businesss_person(tmp_path: Path, voice: Voice) -> None:
    async with opened(tmp_path, voice, STRAY) as house:
        async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
            await line.converse(lambda _: said(house, "שלום"))
            await line.converse(lambda _: said(house, "אין כרגע למי להעביר"), voice.say(WISH, "caller").audio)
            await line.stop()

        assert (await house.written("CA1")).outcome == "caller_hung_up"
        assert not [command for command in house.commands if isinstance(command, do.EndStream)]
        assert GARAGE_E164 not in (await house.stranger.post(AFTER_STREAM, **call_form("CA1"))).text


@pytest.mark.parametrize("path", [AFTER_TRANSFER, f"{WHISPER}?call=CA1&to=%2B97235550101"])
async def test_what_the_carrier_did_not_sign_is_refused(house: House, path: str) -> None:
    form = {**call_form("CA1", status="in-progress"), "DialCallStatus": "no-answer"}
    origin, token = house.stranger.origin, house.stranger.token
    forgeries = {
        "unsigned": "",
        "another token": sign(origin + path, form, "another token"),
        "without the query": sign(origin + path.partition("?")[0] + "?", form, token),
        "another call": sign(f"{origin}{WHISPER}?call=CA2&to=%2B97235550101", form, token),
    }

    for forgery, signature in forgeries.items():
        answer = await house.stranger.post(path, signature=signature, **form)
        assert answer.status_code == 403, forgery
        assert "<" not in answer.text
    assert house.sessions == []
    assert house.connections == 0


async def test_a_whisper_about_no_call_of_ours_says_nothing(house: House) -> None:
    for query in ("", "?call=CA7&to=%2B97235550101", "?call=CA1", "?to=%2B97235550101", "?call=&to="):
        answer = await house.stranger.post(WHISPER + query, **call_form("CA1"))
        assert [verb.tag for verb in verbs(answer.text)] == ["Hangup"], query


async def test_a_call_that_was_not_put_through_is_not_whispered_about(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.stop()
    await house.written("CA1")

    answer = await house.stranger.post(f"{WHISPER}?call=CA1&to=%2B97235550101", **call_form("CA1"))
    assert [verb.tag for verb in verbs(answer.text)] == ["Hangup"]


async def test_a_call_nobody_knows_does_not_come_back(house: House) -> None:
    apology, hang_up = await asks_what_next(house, AFTER_TRANSFER, call_sid="CA7", DialCallStatus="no-answer")
    assert (apology.tag, hang_up.tag) == ("Say", "Hangup")
    assert house.sessions == []


async def test_after_a_restart_the_caller_still_comes_back_to_what_he_had_said(tmp_path: Path, voice: Voice) -> None:
    async with opened(tmp_path, voice) as before:
        async with before.stranger.line(await before.stranger.ticket("CA1"), "CA1") as line:
            await line.converse(lambda _: said(before, "שלום"))
            await line.converse(lambda _: before.session("CA1").call.over, voice.say(WISH, "caller").audio)
            assert await line.closed() == 1000
        await before.written("CA1")
    async with opened(tmp_path, voice) as after:
        answer = await after.stranger.post(
            AFTER_TRANSFER, **call_form("CA1", status="in-progress"), DialCallStatus="no-answer"
        )
        async with after.stranger.line(read_ticket(answer.text), "CA1") as line:
            await line.converse(lambda _: said(after, "אף אחד לא ענה"))
            await line.stop()
        (server,) = after.hub.servers
        assert WISH in [item.text for item in server.items.turns()]


def heard(house: House) -> list[str]:
    """What the callers heard of the assistant, sentence by sentence."""
    turns = [command for command in house.commands if isinstance(command, do.RecordTurn)]
    return [turn.text for turn in turns if turn.speaker == "assistant"]


def said(house: House, words: str) -> bool:
    return any(words in sentence for sentence in heard(house))


def verbs(twiml: str) -> list[ET.Element]:
    return list(ET.fromstring(twiml))  # noqa: S314 - our own document
