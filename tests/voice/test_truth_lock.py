"""What the assistant says of a booking is true, or it is corrected aloud: once, and only when it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agentlocator.assistant.registry import ToolReply
from agentlocator.call import commands as do
from agentlocator.call import events as on
from agentlocator.call.events import (
    AssistantAudioFinished,
    ClaimRefuted,
    ResponseFinished,
    ResponseStarted,
    ToolFinished,
    ToolRequested,
)
from agentlocator.domain.receipts import Kind, Receipt
from agentlocator.simulator.brain import Act, CallTool, Conversation, ScriptedBrain, Speak, When, offered_slots
from agentlocator.simulator.play import HangsUp, Hears, Role, Says, Scenario, Waits
from agentlocator.simulator.scenarios import CLINIC, DANA, SCENARIOS
from agentlocator.simulator.speech import Voice
from agentlocator.voice.truth_lock import TruthLock
from call.playbook import Line, greeted, speech, spoken
from rehearsal.performance import Performance

CLAIM = "קבעתי לך תור ליום ראשון בעשר."
SUNDAY_AT_TEN = datetime(2026, 11, 22, 10, 0)


def receipt(kind: Kind = "booked", wall: datetime = SUNDAY_AT_TEN) -> Receipt:
    starts_at = (wall - timedelta(hours=2)).replace(tzinfo=UTC)
    return Receipt(
        kind=kind,
        appointment_id=1,
        uid="a1",
        status="booked",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        wall=wall,
        timezone="Asia/Jerusalem",
        sequence=0,
    )


def after(reply: ToolReply, *said: str) -> list[ClaimRefuted]:
    """The verdicts on these sentences in a call in which a tool has replied so."""
    lock = TruthLock()
    lock.saw(reply)
    for sentence in said:
        lock.heard(sentence)
    return lock.verdicts()


# The lock.


def test_a_claim_without_a_receipt_is_refuted_with_what_to_say_instead() -> None:
    lock = TruthLock()
    lock.heard(f"בסדר גמור. {CLAIM} עוד משהו?")
    (refuted,) = lock.verdicts()
    assert (refuted.claim, refuted.sentence) == ("booked", CLAIM)
    assert "לא נקבע" in refuted.instruction


def test_a_claim_is_judged_once() -> None:
    lock = TruthLock()
    lock.heard(CLAIM)
    assert len(lock.verdicts()) == 1
    assert lock.verdicts() == []


def test_a_receipt_covers_it() -> None:
    assert after(ToolReply(say="נקבע", ok=True, receipt=receipt()), CLAIM) == []


def test_so_does_an_appointment_that_a_tool_has_found() -> None:
    assert after(ToolReply(say="יש לך תור", ok=True, known=(receipt(),)), CLAIM) == []


def test_the_receipt_of_another_day_does_not() -> None:
    monday = receipt(wall=SUNDAY_AT_TEN + timedelta(days=1))
    assert [refuted.claim for refuted in after(ToolReply(say="נקבע", ok=True, receipt=monday), CLAIM)] == ["booked"]


def test_nor_does_a_tool_that_declined() -> None:
    assert len(after(ToolReply(say="השעה תפוסה", ok=False, code="taken"), CLAIM)) == 1


def test_each_false_sentence_has_its_verdict_and_a_true_one_between_them_none() -> None:
    booked = ToolReply(say="נקבע", ok=True, receipt=receipt())
    claims = [refuted.claim for refuted in after(booked, "ביטלתי לך את התור.", CLAIM, "הזזתי לך את התור.")]
    assert claims == ["cancelled", "rescheduled"]


@pytest.mark.parametrize("said", ["לקבוע לך תור ליום ראשון בעשר?", "עוד לא נקבע תור.", "אם מתאים, אקבע ליום ראשון."])
def test_an_offer_is_no_claim(said: str) -> None:
    assert after(ToolReply(say="פנוי", ok=True), said) == []


# What the call does with it.


INSTRUCTION = "תיקון חשוב: לא נקבע תור."
FALSE = ClaimRefuted("booked", CLAIM, INSTRUCTION)


def claimed() -> Line:
    """The caller has just heard the claim."""
    return greeted().caller_turn().answers(CLAIM, 1_000).after(1_100).meanwhile()


def corrections(line: Line) -> int:
    return [request.cue for request in line.all(do.RequestResponse)].count(INSTRUCTION)


def test_a_refuted_claim_is_an_alarm_and_the_next_thing_said() -> None:
    line = claimed().hears(FALSE)
    line.does(do.RaiseAlarm("false_claim", CLAIM), do.RequestResponse("response-3", INSTRUCTION))


def test_an_assistant_that_keeps_claiming_is_not_argued_with_for_ever() -> None:
    line = claimed()
    for _ in range(6):
        line.hears(FALSE).answers("סליחה, קבעתי לך תור.", 500).after(700)
    assert corrections(line) == line.call.policy.corrections == 3
    assert len(line.all(do.RaiseAlarm)) == 6, "but every one is an alarm"
    assert not line.call.over


def test_a_call_does_not_end_on_an_untruth() -> None:
    line = greeted().caller_turn("תודה, להתראות").hears(ResponseStarted("r9"))
    line.hears(*spoken("r9", "i9", f"{CLAIM} להתראות.", speech(1_500, 9)), AssistantAudioFinished("i9"))
    line.hears(ToolRequested("r9", "t9", "end_call", "{}"), ResponseFinished("r9", "completed"))
    line.until(do.RecordTurn).hears(FALSE).after(300)
    assert corrections(line) == 1
    line.answers("סליחה, טעיתי, לא נקבע תור", 1_000).after(4_000)
    assert line.all(do.EndStream) == []


def test_a_caller_who_is_talking_hears_the_correction_when_he_has_finished() -> None:
    line = claimed().hears(on.CallerSpeechStarted("u9"), FALSE).caller_says("מצוין, ואפשר גם", 1_500)
    assert corrections(line) == 0
    line.hears(on.CallerSpeechStopped("u9"), on.CallerTurnCommitted("u9")).after(100)
    assert corrections(line) == 1


LOST = on.ModelDisconnected("reset")


@pytest.mark.parametrize("happens", [(LOST, FALSE), (FALSE, LOST)], ids=["found meanwhile", "asked for before"])
def test_a_correction_survives_a_lost_link(happens: tuple[on.Event, ...]) -> None:
    line = claimed().hears(*happens).after(100)
    asked = len(line.all(do.RequestResponse))
    line.hears(on.ModelConnected(), on.SessionConfirmed("shimmer")).after(500)
    assert INSTRUCTION in [request.cue for request in line.all(do.RequestResponse)[asked:]]


# A whole call.


def play(scenario: Scenario, folder: Path, voice: Voice) -> Performance:
    performance = Performance(scenario, folder, voice)
    assert performance.call.complaints == []
    return performance


def alarms(performance: Performance) -> list[str]:
    return [alarm.partition(":")[0] for alarm in performance.call.alarms]


def refutations(performance: Performance) -> list[str]:
    return [seen.event.claim for seen in performance.seen if isinstance(seen.event, ClaimRefuted)]


def test_who_was_told_of_a_booking_that_does_not_exist_hears_once_that_it_does_not(
    voice: Voice, tmp_path: Path
) -> None:
    call = play(SCENARIOS["claims-too-much"], tmp_path, voice)
    told = [text for text in call.said("assistant") if "נקבע" in text or "קבעתי" in text]
    assert told == [CLAIM, "סליחה, טעיתי, עוד לא נקבע תור. אפשר לקבוע עכשיו."]
    assert refutations(call) == ["booked"]
    assert alarms(call) == ["false_claim"]
    assert call.rows().appointments == []


def test_who_was_told_of_a_booking_that_exists_hears_no_more_of_it(voice: Voice, tmp_path: Path) -> None:
    call = play(SCENARIOS["happy-booking"], tmp_path, voice)
    assert any("נקבע תור" in text for text in call.said("assistant"))
    assert refutations(call) == []
    assert alarms(call) == []


def eager() -> ScriptedBrain:
    """Says that it has booked in the same breath in which it books."""

    def take(heard: Conversation) -> list[Act]:
        start = offered_slots(heard)[0]["start"]
        return [Speak("קבעתי לך את התור."), CallTool("calendar_create_appointment", {"start": start})]

    return ScriptedBrain((When("מתאים", take), When("תור", CallTool("calendar_find_slots"))))


def hasty() -> ScriptedBrain:
    """Says that it has booked while it only looks for a time."""

    def look(heard: Conversation) -> list[Act]:
        if heard.last("tool_output"):
            return [Speak("מתי נוח לך?")]
        return [Speak("קבעתי לך את התור."), CallTool("calendar_find_slots")]

    return ScriptedBrain((When("תור", look),))


TAKES_IT = (Hears("לעזור"), Says("אני רוצה תור"), Hears("פנוי"), Says("מתאים לי"), Hears("נקבע תור"))


def test_a_claim_made_while_the_tool_still_writes_is_judged_when_it_has_written(voice: Voice, tmp_path: Path) -> None:
    scenario = Scenario(
        "claims-early",
        "The model says that it has booked while the diary is still being written",
        (Role(CLINIC, DANA, (*TAKES_IT, Waits(3_000), HangsUp())),),
        brain=eager,
        tool_ms=3_500,
    )
    call = play(scenario, tmp_path, voice)
    claimed_ms = next(
        seen.at_ms
        for seen in call.seen
        for command in seen.commands
        if isinstance(command, do.RecordTurn) and "קבעתי" in command.text
    )
    written_ms = [seen.at_ms for seen in call.seen if isinstance(seen.event, ToolFinished)][-1]
    assert claimed_ms < written_ms, "it was said before it was so"
    assert len(call.rows().appointments) == 1
    assert refutations(call) == []
    assert alarms(call) == []


def test_one_made_while_another_tool_runs_is_refuted_after_it(voice: Voice, tmp_path: Path) -> None:
    scenario = Scenario(
        "claims-hastily",
        "The model says that it has booked while it only looks for a time",
        (Role(CLINIC, DANA, (Hears("לעזור"), Says("אני רוצה תור"), Hears("לא נקבע"), HangsUp())),),
        brain=hasty,
        tool_ms=3_500,
    )
    call = play(scenario, tmp_path, voice)
    finished_ms = next(seen.at_ms for seen in call.seen if isinstance(seen.event, ToolFinished))
    refuted_ms = next(seen.at_ms for seen in call.seen if isinstance(seen.event, ClaimRefuted))
    assert refuted_ms >= finished_ms
    assert refutations(call) == ["booked"]


def test_the_lock_says_nothing_of_what_a_caller_claims(voice: Voice, tmp_path: Path) -> None:
    scenario = Scenario(
        "caller-claims",
        "A caller says that he has an appointment: that is his word, not ours",
        (Role(CLINIC, DANA, (Hears("לעזור"), Says("קבעתי ליום ראשון בעשר"), Hears(), HangsUp())),),
    )
    assert refutations(play(scenario, tmp_path, voice)) == []
