"""One session with the model, event by event, and the events that go to it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, TypeVar, get_args

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.realtime import messages
from agentlocator.realtime.errors import LocalProtocolError, Meaning, RemoteProtocolError, meaning
from agentlocator.realtime.messages import (
    AudioDelta,
    CallerTranscribed,
    CallerTranscriptionFailed,
    ErrorReported,
    InputCleared,
    InputCommitted,
    InputTimedOut,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemTruncated,
    OutputItemDone,
    RateLimitsUpdated,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    SpokenDelta,
    SpokenDone,
    TextDone,
    Unknown,
    parse,
    spent,
)
from agentlocator.realtime.usage import Tokens, cost_micro_usd, tokens

WIRE = Path(__file__).parents[1] / "wire" / "realtime_call.jsonl"
LINES = WIRE.read_text(encoding="utf-8").splitlines()


Kind = TypeVar("Kind")


def events(kind: type[Kind]) -> list[Kind]:
    return [event for event in map(parse, LINES) if isinstance(event, kind)]


def test_a_session_is_created_and_then_updated() -> None:
    created, updated, *_ = map(parse, LINES)
    assert isinstance(created, SessionCreated)
    assert created.session["audio"]["input"]["format"]["type"] == "audio/pcm"
    assert created.expires_at_s == 1795251600
    assert isinstance(updated, SessionUpdated)
    assert updated.session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    assert SessionUpdated({}).expires_at_s is None


def test_a_response_speaks_then_calls_a_tool_then_is_billed() -> None:
    (started,) = events(ResponseCreated)
    assert (started.response.id, started.response.status) == ("resp_C1", "in_progress")

    (sound,) = events(AudioDelta)
    assert (sound.response_id, sound.item_id, sound.content_index) == ("resp_C1", "item_C2", 0)
    assert messages.decode(sound.delta) == bytes(range(256)) * 2
    assert [delta.delta for delta in events(SpokenDelta)] == ["שלום,"]
    assert [spoken.transcript for spoken in events(SpokenDone)] == ["שלום, איך אפשר לעזור?"]

    said, called = events(OutputItemDone)
    assert not said.is_tool_call
    assert called.is_tool_call
    assert (called.item.name, called.item.call_id) == ("calendar_find_slots", "call_C1")
    assert called.item.arguments == '{"day":"2026-11-23"}'

    completed = events(ResponseDone)[0].response
    assert completed.status == "completed"
    assert [item.type for item in completed.output] == ["message", "function_call"]
    assert completed.usage is not None
    assert cost_micro_usd("gpt-realtime-2.1", tokens(completed.usage)) == 7206


def test_a_tool_call_that_was_cut_is_not_one_to_run() -> None:
    line = next(line for line in LINES if '"function_call"' in line and "output_item.done" in line)
    cut = parse(line.replace('"status": "completed"', '"status": "incomplete"'))
    assert isinstance(cut, OutputItemDone)
    assert not cut.is_tool_call


def test_responses_end_in_other_ways_too() -> None:
    cancelled, failed = (event.response for event in events(ResponseDone)[1:])
    assert (cancelled.status, cancelled.reason, cancelled.error) == ("cancelled", "client_cancelled", None)
    assert cancelled.usage is not None
    assert failed.status == "failed"
    assert failed.error is not None
    assert meaning(failed.error.code) is Meaning.RETRYABLE


def test_the_caller_is_heard() -> None:
    assert events(SpeechStarted) == [SpeechStarted(audio_start_ms=3200, item_id="item_C4")]
    assert events(SpeechStopped) == [SpeechStopped(audio_end_ms=4700, item_id="item_C4")]
    assert events(InputCommitted) == [InputCommitted(item_id="item_C4", previous_item_id="item_C3")]
    assert events(InputTimedOut) == [InputTimedOut(9000, 17000, "item_C5")]
    assert len(events(InputCleared)) == 1
    (heard,) = events(CallerTranscribed)
    assert heard.transcript == "אפשר מחר בבוקר?"
    assert spent(heard) == Tokens(), "what was not billed by its length has no known price"
    (missed,) = events(CallerTranscriptionFailed)
    assert missed.error.code == "audio_unintelligible"


def test_the_conversation_is_kept() -> None:
    assert [event.item.id for event in events(ItemAdded)] == ["item_C2"]
    assert [event.item.role for event in events(ItemDone)] == ["assistant"]
    assert events(ItemTruncated) == [ItemTruncated("item_C2", audio_end_ms=1480)]
    assert events(ItemDeleted) == [ItemDeleted("item_C2")]
    assert [event.text for event in events(TextDone)] == ["סיכום"]
    (limits,) = events(RateLimitsUpdated)
    assert limits.rate_limits[0].remaining == 249100


def test_errors_name_the_event_they_refuse() -> None:
    busy, late = (event.error for event in events(ErrorReported))
    assert busy.event_id == "answer-2"
    assert meaning(busy.code, busy.type, busy.message) is Meaning.INFORMATIONAL
    assert late.code is None
    assert meaning(late.code, late.type, late.message) is Meaning.INFORMATIONAL


def test_what_the_server_adds_one_day_is_not_an_error() -> None:
    assert [event.type for event in events(Unknown)] == [
        "response.content_part.added",
        "response.function_call_arguments.done",
        "conversation.item.input_audio_transcription.delta",
    ]
    assert parse('{"type":"response.hologram.delta","delta":{}}') == Unknown("response.hologram.delta")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not a JSON"),
        ("nonsense", "not a JSON"),
        (b'{"type":"\xff"}', "not a JSON"),
        ("[]", "type"),
        ('{"kind":"error"}', "type"),
        ('{"type":"response.output_audio.delta","response_id":"r","item_id":"i"}', "audio.delta event.*delta"),
        ('{"type":"session.updated","session":"yes"}', "session.updated event"),
    ],
)
def test_a_malformed_event_names_its_fault(text: str | bytes, fault: str) -> None:
    with pytest.raises(RemoteProtocolError, match=fault):
        parse(text)


@given(st.text() | st.binary())
def test_nothing_but_a_protocol_error_comes_out_of_arbitrary_text(text: str | bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        parse(text)


_mangled = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([json.loads(line) for line in LINES]), st.data())
def test_nothing_but_a_protocol_error_comes_out_of_a_mangled_event(event: dict[str, Any], data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(event)))
    with contextlib.suppress(RemoteProtocolError):
        parse(json.dumps({**event, field: data.draw(_mangled)}))


@given(st.text() | st.binary().map(lambda raw: pybase64.b64encode(raw).decode()))
def test_sound_is_strict_base64_or_a_protocol_error(delta: str) -> None:
    try:
        sound = messages.decode(delta)
    except RemoteProtocolError:
        return
    assert pybase64.b64encode(sound).decode()[: len(delta) - 4] == delta[:-4]


@pytest.mark.requirement("R2")
def test_the_callers_sound_reaches_the_model_as_the_carrier_wrote_it() -> None:
    payload = pybase64.b64encode(bytes(range(160))).decode()
    assert json.loads(messages.append(payload)) == {"type": "input_audio_buffer.append", "audio": payload}


@pytest.mark.requirement("R5")
def test_keypad_digits_are_typed_to_the_model() -> None:
    assert json.loads(messages.create_message("user", "[keypad] 052", event_id="keys-1")) == {
        "type": "conversation.item.create",
        "event_id": "keys-1",
        "item": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "[keypad] 052"}],
        },
    }


@pytest.mark.requirement("R4")
def test_a_greeting_is_asked_for_by_instructions() -> None:
    assert json.loads(messages.create_response("greet", instructions="אמרי: שלום")) == {
        "type": "response.create",
        "event_id": "greet",
        "response": {"instructions": "אמרי: שלום"},
    }


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (messages.update_session({"type": "realtime"}), {"type": "session.update", "session": {"type": "realtime"}}),
        (messages.commit(), {"type": "input_audio_buffer.commit"}),
        (messages.create_response("r-1"), {"type": "response.create", "event_id": "r-1"}),
        (
            messages.create_response("r-2", conversation="none", output_modalities=["text"], metadata={"k": "v"}),
            {
                "type": "response.create",
                "event_id": "r-2",
                "response": {"output_modalities": ["text"], "conversation": "none", "metadata": {"k": "v"}},
            },
        ),
        (messages.cancel_response(), {"type": "response.cancel"}),
        (
            messages.cancel_response("resp_1", event_id="c"),
            {"type": "response.cancel", "event_id": "c", "response_id": "resp_1"},
        ),
        (
            messages.truncate("item_1", 1480),
            {
                "type": "conversation.item.truncate",
                "item_id": "item_1",
                "content_index": 0,
                "audio_end_ms": 1480,
            },
        ),
        (messages.delete("item_1"), {"type": "conversation.item.delete", "item_id": "item_1"}),
    ],
)
def test_client_events(text: str, event: dict[str, object]) -> None:
    assert json.loads(text) == event


def test_a_past_conversation_is_replayed_as_text_and_as_call_and_output() -> None:
    said = json.loads(messages.create_message("assistant", "שלום", item_id="mine", previous_item_id="root"))
    assert said["previous_item_id"] == "root"
    assert said["item"]["id"] == "mine"
    assert said["item"]["content"] == [{"type": "output_text", "text": "שלום"}]

    call = json.loads(messages.create_function_call("call_1", "leads_search", '{"name":"דנה"}'))
    output = json.loads(messages.create_function_call_output("call_1", "נמצאה דנה"))
    assert call["item"] == {
        "type": "function_call",
        "call_id": "call_1",
        "name": "leads_search",
        "arguments": '{"name":"דנה"}',
    }
    assert output["item"] == {"type": "function_call_output", "call_id": "call_1", "output": "נמצאה דנה"}


def test_what_the_server_would_refuse_is_never_sent() -> None:
    with pytest.raises(LocalProtocolError, match="-1 ms"):
        messages.truncate("item_1", -1)
    with pytest.raises(LocalProtocolError, match="512"):
        messages.create_response("r", metadata={"k": "v" * 513})


def test_every_event_we_handle_has_its_line_on_the_wire() -> None:
    assert {type(parse(line)) for line in LINES} == set(get_args(ServerEvent))
