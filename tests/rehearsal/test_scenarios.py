"""Every scenario of the repertoire in virtual time: it ends as written, and keeps what its title promises."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time
from pathlib import Path

import msgspec
import pytest

from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call import journal
from agentlocator.simulator.scenarios import CLINIC, DANA, GARAGE, SCENARIOS, YOSSI
from rehearsal.performance import Perform, Performance

SATURDAY = 5
EVERY = pytest.mark.parametrize("name", SCENARIOS)
SPEAKS = [name for name in SCENARIOS if name not in ("model-refused", "model-unreachable")]
"""Scenarios in which the caller hears the assistant at all."""


@EVERY
def test_it_ends_as_written(name: str, performed: Perform) -> None:
    performance = performed(name)

    assert [call.outcome for call in performance.calls] == [SCENARIOS[name].outcome] * len(SCENARIOS[name].roles)
    assert [call.complaints for call in performance.calls] == [[] for _ in performance.calls]


@EVERY
def test_it_alarms_only_when_the_model_is_lost_or_lies(name: str, performed: Perform) -> None:
    alarms = {alarm.partition(":")[0] for call in performed(name).calls for alarm in call.alarms}

    expected = {"false_claim"} if name == "claims-too-much" else set()
    assert alarms == ({"model_lost"} if SCENARIOS[name].outcome == "model_lost" else expected)


@EVERY
def test_the_model_never_complains_of_what_it_is_sent(name: str, performed: Perform) -> None:
    assert [call.model_errors for call in performed(name).calls] == [[] for _ in SCENARIOS[name].roles]


@pytest.mark.requirement("R2")
@pytest.mark.parametrize("name", SPEAKS)
def test_the_caller_hears_the_very_bytes_the_model_made_in_frames_of_160(name: str, performed: Perform) -> None:
    for call in performed(name).calls:
        assert call.frame_bytes == [160]
        assert call.tx > 0
        assert call.bit_exact


@pytest.mark.parametrize("name", SPEAKS)
def test_the_assistant_never_stammers(name: str, performed: Perform) -> None:
    for call in performed(name).calls:
        assert call.underruns == 0
        assert call.max_queued_ms <= 200


@EVERY
def test_its_journal_replays_without_a_difference(name: str, performed: Perform) -> None:
    for call in performed(name).calls:
        with Path(call.journal).open("rb") as lines:
            events, divergences = journal.replay(lines)
        assert events > 0
        assert divergences == []


@pytest.mark.requirement("R3")
@EVERY
def test_no_sound_of_the_caller_reaches_a_session_that_is_not_confirmed(name: str, performed: Perform) -> None:
    confirmed: dict[str, bool] = {}
    for seen in performed(name).seen:
        if isinstance(seen.event, on.SessionConfirmed):
            confirmed[seen.business] = True
        elif isinstance(seen.event, on.ModelDisconnected):
            confirmed[seen.business] = False
        if any(isinstance(command, do.AppendAudio) for command in seen.commands):
            assert confirmed.get(seen.business)


@pytest.mark.requirement("R20")
@EVERY
def test_every_call_has_its_lead_and_the_lead_remembers_the_call(name: str, performed: Perform) -> None:
    performance = performed(name)

    for role, call in zip(performance.scenario.roles, performance.calls, strict=True):
        assert call.lead is not None
        assert call.lead["phone"] == role.from_e164
        assert call.lead["last_call_sid"] == call.call_sid
        assert call.lead["last_call_at"] is not None


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("name", SPEAKS)
def test_every_answer_to_the_caller_has_its_latency(name: str, performed: Perform) -> None:
    for call in performed(name).calls:
        answers = [
            answer
            for said, answer in zip(call.turns, call.turns[1:], strict=False)
            if (said.speaker, answer.speaker) in (("caller", "assistant"), ("keypad", "assistant"))
        ]
        assert all(answer.latency_ms is not None and 0 < answer.latency_ms < 5_000 for answer in answers)


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("name", [name for name in SPEAKS if name != "two-businesses"])
def test_the_first_words_are_the_businesss_greeting(name: str, performed: Perform) -> None:
    first = performed(name).call.turns[0]

    assert first.speaker == "assistant"
    assert "שלום, הגעתם למרפאת השיניים של דוקטור לוי. במה אפשר לעזור?".startswith(first.text)
    assert first.text


@pytest.mark.requirement("R21")
@pytest.mark.requirement("R23")
def test_happy_booking_books_the_first_time_that_was_offered(performed: Perform) -> None:
    happy = performed("happy-booking")

    (appointment,) = happy.rows().appointments
    (lead,) = happy.rows().leads
    assert appointment.status == "booked"
    assert appointment.lead_id == lead.id
    assert appointment.call_sid == happy.call.call_sid
    assert happy.call.appointment is not None
    assert datetime.fromisoformat(happy.call.appointment["starts_local"]) == _offered(happy)[0]
    assert [kind for kind in ("פנוי", "נקבע תור") if any(kind in text for text in happy.said("assistant"))] == [
        "פנוי",
        "נקבע תור",
    ]


@pytest.mark.requirement("R22")
def test_two_or_three_times_within_the_opening_hours_are_offered(performed: Perform) -> None:
    offered = _offered(performed("happy-booking"))

    assert 2 <= len(offered) <= 3
    for start in offered:
        assert start.weekday() != SATURDAY, "the clinic is closed on Saturdays"
        assert time(8, 30) <= start.time() < time(18)
        assert start.minute % 30 == 0


@pytest.mark.requirement("R10")
def test_a_conversation_without_interruptions_lets_every_sentence_end(performed: Perform) -> None:
    spoken = [turn for turn in performed("happy-booking").call.turns if turn.speaker == "assistant"]

    assert len(spoken) == 4
    assert [turn.heard_ms for turn in spoken] == [turn.generated_ms for turn in spoken]
    assert not any(turn.interrupted for turn in spoken)


@pytest.mark.requirement("R14")
def test_barge_in_stops_the_answer_and_hears_the_caller_from_his_first_syllable(performed: Perform) -> None:
    barge_in = performed("barge-in")

    cut = next(turn for turn in barge_in.call.turns if turn.interrupted)
    assert cut.speaker == "assistant"
    assert 1_000 < cut.heard_ms < cut.generated_ms
    assert "אני מעדיפה תור מוקדם יותר" in barge_in.said("caller")
    assert [report["verdict"] for report in barge_in.call.interruptions] == ["pause", "commit"]
    assert barge_in.call.model_connections == 1


@pytest.mark.requirement("R14")
def test_after_barge_in_the_model_remembers_only_what_was_heard(performed: Perform) -> None:
    barge_in = performed("barge-in")

    (cut,) = (command for command in barge_in.commands(do.TruncateItem) if isinstance(command, do.TruncateItem))
    heard = next(turn.heard_ms for turn in barge_in.call.turns if turn.interrupted)
    assert abs(cut.audio_end_ms - heard) <= 20


@pytest.mark.requirement("R13")
def test_barge_in_silences_the_assistant_within_200_ms_of_being_suspected_and_commits_within_500(
    performed: Perform,
) -> None:
    pause, commit = performed("barge-in").call.interruptions

    assert pause["speech_ms"] < 200
    assert 300 <= commit["speech_ms"] <= 500


@pytest.mark.requirement("R12")
def test_a_cough_costs_the_caller_not_one_millisecond_of_the_greeting(performed: Perform) -> None:
    cough = performed("cough")

    (greeting,) = cough.call.turns
    assert greeting.heard_ms == greeting.generated_ms
    assert not greeting.interrupted
    assert "commit" not in [report["verdict"] for report in cough.call.interruptions]


def test_a_silent_caller_is_asked_twice_and_then_told_goodbye(performed: Perform) -> None:
    silent = performed("silent-caller")

    greeting, *asked, goodbye = silent.said("assistant")
    assert "שלום" in greeting
    assert ["עדיין" in question for question in asked] == [True, True]
    assert "להתראות" in goodbye
    assert silent.said("caller") == []


@pytest.mark.requirement("R5")
def test_keys_are_typed_to_the_model_as_text_and_answered(performed: Perform) -> None:
    keypad = performed("keypad")

    typed = [command for command in keypad.commands(do.AddMessage) if isinstance(command, do.AddMessage)]
    assert [message.role for message in typed if "0501234567" in message.text] == ["user"]
    assert keypad.said("keypad") == ["0501234567"]
    assert "5 0 1 2 3" in keypad.said("assistant")[-1]
    assert keypad.said("caller") == []


@pytest.mark.requirement("R30")
def test_two_businesses_know_nothing_of_each_other(performed: Perform) -> None:
    two = performed("two-businesses")
    clinic, garage = two.rows(CLINIC), two.rows(GARAGE)

    assert [lead.phone_e164 for lead in clinic.leads] == [DANA]
    assert [lead.phone_e164 for lead in garage.leads] == [YOSSI]
    assert [call.call_sid for call in clinic.calls] == [two.calls[0].call_sid]
    assert [call.call_sid for call in garage.calls] == [two.calls[1].call_sid]
    assert [row.call_sid for row in clinic.appointments] == [two.calls[0].call_sid]
    assert [row.call_sid for row in garage.appointments] == [two.calls[1].call_sid]


@pytest.mark.requirement("R31")
def test_each_business_is_spoken_for_with_its_own_prompt(performed: Perform) -> None:
    clinic, garage = (call.prompt for call in performed("two-businesses").calls)

    assert "ויצמן 14" in clinic
    assert "יד חרוצים 8" in garage
    assert "ויצמן" not in garage
    assert "יד חרוצים" not in clinic


def test_when_the_connection_drops_a_second_session_takes_the_call_up(performed: Perform) -> None:
    drops = performed("model-drops")

    assert drops.call.model_connections == 2
    assert drops.call.appointment is not None
    offered, taken_up = drops.said("assistant")[1:3]
    assert offered.startswith("הפנוי")
    assert taken_up


def test_after_a_drop_the_new_session_is_told_what_was_said_before(performed: Perform) -> None:
    drops = performed("model-drops")
    lost = next(n for n, seen in enumerate(drops.seen) if isinstance(seen.event, on.ModelDisconnected))
    retold = [
        command
        for seen in drops.seen[lost:]
        if isinstance(seen.event, on.SessionConfirmed)
        for command in seen.commands
        if isinstance(command, do.AddMessage)
    ]

    assert [message.text for message in retold if message.role == "user"][:1] == ["שלום, אני רוצה לקבוע תור לבדיקה"]
    assert any("הגעתם למרפאת" in message.text for message in retold if message.role == "assistant")


def test_after_a_drop_the_caller_hears_no_more_than_two_seconds_of_nothing(performed: Perform) -> None:
    drops = performed("model-drops")
    frames = [seen.at_ms for seen in drops.seen for command in seen.commands if isinstance(command, do.PlayFrame)]
    lost_ms = next(seen.at_ms for seen in drops.seen if isinstance(seen.event, on.ModelDisconnected))

    before = max(at_ms for at_ms in frames if at_ms <= lost_ms)
    after = min(at_ms for at_ms in frames if at_ms > before)
    assert after - before < 2_000


def test_a_failed_answer_is_asked_for_again(performed: Perform) -> None:
    fails = performed("model-fails")

    finished = Counter(seen.event.status for seen in fails.seen if isinstance(seen.event, on.ResponseFinished))
    assert finished["failed"] == 1
    assert fails.call.model_connections == 1
    assert any("פנוי" in text for text in fails.said("assistant"))


@pytest.mark.requirement("R9")
def test_a_cut_answer_is_continued_to_its_end(performed: Perform) -> None:
    cut = performed("cut-answer")

    first, rest = cut.said("assistant")[1:3]
    assert f"{first} {rest}" == performed("happy-booking").said("assistant")[1]
    assert cut.call.appointment is not None


def test_out_of_credit_the_caller_is_not_kept_waiting(performed: Perform) -> None:
    refused = performed("model-refused")

    assert refused.call.model_connections == 1
    assert refused.call.rx < 5 * 50, "he is handed over within five seconds"
    assert [type(command) for command in refused.commands(do.EndStream)] == [do.EndStream]


def test_an_unreachable_model_is_tried_three_times(performed: Perform) -> None:
    unreachable = performed("model-unreachable")

    attempts = [command.attempt for command in unreachable.commands(do.OpenModel) if isinstance(command, do.OpenModel)]
    assert attempts == [1, 2, 3]
    assert unreachable.call.model_connections == 0
    assert unreachable.call.tx == 0
    assert unreachable.call.rx < 10 * 50, "he is handed over within ten seconds"


@pytest.mark.requirement("R23")
def test_an_appointment_is_written_although_the_caller_hung_up_meanwhile(performed: Perform) -> None:
    hung_up = performed("hangs-up-during-tool")

    (appointment,) = hung_up.rows().appointments
    assert appointment.call_sid == hung_up.call.call_sid
    assert not any("נקבע" in text for text in hung_up.said("assistant")), "he is gone before he is told"


@pytest.mark.requirement("R23")
def test_a_taken_time_is_refused_and_others_are_offered(performed: Perform) -> None:
    taken = performed("slot-taken")

    refused = taken.said("assistant")[2]
    assert refused.startswith("השעה הזאת כבר תפוסה")
    assert "הפנוי הקרוב" in refused
    first, other = _offered(taken), _offered(taken, answer=1)
    assert first[0] not in other
    assert other
    (only,) = taken.rows().appointments
    assert only.call_sid is None, "the appointment is somebody else's"
    assert taken.call.appointment is None


def test_garbage_is_counted_and_the_appointment_booked_all_the_same(performed: Perform) -> None:
    garbage = performed("garbage")

    assert garbage.call.refused_messages > 100
    assert garbage.call.appointment is not None
    assert garbage.call.rx > 1_000


@pytest.mark.requirement("R23")
def test_events_that_come_twice_make_one_appointment(performed: Perform) -> None:
    twice = performed("duplicate-tool-call")

    asked = Counter(seen.event.tool_call_id for seen in twice.seen if isinstance(seen.event, on.ToolRequested))
    assert max(asked.values()) == 2, "the model's event really came twice"
    assert len(twice.rows().appointments) == 1
    assert max(Counter(tool.tool_call_id for tool in _tools(twice.commands(do.InvokeTool))).values()) == 1


def test_an_impatient_caller_heard_only_part_of_the_greeting(performed: Perform) -> None:
    impatient = performed("impatient")

    (greeting,) = impatient.call.turns
    assert 0 < greeting.heard_ms < greeting.generated_ms
    assert "במה אפשר לעזור" not in greeting.text


@pytest.mark.requirement("R21")
def test_the_demo_books_under_the_name_that_was_given(performed: Perform) -> None:
    demo = performed("demo")

    assert demo.call.lead is not None
    assert demo.call.lead["name"] == "דנה כהן"
    assert demo.call.appointment is not None
    assert sum(turn.interrupted for turn in demo.call.turns) == 1
    assert demo.said("keypad") == ["1"]
    tools = [tool.name for tool in _tools(demo.commands(do.InvokeTool))]
    assert {"leads_upsert", "calendar_find_slots", "calendar_create_appointment"} <= set(tools)


def _offered(performance: Performance, answer: int = 0) -> list[datetime]:
    """The free times, as the business's own wall clock shows them, in the first answer of a tool or a later one."""
    answers = [seen.event for seen in performance.seen if isinstance(seen.event, on.ToolFinished)]
    slots = msgspec.json.decode(answers[answer].output)["data"]["slots"]
    return [datetime.fromisoformat(slot["start"]) for slot in slots]


def _tools(commands: list[do.Command]) -> list[do.InvokeTool]:
    return [command for command in commands if isinstance(command, do.InvokeTool)]
