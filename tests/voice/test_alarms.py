"""What an operator must see: a call in which the assistant spoke and the caller heard nothing; and whose it was."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import msgspec
import pytest

from agentlocator import telemetry
from agentlocator.call import commands as do
from agentlocator.call import events as on
from voice.house import House
from voice.stranger import call_form, greeted


class Speech:
    """A watcher that waits for the first sound of the model."""

    def __init__(self) -> None:
        self.produced = asyncio.Event()

    def __call__(self, _at_ms: int, event: on.Event, _commands: list[do.Command]) -> None:
        if isinstance(event, on.AssistantAudioProduced):
            self.produced.set()


@pytest.mark.requirement("R7")
async def test_a_call_in_which_the_model_spoke_and_nothing_was_sent_is_an_alarm(house: House) -> None:
    stream = io.StringIO()
    log = telemetry.configure(stream=stream)
    speech = Speech()
    house.deployment.switchboard.on_call.append(lambda session, _business: session.watchers.append(speech))

    # The stream that was ordered never comes.
    await house.stranger.ring("CA1")
    await speech.produced.wait()
    await house.stranger.post("/webhook/call_status", **call_form("CA1", status="completed"))
    call = await house.written("CA1")
    log.close()

    assert call.tx == 0
    alarms = [record for record in _records(stream) if record["level"] == "error"]
    assert "silent_call" in {record["alarm"] for record in alarms}
    assert {record["call_id"] for record in alarms} == {"CA1"}


async def test_a_greeting_that_waited_for_its_stream_is_logged_as_its_call_s(house: House) -> None:
    stream = io.StringIO()
    log = telemetry.configure(stream=stream)
    speech = Speech()
    house.deployment.switchboard.on_call.append(lambda session, _business: session.watchers.append(speech))

    ticket = await house.stranger.ticket("CA1")
    await speech.produced.wait()
    async with house.stranger.line(ticket, "CA1") as line:
        await line.converse(greeted)
        await line.stop()
    await house.written("CA1")
    log.close()

    sent = [record for record in _records(stream) if record["event"].startswith("[REALTIME] sending frame")]
    assert {record.get("call_id") for record in sent} == {"CA1"}


@pytest.mark.requirement("R7")
async def test_a_call_in_which_a_frame_was_sent_is_none(house: House) -> None:
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)
        await line.stop()
    call = await house.written("CA1")

    assert call.tx == len(line.frames) or call.tx == len(line.frames) + 1
    assert call.tx > 0
    assert call.facts["alarms"] == []


def _records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
