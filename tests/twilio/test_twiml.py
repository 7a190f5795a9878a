"""What the carrier is told to do, read back as XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.twilio import twiml
from agentlocator.twilio.errors import LocalProtocolError

STREAM_URL = "wss://voice.example.com/twilio/media/7"


def read(document: str) -> ET.Element:
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    return ET.fromstring(document.encode())  # noqa: S314 - our own document


def test_a_call_is_connected_and_a_crash_is_spoken_in_hebrew() -> None:
    response = read(twiml.connect_stream(STREAM_URL, {"token": "abc.def"}, action="/after"))

    connect, say, end = response
    assert connect.attrib == {"action": "/after", "method": "POST"}
    stream = connect[0]
    assert stream.attrib == {"url": STREAM_URL}
    assert [parameter.attrib for parameter in stream] == [{"name": "token", "value": "abc.def"}]
    assert (say.tag, say.attrib["language"], say.text) == ("Say", "he-IL", twiml.SORRY)
    assert end.tag == "Hangup"


def test_a_business_with_a_human_gets_its_crashes_answered_by_him() -> None:
    response = read(twiml.connect_stream(STREAM_URL, {}, fallback_e164="+972521234567", caller_id="+972771234567"))
    connect, dial = response
    assert connect.attrib == {}
    assert dial.attrib["callerId"] == "+972771234567"
    assert int(dial.attrib["timeLimit"]) > 0
    assert dial[0].text == "+972521234567"


@pytest.mark.parametrize(
    "url", ["ws://voice.example.com/", "https://voice.example.com/", STREAM_URL + "?a=1", STREAM_URL + "#x"]
)
def test_a_stream_url_the_carrier_would_refuse_is_never_sent(url: str) -> None:
    with pytest.raises(LocalProtocolError, match="wss"):
        twiml.connect_stream(url, {})


def test_a_parameter_stays_under_500_characters() -> None:
    twiml.connect_stream(STREAM_URL, {"token": "a" * 494})
    with pytest.raises(LocalProtocolError, match="500"):
        twiml.connect_stream(STREAM_URL, {"token": "a" * 495})


def test_a_refusal_is_a_sentence_and_the_end() -> None:
    say, end = read(twiml.refuse("העסק סגור כעת. להתראות."))
    assert (say.attrib["language"], say.text) == ("he-IL", "העסק סגור כעת. להתראות.")
    assert end.tag == "Hangup"
    assert [verb.tag for verb in read(twiml.hang_up())] == ["Hangup"]


def test_a_transfer_rings_a_human_and_tells_him_who_calls() -> None:
    (dial,) = read(
        twiml.transfer("+972521234567", action="/done?a=1&b=2", whisper_url="https://x.example/w", ring_s=20)
    )
    assert dial.attrib["timeout"] == "20"
    assert dial.attrib["timeLimit"] == "3600"
    assert dial.attrib["action"] == "/done?a=1&b=2"
    assert dial[0].attrib == {"url": "https://x.example/w"}

    (whispered,) = read(twiml.whisper("שיחה מדנה"))
    assert whispered.text == "שיחה מדנה"


@pytest.mark.parametrize("number", ["0521234567", "+0521234567", "+972 52", "sip:a@b", "+972521234567\n", ""])
def test_only_a_whole_number_is_dialled(number: str) -> None:
    with pytest.raises(LocalProtocolError, match="number"):
        twiml.transfer(number)


@given(st.text(max_size=60))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    say, end = read(twiml.refuse(text + "."))
    assert len(say) == 0
    assert end.tag == "Hangup"
    connect = read(twiml.connect_stream(STREAM_URL, {"name": text}))[0]
    assert set(connect[0][0].attrib) == {"name", "value"}
