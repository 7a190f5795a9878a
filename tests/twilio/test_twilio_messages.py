"""One media stream, message by message, and the frames that go back."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.twilio import messages
from agentlocator.twilio.errors import LocalProtocolError, RemoteProtocolError
from agentlocator.twilio.messages import Connected, Dtmf, Mark, Media, Start, Stop, Unknown, parse

STREAM = "MZ7c21e09bd4f3586a7c21e09bd4f3586a"
CALL = "CA1f4a6b0c7d8e49b2a3c5d6e7f8091a2b"
WIRE = Path(__file__).parents[1] / "wire" / "twilio_call.jsonl"
SILENCE = pybase64.b64encode(b"\xff" * 160).decode()


def test_a_stream_from_its_first_message_to_its_last() -> None:
    connected, start, first, second, mark, key, stop = map(parse, WIRE.read_text().splitlines())

    assert connected == Connected("Call", "1.0.0")

    assert isinstance(start, Start)
    assert (start.stream_sid, start.call_sid) == (STREAM, CALL)
    assert start.account_sid == "AC0123456789abcdef0123456789abcdef"
    assert start.parameters == {"token": "abc.def", "call": "17"}
    assert start.format_fault == ""

    assert isinstance(first, Media)
    assert isinstance(second, Media)
    assert (first.chunk, first.timestamp_ms) == (1, 5)
    assert (second.chunk, second.timestamp_ms) == (2, 25)
    assert second.track == "inbound"
    assert second.payload == SILENCE
    assert messages.decode(second.payload) == b"\xff" * 160

    assert isinstance(mark, Mark)
    assert mark.name == "r3:7"
    assert isinstance(key, Dtmf)
    assert key.digit == "1"
    assert isinstance(stop, Stop)
    assert stop.call_sid == CALL


@pytest.mark.parametrize(
    ("media_format", "named"),
    [
        ({"encoding": "audio/x-alaw", "sampleRate": 8000, "channels": 1}, "encoding audio/x-alaw"),
        ({"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}, "sampleRate 16000"),
        ({"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 2}, "channels 2"),
        ({"encoding": "audio/l16", "sampleRate": "24000"}, "encoding audio/l16, sampleRate 24000"),
        ({"sampleRate": "high"}, "sampleRate high"),
        ({"channels": ["left", "right"]}, "channels ['left', 'right']"),
        ({"encoding": "x" * 9_000}, "encoding " + "x" * 40 + ","),
        ("PCMA", "PCMA"),
    ],
)
@pytest.mark.requirement("R2")
def test_another_sound_than_the_telephones_is_named_with_its_remedy(media_format: object, named: str) -> None:
    fault = _start(media_format).format_fault

    assert fault.startswith(f"the media stream announces {named}"), fault
    assert fault.endswith("set the carrier's stream to audio/x-mulaw, 8000 Hz, 1 channel")


@pytest.mark.parametrize(
    "media_format",
    [
        None,
        {},
        {"encoding": None},
        {"encoding": "audio/x-mulaw"},
        {"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": "1", "colour": "red"},
        {"encoding": "Audio/X-MuLaw", "sampleRate": 8000.0},
    ],
)
def test_what_a_start_does_not_say_of_its_sound_is_taken_to_be_right(media_format: object) -> None:
    assert _start(media_format).format_fault == ""


def _start(media_format: object) -> Start:
    details = {"accountSid": "AC1", "callSid": CALL, "mediaFormat": media_format}
    start = parse(json.dumps({"event": "start", "streamSid": STREAM, "start": details}))
    assert isinstance(start, Start)
    return start


@pytest.mark.requirement("R2")
def test_a_frame_to_the_carrier_is_exactly_three_fields_and_the_models_own_bytes() -> None:
    said = bytes(range(160))
    frame = messages.media(STREAM, pybase64.b64encode(said).decode())

    sent = json.loads(frame)
    assert list(sent) == ["event", "streamSid", "media"]
    assert sent == {"event": "media", "streamSid": STREAM, "media": {"payload": sent["media"]["payload"]}}
    assert pybase64.b64decode(sent["media"]["payload"]) == said
    assert " " not in frame


def test_marks_and_clears_name_the_stream() -> None:
    assert json.loads(messages.mark(STREAM, 'r3:7"')) == {
        "event": "mark",
        "streamSid": STREAM,
        "mark": {"name": 'r3:7"'},
    }
    assert json.loads(messages.clear(STREAM)) == {"event": "clear", "streamSid": STREAM}
    with pytest.raises(LocalProtocolError, match="name"):
        messages.mark(STREAM, "")


def test_what_the_carrier_adds_one_day_is_not_an_error() -> None:
    assert parse('{"event":"transcription","streamSid":"MZ1","text":"x"}') == Unknown("transcription")
    mark = parse('{"mark":{"name":"a","colour":"red"},"streamSid":"MZ1","more":[1],"event":"mark"}')
    assert isinstance(mark, Mark)
    assert mark.name == "a"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not a JSON"),
        ("hello", "not a JSON"),
        ('{"event":"media"', "not a JSON"),
        (b'{"event":"\xff"}', "not a JSON"),
        ("[" * 100_000, "JSON|message with an event"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":NaN}}', "not a JSON"),
        ("[]", "event"),
        ("{}", "event"),
        ('{"event":7}', "event"),
        ('{"event":"media","streamSid":"MZ1","media":{}}', "media message.*payload"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":"","timestamp":"-5"}}', "media message"),
        ('{"event":"start","streamSid":"MZ1","start":{"accountSid":"AC1"}}', "start message.*callSid"),
        ('{"event":"start","streamSid":"\\"}","start":{"accountSid":"A","callSid":"C"}}', "start message"),
        ('{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"12"}}', "dtmf message"),
    ],
)
def test_a_malformed_message_names_its_fault(text: str | bytes, fault: str) -> None:
    with pytest.raises(RemoteProtocolError, match=fault):
        parse(text)


@pytest.mark.parametrize("payload", ["!!!!", "AAA", 'AAAA"', "AA AA", "שלום"])
def test_only_strict_base64_is_sound(payload: str) -> None:
    with pytest.raises(RemoteProtocolError, match="base64"):
        messages.decode(payload)


@given(st.text() | st.binary() | st.builds(json.dumps, st.dictionaries(st.text(), st.integers() | st.text())))
def test_nothing_but_a_protocol_error_comes_out_of_arbitrary_text(text: str | bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        parse(text)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "else"]), _json_values)
def test_nothing_but_a_protocol_error_comes_out_of_a_mangled_message(event: str, body: object) -> None:
    with contextlib.suppress(RemoteProtocolError):
        parse(json.dumps({"event": event, "streamSid": body, event: body}))


@given(st.binary(max_size=2000))
def test_sound_goes_out_and_comes_back_as_it_was(sound: bytes) -> None:
    frame = messages.media(STREAM, pybase64.b64encode(sound).decode())
    back = parse(frame)
    assert isinstance(back, Media)
    assert messages.decode(back.payload) == sound
