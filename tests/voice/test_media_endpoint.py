"""The media WebSocket on a real server: nobody joins a call without its token, and nothing on the line ends a call."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentlocator.call import events as on
from agentlocator.simulator.speech import Voice
from agentlocator.twilio import stream_token
from voice import house as houses
from voice.house import House
from voice.stranger import GARAGE, SILENCE, Line, Ticket, call_form, greeted

NORMAL = 1000
POLICY_VIOLATION = 1008
TOO_BIG = 1009


async def _is_turned_away(house: House, ticket: Ticket, call_sid: str = "CA1") -> bool:
    async with house.stranger.line(ticket, call_sid) as line:
        code = await line.closed()
        return code == POLICY_VIOLATION and line.received == []


def _with_token(ticket: Ticket, token: str) -> Ticket:
    return Ticket(ticket.url, {**ticket.parameters, "token": token})


@pytest.mark.parametrize("fault", ["missing", "empty", "garbage", "forged", "altered", "expired", "another's", "huge"])
async def test_a_stream_without_a_good_token_is_closed_and_costs_nothing(house: House, fault: str) -> None:
    ticket = await house.stranger.ticket("CA1")
    other = await house.stranger.ticket("CA2")
    business_id, secret = await house.business_id(), house.deployment.settings.media_secret()
    good = ticket.parameters["token"]
    tokens = {
        "empty": "",
        "garbage": "אין לי כרטיס",
        "forged": stream_token.issue("a secret of my own", "CA1", business_id, time.time()),
        "altered": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "expired": stream_token.issue(secret, "CA1", business_id, time.time() - 61),
        "another's": other.parameters["token"],
        "huge": good + "A" * 60_000,
    }
    before = house.connections

    bad = Ticket(ticket.url, {}) if fault == "missing" else _with_token(ticket, tokens[fault])
    assert await _is_turned_away(house, bad)

    assert not any(isinstance(event, on.StreamStarted) for event in house.events)
    # Nothing was used up: the carrier's own stream is let in afterwards, with the one session of its call.
    async with house.stranger.line(ticket, "CA1") as line:
        await line.converse(greeted)
    assert house.connections <= max(before, 2), "one for each of the two calls that were announced"


async def test_a_token_for_a_call_that_nobody_announced_opens_nothing(house: House) -> None:
    token = stream_token.issue(house.deployment.settings.media_secret(), "CA1", await house.business_id(), time.time())
    url = house.stranger.origin.replace("http://", "ws://") + "/media"

    assert await _is_turned_away(house, Ticket(url, {"token": token}))
    assert house.sessions == []
    assert house.connections == 0


async def test_a_token_of_the_garage_does_not_open_a_call_of_the_clinic(house: House) -> None:
    ticket = await house.stranger.ticket("CA1")
    garage = await house.business_id(GARAGE)
    crossed = stream_token.issue(house.deployment.settings.media_secret(), "CA1", garage, time.time())

    assert await _is_turned_away(house, _with_token(ticket, crossed))


async def test_a_token_opens_one_stream(house: House) -> None:
    ticket = await house.stranger.ticket("CA1")
    async with house.stranger.line(ticket, "CA1") as line:
        await line.converse(greeted)

        assert await _is_turned_away(house, ticket)

        frames = len(line.frames)
        await line.converse(lambda line: len(line.frames) > frames + 10)
        await line.stop()

    assert (await house.written("CA1")).outcome == "caller_hung_up"
    assert house.connections == 1
    assert await _is_turned_away(house, ticket), "nor after the call"


async def test_of_two_streams_with_one_token_one_wins(house: House) -> None:
    ticket = await house.stranger.ticket("CA1")
    async with house.stranger.line(ticket, "CA1") as one, house.stranger.line(ticket, "CA1") as other:
        await asyncio.gather(one.converse(greeted), other.converse(greeted))
        winners = [line for line in (one, other) if greeted(line)]
        losers = [line for line in (one, other) if not line.received]

        assert (len(winners), len(losers)) == (1, 1)
        assert await losers[0].closed() == POLICY_VIOLATION
    assert house.connections == 1


async def test_a_second_token_does_not_let_a_second_stream_into_a_call(house: House) -> None:
    first, again = await house.stranger.ticket("CA1"), await house.stranger.ticket("CA1")
    async with house.stranger.line(first, "CA1") as line:
        await line.converse(greeted)

        assert await _is_turned_away(house, again)
    assert house.connections == 1


@pytest.mark.parametrize("says", ["nothing", "connected", "twenty frames", "garbage"])
async def test_who_does_not_start_in_time_is_sent_away(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setenv("STREAM_START_TIMEOUT_S", "0.2")
    texts = {
        "nothing": [],
        "connected": ['{"event":"connected","protocol":"Call","version":"1.0.0"}'],
        "twenty frames": ['{"event":"media","streamSid":"MZ1","media":{"payload":"/////w=="}}'] * 20,
        "garbage": ["{", "[]", "null", "1", '"start"'],
    }
    async with houses.opened(tmp_path, voice) as house:
        url = house.stranger.origin.replace("http://", "ws://") + "/media"
        async with connect(url, compression=None, proxy=None) as socket:
            for text in texts[says]:
                await socket.send(text)
            assert await Line(socket, "CA1").closed() == POLICY_VIOLATION
        assert house.sessions == []
        assert house.connections == 0


async def test_a_media_stream_with_a_token_in_the_url_is_not_a_way_in(house: House) -> None:
    ticket = await house.stranger.ticket("CA1")
    hidden = Ticket(f"{ticket.url}?token={ticket.parameters['token']}", {})

    assert await _is_turned_away(house, hidden)


@pytest.mark.parametrize("path", ["/", "/media/", "/webhook/incoming_call", "/healthz"])
async def test_there_is_no_stream_at_any_other_path(house: House, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(house.stranger.origin.replace("http://", "ws://") + path, proxy=None)
    assert refused.value.response.status_code == 404


@pytest.mark.requirement("R2")
async def test_a_line_whose_sound_is_not_the_telephones_is_closed_and_its_caller_goes_to_a_person(house: House) -> None:
    await house.change(fallback_number="+97237654321")
    ticket = await house.stranger.ticket("CA1")
    alaw = {"encoding": "audio/x-alaw", "sampleRate": 8000, "channels": 1}
    async with house.stranger.line(ticket, "CA1", alaw) as line:
        assert await line.closed() == NORMAL
        assert line.received == []

    call = await house.written("CA1")
    assert call.outcome == "line_unusable"
    assert call.facts["alarms"][0].startswith("line_unusable: the media stream announces encoding audio/x-alaw")
    net = await house.stranger.post("/webhook/after_stream", **call_form("CA1", status="in-progress"))
    assert "+97237654321" in net.text


async def test_a_line_that_does_not_say_what_its_sound_is_carries_the_call(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1", None) as line:
        await line.converse(greeted)
        await line.stop()

    assert (await house.written("CA1")).outcome == "caller_hung_up"


async def test_who_has_no_token_learns_nothing_of_the_sound_we_want(house: House) -> None:
    ticket = await house.stranger.ticket("CA1")
    async with house.stranger.line(Ticket(ticket.url, {}), "CA1", "PCMA") as line:
        assert await line.closed() == POLICY_VIOLATION

    assert not any(isinstance(event, on.StreamStarted) for event in house.events)


STREAM = "MZ" + "7" * 32
REFUSED = {
    "no JSON": "hello",
    "an array": "[]",
    "a number": "7",
    "media without a payload": f'{{"event":"media","streamSid":"{STREAM}","media":{{}}}}',
    "media that is no base64": f'{{"event":"media","streamSid":"{STREAM}","media":{{"payload":"***"}}}}',
    "a payload that is a number": f'{{"event":"media","streamSid":"{STREAM}","media":{{"payload":7}}}}',
    "a key that no phone has": f'{{"event":"dtmf","streamSid":"{STREAM}","dtmf":{{}}}}',
    "deep nesting": "[" * 3_000,
    "70 kB": '{"event":"media","padding":"' + "x" * 70_000 + '"}',
}
IGNORED = {
    "an unknown event": f'{{"event":"weather","streamSid":"{STREAM}","weather":{{"sky":"blue"}}}}',
    "connected again": '{"event":"connected","protocol":"Call","version":"1.0.0"}',
    "an empty payload": f'{{"event":"media","streamSid":"{STREAM}","media":{{"payload":""}}}}',
    "a mark that was never sent": f'{{"event":"mark","streamSid":"{STREAM}","mark":{{"name":"x"}}}}',
}


@pytest.mark.parametrize("what", REFUSED)
async def test_nonsense_is_counted_and_the_call_goes_on(house: House, what: str) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        for _ in range(3):
            await line.send_text(REFUSED[what])
        await _goes_on(line)
        await line.stop()

    carrier = house.session("CA1").carrier
    assert carrier is not None
    assert carrier.refused_messages == 3
    assert (await house.written("CA1")).outcome == "caller_hung_up"


@pytest.mark.parametrize("what", IGNORED)
async def test_what_means_nothing_to_us_is_passed_over(house: House, what: str) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        for _ in range(3):
            await line.send_text(IGNORED[what])
        await _goes_on(line)
        await line.stop()

    assert (await house.written("CA1")).outcome == "caller_hung_up"


async def test_a_binary_frame_is_counted_and_the_call_goes_on(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.socket.send(SILENCE)
        await _goes_on(line)

        carrier = house.session("CA1").carrier
        assert carrier is not None
        assert carrier.refused_messages == 1


@pytest.mark.parametrize("size", [1, 80, 159, 161, 320, 8_000])
async def test_sound_in_pieces_of_another_size_is_heard_as_frames_of_20_ms(house: House, size: int) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        before = len(_heard(house))
        sound = bytes(n % 251 for n in range(size * max(1, 1_600 // size)))
        for start in range(0, len(sound), size):
            await line.sound(sound[start : start + size])
        await _goes_on(line)

    heard = _heard(house)[before:]
    assert {len(frame) for frame in heard} == {160}
    assert sound[: len(sound) // 160 * 160] in b"".join(heard)


async def test_a_second_start_changes_nothing(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.start({"token": "another"})
        await _goes_on(line)
        await line.stop()

    assert sum(isinstance(event, on.StreamStarted) for event in house.events) == 1
    assert (await house.written("CA1")).outcome == "caller_hung_up"


async def test_stop_may_come_twice(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.stop()
        await line.stop()

    call = await house.written("CA1")
    assert (call.status, call.outcome) == ("finished", "caller_hung_up")
    assert sum(isinstance(event, on.CallerHungUp) for event in house.events) == 1


async def test_a_stream_that_stops_at_once_ends_the_call(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.stop()

    assert (await house.written("CA1")).outcome == "caller_hung_up"


async def test_a_stream_that_vanishes_ends_the_call(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        line.socket.transport.abort()
        assert (await house.written("CA1")).outcome == "caller_hung_up"

    assert house.deployment.switchboard.live == {}


async def test_a_message_beyond_all_bounds_ends_the_stream_and_the_call_is_closed_properly(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.send_text("x" * 2 * 1024 * 1024)
        assert await line.closed() == TOO_BIG

    assert (await house.written("CA1")).status == "finished"


@pytest.mark.requirement("R5")
async def test_keys_reach_the_model_as_typed_text(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        for key in "42#":
            await line.say("dtmf", dtmf={"track": "inbound_track", "digit": key})
        (server,) = house.hub.servers
        await line.converse(lambda _: any(turn.who == "typed" for turn in server.items.turns()))
        await line.stop()

    assert ["42" in turn.text for turn in server.items.turns() if turn.who == "typed"] == [True]


@pytest.mark.requirement("R3")
async def test_both_directions_are_asked_for_as_telephone_sound(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.stop()

    (server,) = house.hub.servers
    audio = server.session["audio"]
    assert audio["input"]["format"] == audio["output"]["format"] == {"type": "audio/pcmu"}
    assert audio["output"]["voice"] == "shimmer"
    assert server.received_types[0] == "session.update"


@pytest.mark.requirement("R50")
async def test_a_database_that_does_not_answer_stops_no_sound(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        async with house.deployment.db.operator(writing=True):
            # Nobody else can write now, while the greeting is spoken and the caller makes himself heard.
            frames, heard = len(line.frames), len(_heard(house))
            await line.converse(lambda line: len(line.frames) > frames + 100)
            assert len(_heard(house)) - heard > 80
            await line.stop()

    call = await house.written("CA1")
    assert call.outcome == "caller_hung_up"
    assert call.tx == len(line.frames)


async def _goes_on(line: Line) -> None:
    """The assistant is heard for another 200 ms, while the caller's frames are sent."""
    frames = len(line.frames)
    await line.converse(lambda line: len(line.frames) > frames + 10)


def _heard(house: House) -> list[bytes]:
    return [event.audio for event in house.events if isinstance(event, on.CallerAudio)]
