import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.audio.frames import FRAME_BYTES, SILENCE_FRAME
from agentlocator.simulator.brain import CallTool, ScriptedBrain, Speak, When
from agentlocator.simulator.hidden_words import Listener
from agentlocator.simulator.realtime_server import Upgrade
from agentlocator.simulator.sounds import line_noise
from model_dialogue import VOICE, Dialogue, kinds

LONG = Speak("יש לנו תור פנוי ביום ראשון בעשר בבוקר, ביום שני בשתים עשרה, או ביום שלישי בארבע אחר הצהריים.")
TALKATIVE = ScriptedBrain(otherwise=LONG)


_KINDS = {
    "session.update",
    "input_audio_buffer.append",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "response.create",
    "response.cancel",
}
_NAMES = st.sampled_from(
    [
        "session",
        "item",
        "response",
        "audio",
        "input",
        "output",
        "type",
        "format",
        "voice",
        "tools",
        "turn_detection",
        "content",
        "role",
        "text",
        "id",
        "item_id",
        "call_id",
        "name",
        "arguments",
        "content_index",
        "audio_end_ms",
        "previous_item_id",
        "metadata",
        "event_id",
        "tracing",
    ]
) | st.text(max_size=4)


def manual() -> Dialogue:
    """A session that answers only when it is asked."""
    dialogue = Dialogue(brain=TALKATIVE)
    dialogue.configure(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
    return dialogue


def test_a_session_begins_with_its_defaults_and_echoes_what_it_took() -> None:
    dialogue = Dialogue(phone=False)
    created = dialogue.last("session.created")["session"]
    assert created["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert created["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200

    dialogue.configure(audio={"output": {"format": {"type": "audio/pcmu"}, "voice": "shimmer"}}, instructions="עברית")
    updated = dialogue.last("session.updated")["session"]
    assert updated["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "shimmer", "speed": 1.0}
    assert updated["audio"]["input"] == created["audio"]["input"], "what was not sent stays"
    assert updated["instructions"] == "עברית"


def test_a_turn_is_understood_and_answered_in_the_usual_order() -> None:
    dialogue = Dialogue(brain=TALKATIVE)
    dialogue.configure(audio={"input": {"transcription": {"model": "gpt-transcribe", "languages": ["he"]}}})
    before = len(dialogue.events)
    dialogue.caller_says("מתי אפשר לבוא אליכם")
    dialogue.run(5_000)

    order = list(dict.fromkeys(kinds(dialogue.events[before:])))
    assert order == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert dialogue.server.heard_texts == ["מתי אפשר לבוא אליכם"]
    completed = dialogue.last("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "מתי אפשר לבוא אליכם"
    assert dialogue.last("response.output_audio_transcript.done")["transcript"] == LONG.text
    assert len({event["event_id"] for event in dialogue.events}) == len(dialogue.events)


def test_sound_comes_faster_than_it_plays_in_pieces_that_are_no_frames() -> None:
    dialogue = manual()
    dialogue.say("response.create")
    dialogue.run(20_000)
    times_ms = [
        at_ms
        for event, at_ms in zip(dialogue.events, dialogue.times_ms, strict=True)
        if event["type"] == "response.output_audio.delta"
    ]
    spoken = VOICE.say(LONG.text, "assistant")

    assert dialogue.sound() == spoken.audio, "bit for bit what the voice said"
    assert times_ms[0] == 350
    assert (times_ms[-1] - times_ms[0]) * 4 < spoken.duration_ms
    sizes = [len(event["delta"]) for event in dialogue.of("response.output_audio.delta")]
    assert all(size * 3 // 4 % FRAME_BYTES for size in sizes[:-1])
    listener = Listener()
    assert " ".join(word.text for word in listener.hear(dialogue.sound())) == LONG.text


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"input_audio_format": "g711_ulaw"}, "unknown_parameter", "session.input_audio_format"),
        ({"voice": "shimmer"}, "unknown_parameter", "session.voice"),
        ({"modalities": ["audio", "text"]}, "unknown_parameter", "session.modalities"),
        ({"max_response_output_tokens": 100}, "unknown_parameter", "session.max_response_output_tokens"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        ({"audio": {"output": {"voice": "samantha"}}}, "invalid_value", "session.audio.output.voice"),
        ({"audio": {"output": {"speed": 2}}}, "invalid_value", "session.audio.output.speed"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}},
            "unknown_parameter",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "idle_timeout_ms": 6000}}}},
            "unknown_parameter",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 4000}}}},
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"audio": {"input": {"transcription": {"model": "gpt-transcribe", "language": "he"}}}},
            "unknown_parameter",
            "session.audio.input.transcription.language",
        ),
        (
            {"tools": [{"type": "function", "name": "f", "strict": True}]},
            "unknown_parameter",
            "session.tools[0].strict",
        ),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
        ({"instructions": 7}, "invalid_type", "session.instructions"),
        ({"model": "gpt-realtime-1.5"}, "invalid_value", "session.model"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
    ],
)
def test_one_bad_field_refuses_the_whole_update(session: dict[str, Any], code: str, param: str) -> None:
    dialogue = Dialogue()
    before = dialogue.server.session
    sent = {"type": "realtime", "tool_choice": "none", **session}
    answer = dialogue.say("session.update", session=sent, event_id="mine")
    assert kinds(answer) == ["error"]
    assert (dialogue.error()["code"], dialogue.error()["param"]) == (code, param)
    assert dialogue.error()["event_id"] == "mine"
    assert dialogue.server.session == before
    assert dialogue.closed is None


def test_an_update_must_say_its_type() -> None:
    dialogue = Dialogue()
    dialogue.say("session.update", session={"instructions": "שלום"})
    assert (dialogue.error()["code"], dialogue.error()["param"]) == ("missing_required_parameter", "session.type")


def test_reasoning_is_refused_by_a_model_without_it() -> None:
    plain = Dialogue(upgrade=Upgrade(model="gpt-realtime-1.5"))
    plain.configure(reasoning={"effort": "low"})
    assert plain.error()["param"] == "session.reasoning"
    thinking = Dialogue()
    assert kinds(thinking.configure(reasoning={"effort": "low"})) == ["session.updated"]


def test_the_voice_is_settled_once_it_was_heard() -> None:
    dialogue = manual()
    dialogue.configure(audio={"output": {"voice": "cedar"}})
    dialogue.say("response.create")
    dialogue.run(10_000)
    dialogue.configure(audio={"output": {"voice": "coral"}})
    assert dialogue.error()["code"] == "cannot_update_voice"
    assert kinds(dialogue.configure(audio={"output": {"voice": "cedar"}})) == ["session.updated"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_event"),
        ("[1]", "invalid_event"),
        ("{}", "missing_required_parameter"),
        ('{"type":"response.audio.play"}', "invalid_value"),
        ('{"type":"output_audio_buffer.clear"}', "invalid_value"),
        ('{"type":"response.cancel","reason":"x"}', "unknown_parameter"),
        ('{"type":"input_audio_buffer.append","audio":"not base64!"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append"}', "missing_required_parameter"),
        ('{"type":"response.create","response":{"temperature":1}}', "unknown_parameter"),
        ('{"type":"response.create","response":{"turn_detection":null}}', "unknown_parameter"),
        ('{"type":"conversation.item.truncate","item_id":"x"}', "missing_required_parameter"),
    ],
)
def test_what_is_no_event_is_refused_and_harms_nothing(text: str, code: str) -> None:
    dialogue = Dialogue()
    dialogue.send_text(text)
    assert dialogue.error()["code"] == code
    assert dialogue.closed is None
    assert kinds(dialogue.say("response.create"))[0] == "response.created"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(_KINDS)), st.dictionaries(_NAMES, _JSON, max_size=4))
def test_no_event_however_strange_breaks_the_service(kind: str, fields: dict[str, Any]) -> None:
    dialogue = Dialogue()
    dialogue.say("response.create")
    dialogue.send_text(msgspec.json.encode({**fields, "type": kind}).decode())
    dialogue.run(300)
    assert dialogue.closed is None
    assert kinds(dialogue.configure(tools=[])) == ["session.updated"]


def test_the_beta_header_is_refused_and_the_socket_closed() -> None:
    dialogue = Dialogue(upgrade=Upgrade(beta="realtime=v1"), phone=False)
    assert kinds(dialogue.events) == ["error"]
    assert dialogue.error()["code"] == "beta_api_shape_disabled"
    assert dialogue.closed is not None
    assert dialogue.closed.code == 4000


@pytest.mark.parametrize(("model", "code"), [("", "missing_required_parameter"), ("gpt-4o", "model_not_found")])
def test_a_model_must_be_named_and_exist(model: str, code: str) -> None:
    dialogue = Dialogue(upgrade=Upgrade(model=model), phone=False)
    assert dialogue.error()["code"] == code
    assert dialogue.closed is not None


def test_sound_before_the_session_speaks_mu_law_is_noise_without_words() -> None:
    dialogue = Dialogue(phone=False)
    dialogue.caller_says("אני רוצה לקבוע תור", then_silent_ms=3_000)
    assert dialogue.server.unintelligible_bytes == len(dialogue.server.received_audio or b"")
    assert "תור" not in " ".join(dialogue.server.heard_texts)


def test_two_responses_do_not_run_at_once() -> None:
    dialogue = manual()
    dialogue.say("response.create", event_id="first")
    answer = dialogue.say("response.create", event_id="second")
    assert kinds(answer) == ["error"]
    assert dialogue.error()["code"] == "conversation_already_has_active_response"
    assert dialogue.error()["event_id"] == "second"
    dialogue.run(20_000)
    assert len(dialogue.of("response.done")) == 1
    assert kinds(dialogue.say("response.create"))[0] == "response.created"


def test_a_response_outside_the_conversation_may_run_beside_and_is_not_remembered() -> None:
    dialogue = manual()
    dialogue.say("response.create")
    aside = {"conversation": "none", "output_modalities": ["text"], "metadata": {"for": "summary"}}
    dialogue.say("response.create", response=aside)
    dialogue.run(20_000)
    assert not dialogue.server.errors
    done = dialogue.of("response.done")
    assert {event["response"]["conversation_id"] for event in done} == {"conv_1", None}
    assert dialogue.last("response.output_text.done")["text"] == LONG.text
    assert len(dialogue.server.items.turns()) == 1


def test_cancelling_nothing_is_an_error_and_cancelling_something_is_paid_for() -> None:
    dialogue = manual()
    dialogue.say("response.cancel", event_id="c1")
    assert dialogue.error()["code"] == "response_cancel_not_active"

    dialogue.say("response.create")
    dialogue.run(600)
    heard_ms = len(dialogue.sound()) // 8
    answer = dialogue.say("response.cancel", response_id=dialogue.server.responses[-1].id)
    assert kinds(answer)[-1] == "response.done"
    done = answer[-1]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    assert done["output"][0]["status"] == "incomplete"
    assert done["usage"]["output_token_details"]["audio_tokens"] == heard_ms // 50
    assert dialogue.run(5_000) == []


def test_truncation_is_bounded_by_what_was_produced_and_takes_the_words_along() -> None:
    dialogue = manual()
    dialogue.say("response.create")
    dialogue.run(20_000)
    item_id = dialogue.last("response.output_item.done")["item"]["id"]
    produced_ms = len(dialogue.sound()) // 8

    def truncate(end_ms: int, **other: Any) -> None:
        fields = {"item_id": item_id, "content_index": 0, "audio_end_ms": end_ms, **other}
        dialogue.say("conversation.item.truncate", **fields)

    truncate(produced_ms + 60)
    assert dialogue.error()["code"] is None
    assert dialogue.error()["message"] == (
        f"Audio content of {produced_ms}ms is already shorter than {produced_ms + 60}ms"
    )
    truncate(10, item_id="item_unknown")
    assert dialogue.error()["code"] == "item_truncate_invalid_item_id"
    truncate(1_500)
    assert dialogue.last("conversation.item.truncated")["audio_end_ms"] == 1_500
    words = VOICE.say(LONG.text, "assistant").words
    known = dialogue.server.items.turns()[-1].text
    assert known == " ".join(word.text for word in words if word.end_ms <= 1_500)
    truncate(1_501)
    assert dialogue.error()["message"].endswith("shorter than 1501ms")


def test_unknown_items_are_not_deleted_and_not_retrieved() -> None:
    dialogue = Dialogue()
    for verb in ("delete", "retrieve"):
        dialogue.say(f"conversation.item.{verb}", item_id="item_unknown")
        assert dialogue.error()["code"] == f"item_{verb}_invalid_item_id"


def test_items_are_put_where_they_were_asked_to_go() -> None:
    dialogue = Dialogue()

    def note(text: str, **where: str) -> None:
        item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}
        dialogue.say("conversation.item.create", item={"id": f"id_{text}", **item}, **where)

    note("b")
    note("c")
    note("a", previous_item_id="root")
    note("bb", previous_item_id="id_b")
    assert [turn.text for turn in dialogue.server.items.turns()] == ["a", "b", "bb", "c"]
    note("d", previous_item_id="id_nowhere")
    assert dialogue.error()["code"] == "item_create_invalid_previous_item_id"
    note("a")
    assert dialogue.error()["code"] == "item_create_duplicate_item_id"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": [{"type": "text", "text": "x"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "//8="}]},
        {"type": "message", "role": "caller", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call_output", "call_id": "call_unknown", "output": "{}"},
        {"type": "function_call_output", "output": "{}"},
        {"type": "song"},
    ],
)
def test_items_of_the_wrong_shape_are_refused(item: dict[str, Any]) -> None:
    dialogue = Dialogue()
    assert kinds(dialogue.say("conversation.item.create", item=item)) == ["error"]


def test_committing_too_little_is_an_error() -> None:
    dialogue = Dialogue()
    dialogue.configure(audio={"input": {"turn_detection": None}})
    dialogue.speak(SILENCE_FRAME * 4)
    dialogue.say("input_audio_buffer.commit")
    assert dialogue.error()["code"] == "input_audio_buffer_commit_empty"
    dialogue.caller_says("בעשר")
    answer = dialogue.say("input_audio_buffer.commit")
    assert kinds(answer) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert dialogue.server.heard_texts == ["בעשר"]


def test_forwarded_noise_makes_a_turn_and_silence_makes_none() -> None:
    dialogue = Dialogue()
    dialogue.speak(SILENCE_FRAME * 100)
    assert dialogue.of("input_audio_buffer.speech_started") == []
    dialogue.speak(line_noise(600, -25.0, random.Random(1)) + SILENCE_FRAME * 40)
    started = dialogue.last("input_audio_buffer.speech_started")
    assert 2_000 - 300 <= started["audio_start_ms"] <= 2_000 - 200
    assert dialogue.server.heard_texts == [""]
    assert len(dialogue.of("response.created")) == 1


def test_the_caller_interrupts_by_the_servers_own_ear_only_if_it_may() -> None:
    dialogue = Dialogue(brain=TALKATIVE)
    dialogue.say("response.create")
    dialogue.run(500)
    dialogue.caller_says("רגע רגע")
    cancelled = dialogue.of("response.done")[0]["response"]
    assert cancelled["status_details"] == {"type": "cancelled", "reason": "turn_detected"}

    held = Dialogue(brain=TALKATIVE)
    detection = {"type": "server_vad", "interrupt_response": False, "create_response": True}
    held.configure(audio={"input": {"turn_detection": detection}}, instructions="x")
    held.server.pace = held.server.pace.__class__(speed=1.0)
    held.say("response.create")
    held.run(500)
    held.caller_says("רגע")
    assert held.of("response.done") == []
    assert held.error()["code"] == "conversation_already_has_active_response"
    assert held.error()["event_id"] is None


def test_with_both_switches_off_a_turn_is_only_reported() -> None:
    dialogue = Dialogue()
    quiet = {"type": "server_vad", "create_response": False, "interrupt_response": False}
    dialogue.configure(audio={"input": {"turn_detection": quiet}})
    dialogue.caller_says("אני רוצה תור")
    dialogue.run(3_000)
    assert dialogue.server.heard_texts == ["אני רוצה תור"]
    assert dialogue.of("response.created") == []


def test_semantic_vad_waits_as_eagerly_as_it_is_told() -> None:
    stopped_ms = {}
    for eagerness in ("high", "low"):
        dialogue = Dialogue()
        dialogue.configure(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}})
        dialogue.caller_says("מספר הטלפון שלי", then_silent_ms=2_500)
        stopped_ms[eagerness] = dialogue.last("input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert stopped_ms["low"] - stopped_ms["high"] == 1_000


def test_a_long_silence_after_an_answer_makes_the_model_ask() -> None:
    dialogue = Dialogue(brain=TALKATIVE)
    dialogue.configure(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}})
    dialogue.say("response.create")
    dialogue.run(350 + VOICE.say(LONG.text, "assistant").duration_ms + 5_900)
    assert dialogue.of("input_audio_buffer.timeout_triggered") == []
    dialogue.run(200)
    assert len(dialogue.of("input_audio_buffer.timeout_triggered")) == 1
    assert len(dialogue.of("response.created")) == 2


def test_a_function_call_is_announced_completed_and_answered() -> None:
    brain = ScriptedBrain([When("תור", Speak("רק רגע."), CallTool("calendar_find_slots", {"day": "מחר"}))])
    dialogue = Dialogue(brain=brain)
    dialogue.caller_says("תור")
    dialogue.run(5_000)
    done = dialogue.last("response.done")["response"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call"]
    call = done["output"][1]
    assert msgspec.json.decode(call["arguments"]) == {"day": "מחר"}
    assert dialogue.last("response.function_call_arguments.done")["arguments"] == call["arguments"]

    output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"say":"מחר בעשר","ok":true}'}
    dialogue.say("conversation.item.create", item=output)
    dialogue.say("response.create")
    dialogue.run(5_000)
    assert dialogue.last("response.output_audio_transcript.done")["transcript"] == "מחר בעשר"


def test_a_session_that_forbids_tools_gets_words_only() -> None:
    dialogue = Dialogue(brain=ScriptedBrain(otherwise=CallTool("calendar_find_slots")))
    dialogue.configure(tool_choice="none")
    dialogue.say("response.create")
    dialogue.run(2_000)
    assert dialogue.last("response.done")["response"]["output"] == []


def test_the_token_ceiling_leaves_an_answer_incomplete_and_it_can_be_continued() -> None:
    dialogue = manual()
    dialogue.say("response.create", response={"max_output_tokens": 60})
    dialogue.run(20_000)
    done = dialogue.last("response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    first = dialogue.last("response.output_audio_transcript.done")["transcript"]
    assert LONG.text.startswith(first)

    dialogue.say("response.create", response={"instructions": "Continue from the very word."})
    dialogue.run(20_000)
    rest = dialogue.last("response.output_audio_transcript.done")["transcript"]
    assert f"{first} {rest}" == LONG.text


def test_usage_counts_every_kind_of_token_and_what_was_cached() -> None:
    dialogue = manual()
    dialogue.configure(instructions="כללים " * 200)
    dialogue.say("response.create")
    dialogue.run(20_000)
    dialogue.caller_says("ומה עם יום רביעי")
    dialogue.say("response.create")
    dialogue.run(20_000)
    first, second = (event["response"]["usage"] for event in dialogue.of("response.done"))
    assert first["input_token_details"]["cached_tokens"] == 0
    assert first["output_token_details"]["audio_tokens"] == VOICE.say(LONG.text, "assistant").duration_ms // 50
    details = second["input_token_details"]
    assert 0 < details["cached_tokens_details"]["text_tokens"] <= details["text_tokens"]
    assert details["audio_tokens"] > first["output_token_details"]["audio_tokens"]
    assert second["total_tokens"] == second["input_tokens"] + second["output_tokens"]


def test_a_session_ends_after_an_hour() -> None:
    dialogue = Dialogue()
    dialogue.run(60 * 60_000 - 1)
    assert not dialogue.server.closed
    dialogue.run(1)
    assert dialogue.error()["code"] == "session_expired"
    assert dialogue.closed is not None
    assert dialogue.closed.code == 1001
    assert dialogue.say("response.create") == []


def test_altered_sound_is_noticed() -> None:
    dialogue = Dialogue()
    louder = bytes(
        byte ^ 1 if place % 50 == 0 else byte for place, byte in enumerate(VOICE.say("שלום", "caller").audio)
    )
    dialogue.speak(louder + SILENCE_FRAME * 40)
    assert dialogue.server.damaged > 0
    assert dialogue.server.heard_texts == [""]
