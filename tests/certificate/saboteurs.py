"""Who breaks what: named faults of a deployment, each with the one section that must fail and the word of its remedy.

`ON_EVIDENCE` break what was seen of a good call; `ON_SOCKETS` break the deployment itself, and then a call is placed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from agentlocator import telemetry
from agentlocator.assistant.registry import Registry
from agentlocator.assistant.tool import ToolContext, ToolReply
from agentlocator.call import commands as do
from agentlocator.certificate.evidence import Evidence, Knock
from agentlocator.certificate.looks import LIMITS
from agentlocator.certificate.place import DECOY, Place
from agentlocator.domain import conversations, leads
from agentlocator.domain.profile import BusinessProfile
from agentlocator.rehearsal.theatre import Theatre
from agentlocator.simulator.realtime_faults import Fault
from agentlocator.twilio import signature, twiml
from agentlocator.voice import preparation, translate
from agentlocator.voice.media_endpoint import MediaEndpoint

# A machine that runs other tests beside this one answers a little later.
PATIENT = msgspec.structs.replace(LIMITS, answer_to_ms=6_000, stop_ms=2_000)


# --- what was seen


class OnEvidence(msgspec.Struct, frozen=True):
    """A fault as it would have shown."""

    name: str
    section: int
    remedy: str
    breaks: Callable[[Evidence], Evidence]


def with_(path: str, value: Any) -> Callable[[Evidence], Evidence]:
    """The evidence with one field, of a part or of its own, changed; a callable is given the old value."""

    def change(evidence: Evidence) -> Evidence:
        part, _, field = path.rpartition(".")
        owner = getattr(evidence, part) if part else evidence
        new = value(getattr(owner, field)) if callable(value) else value
        changed = msgspec.structs.replace(owner, **{field: new})
        return msgspec.structs.replace(evidence, **{part: changed}) if part else changed

    return change


def format_of(side: str, kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(session: dict[str, Any]) -> dict[str, Any]:
        audio = session["audio"]
        return {**session, "audio": {**audio, side: {**audio[side], "format": {"type": kind}}}}

    return change


def without_lines(part: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    return lambda lines: tuple(line for line in lines if part not in line)


def slower(by_ms: int) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    def change(turns: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            turn if turn.latency_ms is None else msgspec.structs.replace(turn, latency_ms=turn.latency_ms + by_ms)
            for turn in turns
        )

    return change


def each(**fields: Any) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return lambda rows: tuple(msgspec.structs.replace(row, **fields) for row in rows)


def without_tool(name: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return lambda tools: tuple(tool for tool in tools if tool.name != name)


OPEN = (Knock("media stream without a token", "let in", False),)
RECORDED_GREETING = "ברוכים הבאים, כל הנציגים עסוקים"

ON_EVIDENCE = (
    OnEvidence("the second engine is on", 1, "ENABLE_STREAMING_STT", with_("other_engines", ("ENABLE_STREAMING_STT",))),
    OnEvidence(
        "the phone path imports Whisper", 1, "Realtime", with_("other_engines", ("voice/x.py imports whisper",))
    ),
    OnEvidence("the model's last day has come", 1, "OPENAI_REALTIME_MODEL", with_("about.model_ends_on", "2020-01-01")),
    OnEvidence("the session asks for PCM", 2, "audio/pcmu", with_("session.asked", format_of("output", "audio/pcm"))),
    OnEvidence("the model holds A-law", 2, "audio/pcmu", with_("session.got", format_of("input", "audio/pcma"))),
    OnEvidence("frames of 320 bytes", 2, "160", with_("frames.sizes", {320: 700})),
    OnEvidence("one short frame", 2, "160", with_("frames.sizes", lambda sizes: {**sizes, 80: 1})),
    OnEvidence("something resamples the sound", 2, "resample", with_("frames.bit_exact", False)),
    OnEvidence("a WAV header", 2, "resample", with_("frames.violations", ("The payload has a WAV header.",))),
    OnEvidence(
        "another prompt was sent", 3, "Restart", with_("session.got", lambda got: {**got, "instructions": "hi"})
    ),
    OnEvidence("the caller cannot interrupt", 4, "policy.floor", with_("interruptions", each(committed=False))),
    OnEvidence("the sound goes on for seconds", 4, "policy.floor", with_("interruptions", each(stop_ms=5_000))),
    OnEvidence("the interruption is not heard", 4, "microscope", with_("interruptions", each(answered=False))),
    OnEvidence("a cough ends the sentence", 4, "detector", with_("noise_stopped_it", True)),
    OnEvidence("no lead is made", 5, "migrate", lambda e: with_("lead", None)(with_("appointment", None)(e))),
    OnEvidence("the lead is not updated", 5, "leads_upsert", with_("tools", without_tool("leads_upsert"))),
    OnEvidence("no appointment is written", 5, "hours", with_("appointment", None)),
    OnEvidence("something is left behind", 5, "again", with_("left", ("appointment",))),
    OnEvidence("keys do not arrive", 6, "dtmf", with_("keys_arrived", "")),
    OnEvidence("keys do not reach the model", 6, "input_text", with_("keys_to_model", ())),
    OnEvidence("another greeting is spoken", 7, "greeting", with_("greeted", RECORDED_GREETING)),
    OnEvidence("a recorded opening", 7, "<Play>", with_("answered.verbs", ("Play",))),
    OnEvidence("somebody is let in", 8, "MEDIA_TOKEN_SECRET", with_("doors", OPEN)),
    OnEvidence("the log lacks BARGE-IN", 8, "LOG_LEVEL", with_("log", without_lines("BARGE-IN"))),
    OnEvidence("the log lacks WS_STOP", 8, "LOG_LEVEL", with_("log", without_lines("WS_STOP"))),
    OnEvidence("a slow model", 8, "closer", with_("turns", slower(9_000))),
    OnEvidence("the line is silent", 8, "quiet", with_("sound.caller_dbfs", -60.0)),
    OnEvidence("the sound is noise", 8, "PCM", with_("sound.assistant_voiced", 0.02)),
    OnEvidence("an alarm in the call", 8, "alarm", with_("alarms", ("silent_call: …",))),
    OnEvidence("WhatsApp during the call", 9, "WhatsApp", with_("written.during", ("message 7",))),
    OnEvidence("a lead of another business", 10, "Stop answering", with_("strangers.leaks", ("lead of business 2",))),
    OnEvidence("another business reaches the call", 10, "number", with_("strangers.doors", OPEN)),
)


# --- the deployment itself


class OnSockets(msgspec.Struct, frozen=True):
    """A fault of a running deployment.

    `given` are settings of the server, `faults` the model's own; `breaks` changes the code or the house, and gives
    the place as the certification finds it.
    """

    name: str
    section: int
    remedy: str
    given: dict[str, Any] = {}
    faults: tuple[Fault, ...] = ()
    breaks: Callable[[pytest.MonkeyPatch, Place, Theatre], Place] | None = None
    meanwhile: Callable[[Place], AbstractAsyncContextManager[None]] | None = None
    answer_to_ms: int = PATIENT.answer_to_ms


def wrong_secret(_patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    other = place.settings.model_copy(update={"twilio_auth_token": SecretStr("another-token")})
    return msgspec.structs.replace(place, settings=other)


def closed_port(_patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    return msgspec.structs.replace(place, url="http://127.0.0.1:9")


def closed_media_door(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    async def no_start(_self: object, _socket: object) -> None:
        return None

    patch.setattr(MediaEndpoint, "_start", no_start)
    return place


def no_sound_out(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    text = translate.CarrierTranslator.text
    patch.setattr(
        translate.CarrierTranslator,
        "text",
        lambda self, command: None if isinstance(command, do.PlayFrame) else text(self, command),
    )
    return place


def double_frames(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    """Two frames in one message, as servers do that save messages."""
    text = translate.CarrierTranslator.text
    held: dict[str, bytes] = {}

    def joined(self: translate.CarrierTranslator, command: do.Command) -> str | None:
        if not isinstance(command, do.PlayFrame):
            return text(self, command)
        first = held.pop(self.stream_sid, None)
        if first is None:
            held[self.stream_sid] = command.audio
            return None
        return text(self, do.PlayFrame(first + command.audio, command.response_id))

    patch.setattr(translate.CarrierTranslator, "text", joined)
    return place


def prompt_left_out(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    session = preparation.session

    def forgetful(profile: BusinessProfile, *rest: Any) -> dict[str, Any]:
        return session(msgspec.structs.replace(profile, custom_prompt=""), *rest)

    patch.setattr(preparation, "session", forgetful)
    return place


def leaking_registry(_patch: pytest.MonkeyPatch, place: Place, house: Theatre) -> Place:
    house.deployment.switchboard.registry = _Leaking()
    return place


class _Leaking(Registry):
    """Tells whoever asks for other customers about the garage's."""

    async def invoke(self, context: ToolContext, name: str, arguments_json: str, key: str) -> ToolReply:
        if name == "leads_search":
            return ToolReply("יש עוד מישהו.", ok=True, data={"name": DECOY})
        return await super().invoke(context, name, arguments_json, key)


def any_signature(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    patch.setattr(signature, "verify", lambda *_: True)
    return place


def mute_log(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    patch.setattr(telemetry, "ai_said", lambda _: None)
    return place


def recorded_opening(patch: pytest.MonkeyPatch, place: Place, _house: Theatre) -> Place:
    connect = twiml.connect_stream
    patch.setattr(
        twiml,
        "connect_stream",
        lambda *args, **kwargs: connect(*args, **kwargs).replace("<Connect", "<Say>רגע בבקשה</Say><Connect", 1),
    )
    return place


@asynccontextmanager
async def writing(place: Place) -> AsyncIterator[None]:
    """The text agent answers somebody while the certification's call runs."""
    async with place.db.scope(1) as scope:
        lead = await leads.find_or_create(scope, phone_raw="+972541234567", source="whatsapp", now=datetime.now(UTC))
        assert lead is not None
    switch_at = datetime.now(UTC).replace(year=2099)
    async with place.db.scope(1) as scope:
        thread = await conversations.of_lead(scope, lead.id, now=switch_at)
        await conversations.say(
            scope, thread.id, channel="whatsapp", author="assistant", body="היי", now=switch_at, external_uid="sent"
        )
    yield


ON_SOCKETS = (
    OnSockets("wrong secret", 8, "TWILIO_AUTH_TOKEN", breaks=wrong_secret),
    OnSockets("closed port", 8, "reachable", breaks=closed_port),
    OnSockets("closed media door", 8, "reachable", breaks=closed_media_door),
    OnSockets("no sound leaves (tx = 0)", 8, "WebSocket", breaks=no_sound_out),
    OnSockets(
        "expired model", 1, "gpt-realtime-2.1", given={"openai_realtime_model": "gpt-4o-realtime-preview-2024-12-17"}
    ),
    OnSockets("revoked key", 1, "OPENAI_API_KEY", given={"openai_api_key": "sk-revoked"}),
    OnSockets("a session that is never confirmed", 1, "OPENAI_REALTIME_URL", faults=(Fault("never_updated"),)),
    OnSockets("PCM instead of µ-law", 2, "audio/pcmu", faults=(Fault("wrong_echo"),)),
    OnSockets("muted model", 7, "voice", faults=(Fault("stall"),)),
    OnSockets("320-byte frames", 2, "160", breaks=double_frames),
    OnSockets("the business's prompt is not sent", 3, "Restart", breaks=prompt_left_out),
    OnSockets("a recorded opening", 7, "<Say>", breaks=recorded_opening),
    OnSockets("slow model", 8, "closer", faults=(Fault("slow_first_token", lasting_ms=500),), answer_to_ms=1_500),
    OnSockets("any signature will do", 8, "signature", breaks=any_signature),
    OnSockets("what the assistant says is not logged", 8, "LOG_LEVEL", breaks=mute_log),
    OnSockets("WhatsApp writes during the call", 9, "WhatsApp", meanwhile=writing),
    OnSockets("leaking tenant", 10, "Stop answering", breaks=leaking_registry),
)
