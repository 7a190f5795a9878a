"""The carrier's webhooks on a real server: who is let in, what he is told, and what is written down."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET
from itertools import permutations
from pathlib import Path

import pytest

from agentlocator.assistant import instructions
from agentlocator.call import commands as do
from agentlocator.db.schema import Appointment, Call, Lead
from agentlocator.domain import businesses
from agentlocator.simulator.scenarios import SCENARIOS
from agentlocator.simulator.speech import Voice
from voice import house as houses
from voice.house import House
from voice.stranger import CLINIC, DANA, GARAGE, Stranger, call_form, greeted, sign

INCOMING = "/webhook/incoming_call"
STATUS = "/webhook/call_status"
STREAM_STATUS = "/webhook/stream_status"
AFTER = "/webhook/after_stream"
NOBODYS = "+97239999999"


@pytest.mark.parametrize("path", [INCOMING, STATUS, STREAM_STATUS, AFTER])
@pytest.mark.parametrize("forgery", ["unsigned", "signed with another token", "signed for another path", "tampered"])
async def test_what_the_carrier_did_not_sign_is_refused_and_leaves_no_trace(
    house: House, path: str, forgery: str
) -> None:
    form = call_form("CA1")
    stranger = house.stranger
    signatures = {
        "unsigned": "",
        "signed with another token": sign(stranger.origin + path, form, "another token"),
        "signed for another path": sign(stranger.origin + "/elsewhere", form, stranger.token),
        "tampered": sign(stranger.origin + path, {**form, "To": GARAGE}, stranger.token),
    }

    answer = await stranger.post(path, signature=signatures[forgery], **form)

    assert answer.status_code == 403
    assert "<Response>" not in answer.text
    assert await house.rows(Call) == []
    assert await house.rows(Lead) == []
    assert house.sessions == []
    assert house.connections == 0


async def test_a_host_header_does_not_make_a_signature_right(house: House) -> None:
    form = call_form("CA1")
    forged = sign("http://evil.example" + INCOMING, form, house.stranger.token)

    answer = await house.stranger.http.post(
        house.stranger.origin + INCOMING,
        data=form,
        headers={"X-Twilio-Signature": forged, "Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )

    assert answer.status_code == 403


async def test_an_oversized_form_is_refused_before_it_is_read(house: House) -> None:
    answer = await house.stranger.ring("CA1", from_="+9725" + "0" * 70_000)

    assert answer.status_code == 413
    assert house.sessions == []


async def test_a_webhook_answers_only_to_post(house: House) -> None:
    assert (await house.stranger.http.get(house.stranger.origin + INCOMING)).status_code == 405


async def test_while_the_auth_token_is_replaced_both_are_good(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN_NEXT", "the next token")
    async with houses.opened(tmp_path, voice) as house:
        renewed = Stranger(house.stranger.http, house.stranger.origin, "the next token")

        assert (await house.stranger.ring("CA1")).status_code == 200
        assert (await renewed.ring("CA2")).status_code == 200


async def test_a_number_of_no_business_is_refused_politely_in_hebrew(house: House) -> None:
    answer = await house.stranger.ring("CA1", to=NOBODYS)

    said, hang_up = _verbs(answer.text)
    assert answer.status_code == 200
    assert (said.tag, said.get("language"), hang_up.tag) == ("Say", "he-IL", "Hangup")
    assert re.search(r"[א-ת]{3}", said.text or "")
    assert "Connect" not in answer.text
    assert house.sessions == []
    assert house.connections == 0


async def test_a_call_is_answered_with_a_stream_a_token_and_a_net(house: House) -> None:
    answer = await house.stranger.ring("CA1")

    connect, net = _verbs(answer.text)
    assert answer.headers["content-type"].startswith("text/xml")
    assert connect.tag == "Connect"
    assert connect.get("action") == house.stranger.origin + AFTER
    (stream,) = connect
    assert stream.tag == "Stream"
    assert stream.get("url") == house.stranger.origin.replace("http://", "ws://") + "/media"
    assert stream.get("statusCallback") == house.stranger.origin + STREAM_STATUS
    parameters = {parameter.get("name"): parameter.get("value") for parameter in stream}
    assert parameters.keys() == {"token", "call"}
    assert parameters["call"] == "CA1"
    assert all(len(f"{name}{value}") < 500 for name, value in parameters.items()), "the carrier takes no more"
    assert net.tag == "Dial"
    assert net.get("callerId") == CLINIC
    assert [number.text for number in net] == ["+97235550199"]


async def test_without_a_fallback_number_the_net_is_a_spoken_sentence(house: House) -> None:
    await house.change(fallback_number="")

    _connect, said, hang_up = _verbs((await house.stranger.ring("CA1")).text)

    assert (said.tag, said.get("language"), hang_up.tag) == ("Say", "he-IL", "Hangup")


@pytest.mark.requirement("R20")
async def test_a_call_is_written_down_with_its_lead(house: House) -> None:
    await house.stranger.ring("CA1")

    (call,) = await house.rows(Call)
    (lead,) = await house.rows(Lead)
    assert (call.call_sid, call.to_e164, call.lead_id, call.status) == ("CA1", CLINIC, lead.id, "ringing")
    assert (lead.phone_e164, lead.last_call_sid) == (DANA, "CA1")


@pytest.mark.requirement("R20")
async def test_who_calls_again_is_the_same_lead(house: House) -> None:
    await house.stranger.ring("CA1")
    await house.stranger.ring("CA2", from_="0501234567")

    (lead,) = await house.rows(Lead)
    assert lead.last_call_sid == "CA2"


async def test_a_caller_who_hides_his_number_is_answered_too(house: House) -> None:
    assert (await house.stranger.ticket("CA1", from_="anonymous")).parameters["token"]
    (lead,) = await house.rows(Lead)
    assert lead.phone_e164 is None


async def test_the_carrier_may_ask_again_for_the_same_call(house: House) -> None:
    first = await house.stranger.ticket("CA1")
    again = await house.stranger.ticket("CA1")

    assert len(await house.rows(Call)) == 1
    assert len(await house.rows(Lead)) == 1
    assert len(house.sessions) == 1
    assert first.parameters["token"] != again.parameters["token"]
    async with house.stranger.line(again, "CA1") as line:
        await line.converse(greeted)
    assert house.connections == 1


async def test_even_at_the_same_moment(house: House) -> None:
    answers = await asyncio.gather(*(house.stranger.ring("CA1") for _ in range(5)))

    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(await house.rows(Call)) == 1
    assert len(house.sessions) == 1


@pytest.mark.requirement("R30")
async def test_the_same_caller_is_another_lead_for_another_business(house: House) -> None:
    await house.stranger.ring("CA1", to=CLINIC)
    await house.stranger.ring("CA2", to=GARAGE)

    assert [call.call_sid for call in await house.rows(Call, CLINIC)] == ["CA1"]
    assert [call.call_sid for call in await house.rows(Call, GARAGE)] == ["CA2"]
    assert [lead.last_call_sid for lead in await house.rows(Lead, CLINIC)] == ["CA1"]
    assert [lead.last_call_sid for lead in await house.rows(Lead, GARAGE)] == ["CA2"]


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("number", [CLINIC, GARAGE])
async def test_the_model_is_configured_with_the_prompt_of_the_business_that_was_called(
    house: House, number: str
) -> None:
    ticket = await house.stranger.ticket("CA1", to=number)
    async with house.stranger.line(ticket, "CA1") as line:
        await line.converse(greeted)

    (call,) = await house.rows(Call, number)
    async with house.deployment.db.reading(await house.business_id(number)) as scope:
        profile = await businesses.show(scope)
    (server,) = house.hub.servers
    assert server.session["instructions"] == instructions.build(profile, "call", call.started_at)


@pytest.mark.requirement("R24")
async def test_what_the_model_may_call_takes_neither_business_nor_lead(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)

    tools = {tool["name"]: set(tool["parameters"]["properties"]) for tool in house.hub.servers[0].session["tools"]}
    wanted = {"calendar_find_slots", "calendar_create_appointment", "leads_upsert", "leads_search"}
    assert wanted <= tools.keys()
    for tool, arguments in tools.items():
        assert not {name for name in arguments if re.search("business|tenant|lead|call", name)}
        assert tool not in wanted or not {name for name in arguments if "phone" in name}


@pytest.mark.parametrize("order", sorted(set(permutations(("ringing", "in-progress", "completed", "completed")))))
async def test_status_callbacks_may_come_twice_and_in_any_order(house: House, order: tuple[str, ...]) -> None:
    await house.stranger.ring("CA1")

    for status in order:
        answer = await house.stranger.post(STATUS, **call_form("CA1", status=status))
        assert answer.status_code == 204

    call = await house.written("CA1")
    assert (call.status, call.carrier_status, call.outcome) == ("finished", "completed", "caller_hung_up")
    assert house.deployment.switchboard.live == {}


async def test_the_carriers_word_for_a_call_of_another_business_ends_nothing(house: House) -> None:
    await house.stranger.ring("CA1", to=CLINIC)

    await house.stranger.post(STATUS, **call_form("CA2", status="completed"))
    await house.stranger.post(STATUS, **call_form("CA1", to=NOBODYS, status="completed"))

    (call,) = await house.rows(Call)
    assert call.status == "ringing"
    assert list(house.deployment.switchboard.live) == ["CA1"]


async def test_after_our_goodbye_the_carrier_hangs_up(house: House) -> None:
    await house.change(policy={"max_call_ms": 1_000, "farewell_pause_ms": 100})
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(lambda _: house.session("CA1").call.over)
        assert await line.closed() == 1000

    answer = await house.stranger.post(AFTER, **call_form("CA1", status="in-progress"))

    assert [verb.tag for verb in _verbs(answer.text)] == ["Hangup"]
    assert (await house.written("CA1")).outcome == "max_length"
    # The same question once everything is written and the session is gone.
    answer = await house.stranger.post(AFTER, **call_form("CA1", status="in-progress"))
    assert [verb.tag for verb in _verbs(answer.text)] == ["Hangup"]


async def test_when_the_model_is_lost_the_fallback_number_is_dialled(tmp_path: Path, voice: Voice) -> None:
    async with houses.opened(tmp_path, voice, SCENARIOS["model-unreachable"]) as house:
        async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
            await line.converse(lambda _: house.session("CA1").call.over)
            assert await line.closed() == 1000

        (dial,) = _verbs((await house.stranger.post(AFTER, **call_form("CA1", status="in-progress"))).text)

        assert [number.text for number in dial] == ["+97235550199"]
        assert (await house.written("CA1")).outcome == "model_lost"


async def test_a_call_that_this_process_knows_nothing_of_falls_into_the_net(house: House) -> None:
    (dial,) = _verbs((await house.stranger.post(AFTER, **call_form("CA9", status="in-progress"))).text)

    assert [number.text for number in dial] == ["+97235550199"]


async def test_without_a_fallback_number_the_net_is_words(house: House) -> None:
    await house.change(fallback_number="")

    said, hang_up = _verbs((await house.stranger.post(AFTER, **call_form("CA9", status="in-progress"))).text)

    assert (said.tag, said.get("language"), hang_up.tag) == ("Say", "he-IL", "Hangup")


async def test_a_strangers_tools_drive_a_whole_call(house: House, voice: Voice) -> None:
    ticket = await house.stranger.ticket("CA1")
    async with house.stranger.line(ticket, "CA1") as line:
        await line.converse(lambda _: _has_said(house, "לעזור"))
        await line.converse(lambda _: _has_said(house, "פנוי"), voice.say("אני רוצה לקבוע תור לבדיקה", "caller").audio)
        await line.converse(lambda _: _has_said(house, "נקבע"), voice.say("הראשון מתאים לי, תודה", "caller").audio)
        await line.stop()
        assert {len(frame) for frame in line.frames} == {160}
        assert {frozenset(message) for message in line.received if message["event"] == "media"} == {
            frozenset({"event", "streamSid", "media"})
        }
    await house.stranger.post(STATUS, **call_form("CA1", status="completed"))

    call = await house.written("CA1")
    assert call.outcome == "caller_hung_up"
    assert call.tx == len(line.frames)
    (appointment,) = await house.rows(Appointment)
    assert (appointment.call_sid, appointment.lead_id) == ("CA1", call.lead_id)


async def test_health_and_readiness_are_told_without_a_signature(house: House) -> None:
    http, origin = house.stranger.http, house.stranger.origin

    assert (await http.get(origin + "/healthz")).json() == {"alive": True}
    assert (await http.get(origin + "/readyz")).json() == {"ready": True, "calls": 0}
    house.deployment.draining = True
    assert (await http.get(origin + "/readyz")).status_code == 503


def _has_said(house: House, word: str) -> bool:
    """Whether a sentence of the assistant with this word was heard to its end."""
    turns = [command for command in house.commands if isinstance(command, do.RecordTurn)]
    return any(word in turn.text for turn in turns if turn.speaker == "assistant")


def _verbs(twiml: str) -> list[ET.Element]:
    return list(ET.fromstring(twiml))  # noqa: S314 - our own document
