import pytest

from agentlocator.simulator.carrier_twiml import TwimlRefused, read_twiml

SAFE = "wss://voice.example.com/twilio/media/k1"


def connect(url: str = SAFE, inside: str = "", after: str = "") -> str:
    return f'<Response><Connect action="/after"><Stream url="{url}">{inside}</Stream></Connect>{after}</Response>'


def test_a_stream_is_ordered_with_its_parameters_and_what_follows() -> None:
    inside = '<Parameter name="token" value="t1"/><Parameter name="call" value="7"/>'
    twiml = read_twiml(connect(inside=inside, after="<Dial><Number>+97235550101</Number></Dial>"))
    assert twiml.stream is not None
    assert twiml.stream.parameters == {"token": "t1", "call": "7"}
    assert twiml.stream.action == "/after"
    assert [verb.name for verb in twiml.after] == ["Dial"]
    assert twiml.after[0].children[0].text == "+97235550101"
    assert twiml.notes == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (connect(url=f"{SAFE}?token=t1"), 31923),
        (connect(url="https://voice.example.com/media"), 31922),
        (connect(url="ws://voice.example.com/media"), 31922),
        (connect(url="ws://127.0.0.1:8000/media"), 31922),
        (connect(url=""), 31923),
        (connect(inside=f'<Parameter name="long" value="{"x" * 496}"/>'), 12100),
        (connect(inside='<Parameter value="x"/>'), 12100),
        ("<Response><Connect/></Response>", 12100),
        ("<Reply/>", 12100),
        ("not xml", 12100),
    ],
)
def test_what_the_carrier_cannot_run_is_refused(text: str, code: int) -> None:
    with pytest.raises(TwimlRefused) as refused:
        read_twiml(text)
    assert refused.value.code == code


def test_a_plain_stream_may_stay_on_this_machine_when_allowed() -> None:
    twiml = read_twiml(connect(url="ws://127.0.0.1:8000/media"), allow_plain_loopback=True)
    assert twiml.stream is not None
    with pytest.raises(TwimlRefused):
        read_twiml(connect(url="ws://10.0.0.1/media"), allow_plain_loopback=True)


def test_unknown_verbs_and_attributes_are_noted_and_do_no_harm() -> None:
    twiml = read_twiml('<Response><Sing/><Connect record="yes"><Stream url="wss://h/m"/></Connect></Response>')
    assert twiml.stream is not None
    assert [note[:5] for note in twiml.notes] == ["12200", "12200"]
