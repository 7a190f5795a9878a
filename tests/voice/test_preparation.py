"""What a business sets is what its calls run by and what the model is asked for; what cannot be read loses no call."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from agentlocator import telemetry
from agentlocator.assistant.registry import Registry
from agentlocator.call.policy import CallPolicy, Remembered
from agentlocator.domain.availability import Rules
from agentlocator.domain.profile import BusinessProfile, TransferTo
from agentlocator.voice import preparation
from voice.house import House
from voice.stranger import CLINIC, GARAGE, greeted

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
USUAL = CallPolicy()
DESK = TransferTo("+97235550199", "דלפק הקבלה")


def clinic(**fields: Any) -> BusinessProfile:
    profile = BusinessProfile(
        business_id=1,
        name="מרפאת השיניים של דוקטור לוי",
        kind="מרפאת שיניים",
        timezone="Asia/Jerusalem",
        language="he",
        voice="",
        greeting="שלום, הגעתם למרפאה",
        custom_prompt="",
        rules=Rules("Asia/Jerusalem", {}),
        length_min=30,
    )
    return msgspec.structs.replace(profile, **fields)


def policy(neural_ear: bool = True, **own: Any) -> CallPolicy:
    return preparation.policy_of(clinic(policy=own), USUAL, neural_ear)


def session(profile: BusinessProfile | None = None, **own: Any) -> dict[str, Any]:
    """The Realtime session of a call to this business."""
    return preparation.session(profile or clinic(), policy(**own), Registry(), NOW, "gpt-realtime-2.1", "shimmer")


def turn_detection(**own: Any) -> dict[str, Any]:
    detection: dict[str, Any] = session(**own)["audio"]["input"]["turn_detection"]
    return detection


# The model's session.


@pytest.mark.requirement("R3")
def test_the_usual_turn_ends_with_a_silence_and_the_server_neither_answers_nor_interrupts_by_itself() -> None:
    detection = turn_detection()
    assert detection["type"] == "server_vad"
    assert (detection["threshold"], detection["silence_duration_ms"]) == (USUAL.vad_threshold, USUAL.vad_silence_ms)
    assert (detection["create_response"], detection["interrupt_response"]) == (False, False)


def test_a_business_may_wait_longer_or_listen_harder() -> None:
    detection = turn_detection(vad_silence_ms=900, vad_threshold=0.7)
    assert (detection["threshold"], detection["silence_duration_ms"]) == (0.7, 900)


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
def test_or_end_a_turn_with_the_sentence(eagerness: str) -> None:
    detection = turn_detection(turn_detection="semantic_vad", vad_eagerness=eagerness)
    assert detection == {
        "type": "semantic_vad",
        "eagerness": eagerness,
        "create_response": False,
        "interrupt_response": False,
    }


@pytest.mark.requirement("R9")
def test_the_ceiling_of_an_answer_is_the_businesss() -> None:
    assert session()["max_output_tokens"] == 400
    assert session(max_output_tokens=250)["max_output_tokens"] == 250


@pytest.mark.requirement("R3")
def test_the_voice_is_the_businesss_and_else_the_deployments() -> None:
    def voice(profile: BusinessProfile) -> object:
        return session(profile)["audio"]["output"]["voice"]

    assert voice(clinic()) == "shimmer"
    assert voice(clinic(voice="cedar")) == "cedar"
    assert voice(clinic(voice="voice_1234")) == {"id": "voice_1234"}


@pytest.mark.requirement("R31")
def test_the_businesss_language_is_asked_for_and_written_down() -> None:
    def language(profile: BusinessProfile) -> tuple[object, bool]:
        asked = session(profile)
        return asked["audio"]["input"]["transcription"]["languages"], "כל השיחה בערבית" in asked["instructions"]

    assert language(clinic()) == (["he"], False)
    assert language(clinic(language="ar")) == (["ar"], True)


def test_a_call_can_always_be_ended_and_transferred_only_where_there_are_people() -> None:
    def tools(profile: BusinessProfile) -> dict[str, Any]:
        return {tool["name"]: tool["parameters"] for tool in session(profile)["tools"]}

    assert "end_call" in tools(clinic())
    assert "transfer_to_human" not in tools(clinic())
    transfer = tools(clinic(transfer_numbers=(DESK, TransferTo("+97235550198", "ד״ר לוי"))))["transfer_to_human"]
    assert transfer["properties"]["to"]["enum"] == ["דלפק הקבלה", "ד״ר לוי"]
    assert "+972" not in msgspec.json.encode(transfer).decode(), "the model knows people, not numbers"


# The call's brief.


def test_the_core_knows_people_by_their_labels_and_never_their_numbers() -> None:
    brief = preparation.brief("CA1", clinic(transfer_numbers=(DESK,)), USUAL)
    assert brief.transfer_targets == ("דלפק הקבלה",)
    assert DESK.e164 not in str(brief)


def test_a_call_that_comes_back_brings_what_was_said() -> None:
    said = (Remembered("user", "תעבירו אותי לדלפק"),)
    assert preparation.brief("CA1", clinic(), USUAL, said).returning == said


def test_the_notice_is_the_businesss() -> None:
    assert USUAL.notice == ""
    assert policy(notice="השיחה מוקלטת").notice == "השיחה מוקלטת"


# The call's policy.


def test_a_business_sets_single_fields_and_the_others_stay_as_they_are() -> None:
    set_ = policy(dead_air_ms=5_000, floor={"grace_ms": 400})
    assert (set_.dead_air_ms, set_.floor.grace_ms) == (5_000, 400)
    usual_floor = msgspec.structs.replace(USUAL.floor, grace_ms=400)
    assert set_ == msgspec.structs.replace(USUAL, dead_air_ms=5_000, floor=usual_floor)


def test_a_floor_of_which_one_field_is_set_keeps_the_deployments_own_for_the_others() -> None:
    usual = msgspec.structs.replace(USUAL, floor=msgspec.structs.replace(USUAL.floor, cooldown_ms=1_000))
    set_ = preparation.policy_of(clinic(policy={"floor": {"grace_ms": 400}}), usual, neural_ear=True)
    assert (set_.floor.grace_ms, set_.floor.cooldown_ms) == (400, 1_000)


def test_settings_of_other_channels_are_no_fault_of_a_call() -> None:
    assert policy(background={"remind": True}, whatsapp={"hours": 24}) == USUAL


@pytest.mark.requirement("R15")
def test_an_ear_that_hears_late_closes_no_gate() -> None:
    assert policy(neural_ear=True).noise_gate
    assert not policy(neural_ear=False).noise_gate
    assert not policy(neural_ear=True, noise_gate=False).noise_gate


@pytest.mark.parametrize(
    "own",
    [
        {"dead_air": 5_000},
        {"dead_air_ms": "five seconds"},
        {"turn_detection": "guess"},
        {"vad_eagerness": "very"},
        {"vad_silence_ms": 5},
        {"vad_threshold": 7},
        {"max_output_tokens": 0},
        {"max_output_tokens": 10_000},
        {"notice": 5},
        {"floor": {"grace": 1}},
        {"floor": None},
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_read_is_the_usual_one_and_an_alarm(own: dict[str, Any]) -> None:
    stream = io.StringIO()
    log = telemetry.configure(stream=stream)

    assert policy(**own) == USUAL

    log.close()
    (alarm,) = [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    assert (alarm["level"], alarm["alarm"], alarm["business"]) == ("error", "policy_refused", 1)
    assert alarm["detail"]


# On a real server.


async def test_each_business_is_served_by_its_own(house: House) -> None:
    await house.change(CLINIC, voice="cedar", policy={"turn_detection": "semantic_vad", "vad_eagerness": "high"})
    await house.change(GARAGE, policy={"max_output_tokens": 200, "vad_silence_ms": 700})
    for call_sid, number in (("CA1", CLINIC), ("CA2", GARAGE)):
        async with house.stranger.line(await house.stranger.ticket(call_sid, to=number), call_sid) as line:
            await line.converse(greeted)

    clinic_session, garage_session = (server.session for server in house.hub.servers)
    assert clinic_session["audio"]["output"]["voice"] == "cedar"
    assert clinic_session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert clinic_session["audio"]["input"]["turn_detection"]["eagerness"] == "high"
    assert clinic_session["max_output_tokens"] == 400
    assert garage_session["audio"]["output"]["voice"] == "shimmer"
    assert garage_session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert garage_session["max_output_tokens"] == 200


async def test_a_caller_of_a_business_with_a_broken_policy_is_answered(house: House) -> None:
    await house.change(policy={"vad_silence_ms": "soon"})
    async with house.stranger.line(await house.stranger.ticket("CA1"), "CA1") as line:
        await line.converse(greeted)

    assert house.session("CA1").call.policy.vad_silence_ms == USUAL.vad_silence_ms
