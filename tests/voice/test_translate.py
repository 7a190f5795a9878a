"""Every message that means something becomes an event, every command that leaves becomes a message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio.frames import FRAME_BYTES
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.realtime import messages as realtime
from agentlocator.twilio import messages as twilio
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.voice.translate import CarrierTranslator, ModelTranslator

STREAM = "MZ7c21e09bd4f3586a7c21e09bd4f3586a"
WIRE = Path(__file__).parents[1] / "wire"
FORMAT = {"type": "audio/pcmu"}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "דבר עברית",
    "audio": {"input": {"format": FORMAT}, "output": {"format": FORMAT, "voice": "shimmer"}},
}


def media(audio: bytes) -> twilio.Message:
    payload = pybase64.b64encode(audio).decode()
    return twilio.parse(json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": payload}}))


def carrier() -> CarrierTranslator:
    return CarrierTranslator(STREAM)


def model_events(**message: Any) -> list[on.Event]:
    return ModelTranslator(SESSION).events(realtime.parse(json.dumps(message)))


def sent(command: do.Command) -> dict[str, Any]:
    text = ModelTranslator(SESSION).text(command)
    assert text is not None
    message: dict[str, Any] = json.loads(text)
    return message


def test_a_whole_stream_as_twilio_sends_it() -> None:
    translator = carrier()
    lines = (WIRE / "twilio_call.jsonl").read_text().splitlines()
    first, second, *rest = [event for line in lines for event in translator.events(twilio.parse(line))]
    assert first == on.CallerAudio(b"\xff" * FRAME_BYTES)
    assert isinstance(second, on.CallerAudio)
    assert rest == [on.MarkEchoed("r3:7"), on.DigitPressed("1"), on.CallerHungUp("stop")]


@pytest.mark.requirement("R2")
@given(st.binary(min_size=FRAME_BYTES, max_size=FRAME_BYTES))
def test_a_frame_reaches_the_carrier_as_the_model_made_it(audio: bytes) -> None:
    text = carrier().text(do.PlayFrame(audio, "r1"))
    assert text is not None
    message = json.loads(text)
    assert message == {"event": "media", "streamSid": STREAM, "media": message["media"]}
    assert list(message["media"]) == ["payload"]
    assert pybase64.b64decode(message["media"]["payload"]) == audio


@pytest.mark.requirement("R2")
@given(st.lists(st.binary(min_size=1, max_size=700), max_size=12))
def test_frames_of_another_size_are_cut_anew_and_no_byte_is_lost(pieces: list[bytes]) -> None:
    translator = carrier()
    heard = [event for piece in pieces for event in translator.events(media(piece))]
    audio = b"".join(event.audio for event in heard if isinstance(event, on.CallerAudio))
    assert {len(event.audio) for event in heard if isinstance(event, on.CallerAudio)} <= {FRAME_BYTES}
    assert audio == b"".join(pieces)[: len(audio)]
    assert len(b"".join(pieces)) - len(audio) < FRAME_BYTES


def test_odd_frames_are_counted_and_whole_ones_are_not() -> None:
    translator = carrier()
    translator.events(media(b"\xff" * 160))
    assert translator.odd_frames == 0
    translator.events(media(b"\xff" * 80))
    assert translator.odd_frames == 1


def test_audio_that_is_not_base64_is_the_peers_fault() -> None:
    text = json.dumps({"event": "media", "streamSid": STREAM, "media": {"payload": "***"}})
    with pytest.raises(RemoteProtocolError):
        carrier().events(twilio.parse(text))


def test_what_is_not_the_carriers_does_not_go_to_the_carrier() -> None:
    to_model: list[do.Command] = [do.AppendAudio(b""), do.RequestResponse("e1"), do.CancelResponse("r1")]
    to_carrier: list[do.Command] = [do.PlayFrame(b"", "r1"), do.SendMark("g0:1"), do.ClearPlayout()]
    ours: list[do.Command] = [do.OpenModel(1), do.EndStream("done"), do.InvokeTool("t1", "leads_search", "{}")]
    assert [carrier().text(command) for command in to_model + ours] == [None] * 6
    assert [ModelTranslator(SESSION).text(command) for command in to_carrier + ours] == [None] * 6


def test_a_mark_and_a_clear() -> None:
    mark, clear = carrier().text(do.SendMark("g2:40")), carrier().text(do.ClearPlayout())
    assert json.loads(mark or "") == {"event": "mark", "streamSid": STREAM, "mark": {"name": "g2:40"}}
    assert json.loads(clear or "") == {"event": "clear", "streamSid": STREAM}


@pytest.mark.requirement("R2")
@given(st.binary(min_size=1, max_size=2_000))
def test_the_models_sound_comes_in_unaltered(audio: bytes) -> None:
    delta = pybase64.b64encode(audio).decode()
    ids = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 1, "event_id": "e"}
    assert model_events(type="response.output_audio.delta", delta=delta, **ids) == [
        on.AssistantAudioProduced("r1", "i1", audio, 1)
    ]


@pytest.mark.requirement("R3")
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_session_with_another_format_is_not_usable(side: str) -> None:
    echo = json.loads(json.dumps(SESSION))
    echo["audio"][side]["format"] = {"type": "audio/pcm", "rate": 24_000}
    (event,) = model_events(type="session.updated", event_id="e", session=echo)
    assert isinstance(event, on.SessionConfirmed)
    assert not event.usable
    assert event.differences


@pytest.mark.requirement("R3")
def test_a_session_as_asked_is_confirmed_with_its_voice() -> None:
    (event,) = model_events(type="session.updated", event_id="e", session=SESSION)
    assert event == on.SessionConfirmed("shimmer", (), True)


def test_a_difference_that_can_be_lived_with_is_told() -> None:
    echo = json.loads(json.dumps(SESSION))
    echo["audio"]["output"]["voice"] = "alloy"
    (event,) = model_events(type="session.updated", event_id="e", session=echo)
    assert isinstance(event, on.SessionConfirmed)
    assert (event.voice, event.usable, len(event.differences)) == ("alloy", True, 1)


def test_admission_is_the_first_event_that_is_no_error() -> None:
    assert model_events(type="session.created", event_id="e", session={}) == [on.ModelConnected()]
    error = {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no", "event_id": "session"}
    assert model_events(type="error", event_id="e", error=error) == [
        on.ModelErrored("unknown_parameter", "no", "session", fatal=False)
    ]


def test_a_tool_call_is_taken_when_its_item_is_complete() -> None:
    item = {"id": "i", "type": "function_call", "call_id": "c1", "name": "leads_upsert", "arguments": '{"name":"דנה"}'}
    done = {"type": "response.output_item.done", "event_id": "e", "response_id": "r1", "output_index": 0}
    assert model_events(**done, item={**item, "status": "completed"}) == [
        on.ToolRequested("r1", "c1", "leads_upsert", '{"name":"דנה"}')
    ]
    assert model_events(**done, item={**item, "status": "incomplete"}) == []


def test_how_a_response_ended() -> None:
    details = {"type": "incomplete", "reason": "max_output_tokens"}
    response = {"id": "r1", "status": "incomplete", "status_details": details, "output": []}
    assert model_events(type="response.done", event_id="e", response=response) == [
        on.ResponseFinished("r1", "incomplete", "max_output_tokens", "", fatal=False)
    ]


def test_what_is_unknown_is_nothing() -> None:
    assert model_events(type="rate_limits.updated", event_id="e", rate_limits=[]) == []
    assert model_events(type="something.new", event_id="e") == []


@pytest.mark.requirement("R4")
def test_a_cue_is_said_on_top_of_the_sessions_own_instructions() -> None:
    message = sent(do.RequestResponse("response-1", "ברך את המתקשר"))
    assert (message["type"], message["event_id"]) == ("response.create", "response-1")
    instructions = message["response"]["instructions"]
    assert instructions.startswith("דבר עברית")
    assert instructions.endswith("ברך את המתקשר")
    assert "instructions" not in sent(do.RequestResponse("response-2")).get("response", {})


@pytest.mark.requirement("R5")
def test_keys_are_input_text_of_the_user() -> None:
    item = sent(do.AddMessage("user", "[keypad] 1"))["item"]
    assert (item["role"], item["content"]) == ("user", [{"type": "input_text", "text": "[keypad] 1"}])


def test_what_the_assistant_said_before_is_its_own_text() -> None:
    item = sent(do.AddMessage("assistant", "שלום"))["item"]
    assert (item["role"], item["content"]) == ("assistant", [{"type": "output_text", "text": "שלום"}])


def test_the_other_commands_to_the_model() -> None:
    assert sent(do.ConfigureSession())["session"] == SESSION
    assert sent(do.ConfigureSession())["event_id"] == "session"
    append = sent(do.AppendAudio(b"\x01\x02"))
    assert (append["type"], append["audio"]) == ("input_audio_buffer.append", "AQI=")
    cut = sent(do.TruncateItem("i1", 1, 640))
    assert (cut["item_id"], cut["content_index"], cut["audio_end_ms"]) == ("i1", 1, 640)
    assert sent(do.CancelResponse("r1"))["response_id"] == "r1"
    assert sent(do.AddToolCall("c1", "n", "{}"))["item"]["call_id"] == "c1"
    output = sent(do.AddToolOutput("c1", '{"ok":true}'))["item"]
    assert (output["type"], output["output"]) == ("function_call_output", '{"ok":true}')
