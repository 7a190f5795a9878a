import asyncio
from typing import Any

import msgspec
import pybase64
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.simulator.brain import receptionist
from agentlocator.simulator.realtime_faults import Fault
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.realtime_response import Pace
from agentlocator.simulator.realtime_socket import serving
from model_dialogue import PHONE, VOICE

KEY = {"Authorization": "Bearer sk-simulated"}
QUICK = Pace(think_ms=10, speed=200.0)


def hub(*faults: Fault) -> RealtimeHub:
    return RealtimeHub(receptionist, VOICE, faults=faults, pace=QUICK, keep_audio=True)


async def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(msgspec.json.encode({"type": kind, **fields}).decode())


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = msgspec.json.decode(await socket.recv())
            if event["type"] == kind:
                return event


async def test_a_booking_begins_over_a_real_socket() -> None:
    service = hub()
    async with serving(service) as url, connect(f"{url}?model=gpt-realtime-2.1", additional_headers=KEY) as socket:
        assert (await until(socket, "session.created"))["session"]["model"] == "gpt-realtime-2.1"
        await say(socket, "session.update", session={"type": "realtime", "audio": PHONE})
        await until(socket, "session.updated")
        spoken = VOICE.say("אני רוצה לקבוע תור", "caller").audio + SILENCE_FRAME * 40
        for start in range(0, len(spoken), FRAME_BYTES):
            frame = pybase64.b64encode(spoken[start : start + FRAME_BYTES]).decode()
            await say(socket, "input_audio_buffer.append", audio=frame)
        call = await until(socket, "response.output_item.done")
        assert call["item"]["name"] == "calendar_find_slots"
        output = {"type": "function_call_output", "call_id": call["item"]["call_id"], "output": "אין תורים"}
        await until(socket, "response.done")
        await say(socket, "conversation.item.create", item=output)
        await say(socket, "response.create")
        assert (await until(socket, "response.output_audio_transcript.done"))["transcript"] == "אין תורים"
    (server,) = service.servers
    assert service.connections == 1
    assert bytes(server.received_audio or b"") == spoken
    assert server.damaged == 0


@pytest.mark.parametrize(
    ("headers", "path", "status"), [({}, "", 401), ({"Authorization": "Bearer no"}, "", 401), (KEY, "/x", 404)]
)
async def test_strangers_and_lost_clients_are_refused(headers: dict[str, str], path: str, status: int) -> None:
    service = hub()
    async with serving(service) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{url}{path}?model=gpt-realtime-2.1", additional_headers=headers)
    assert refused.value.response.status_code == status
    assert service.refused == 1


async def test_the_beta_header_is_answered_with_an_error_and_a_close() -> None:
    headers = {**KEY, "OpenAI-Beta": "realtime=v1"}
    async with serving(hub()) as url, connect(f"{url}?model=gpt-realtime-2.1", additional_headers=headers) as socket:
        assert (await until(socket, "error"))["error"]["code"] == "beta_api_shape_disabled"
        with pytest.raises(ConnectionClosedError):
            await socket.recv()
        assert socket.close_code == 4000


async def test_a_dropped_connection_is_gone_without_a_word() -> None:
    service = hub(Fault("drop", after_ms=20))
    async with serving(service) as url, connect(f"{url}?model=gpt-realtime-2.1", additional_headers=KEY) as socket:
        await say(socket, "response.create")
        with pytest.raises(ConnectionClosedError):
            await until(socket, "response.done")
        assert socket.close_code == 1006
