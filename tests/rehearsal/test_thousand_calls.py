"""A thousand calls in virtual time, each with another seed, with tools that live in memory: all end as written."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from agentlocator.call.policy import CallBrief
from agentlocator.realtime.session import SessionSettings, session_update
from agentlocator.rehearsal.evidence import Observer, is_bit_exact
from agentlocator.rehearsal.stage import Stage
from agentlocator.simulator.brain import CallTool, ScriptedBrain, Speak, When
from agentlocator.simulator.carrier import CallFacts, Carrier
from agentlocator.simulator.person import Person
from agentlocator.simulator.play import HangsUp, Hears, Interrupts, Says
from agentlocator.simulator.realtime_hub import RealtimeHub
from agentlocator.simulator.speech import Voice

CALLS = 1_000
GREETING = "שלום, במה אפשר לעזור?"
PLAY = (
    Hears("לעזור"),
    Says("מתי פתוח?"),
    Interrupts("רגע, ביום שישי?", after_ms=900),
    Hears("בבוקר"),
    HangsUp(after_ms=100),
)
HOURS = {
    "type": "function",
    "name": "opening_hours",
    "description": "מתי פתוח",
    "parameters": {"type": "object", "properties": {}},
}


def clerk() -> ScriptedBrain:
    """Looks the opening hours up, and reads them out at length."""
    return ScriptedBrain(
        (When("שישי", Speak("ביום שישי פתוח בבוקר.")), When("פתוח", CallTool("opening_hours"))), otherwise=Speak("כן?")
    )


async def open_always(_name: str, _arguments: str, _tool_call_id: str) -> tuple[str, bool]:
    return '{"ok":true,"say":"אנחנו פתוחים כל השבוע, מראשון ועד חמישי, משמונה וחצי ועד שש בערב."}', True


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R14")
async def test_a_thousand_callers_ask_interrupt_and_are_answered(voice: Voice) -> None:
    endings: Counter[str] = Counter()
    for seed in range(CALLS):
        endings[await _one_call(seed, voice)] += 1

    assert endings == {"as written": CALLS}


async def _one_call(seed: int, voice: Voice) -> str:
    """How the call went: `as written`, or everything that was not."""
    call_sid = f"CA{seed:032x}"
    observer = Observer()
    hub = RealtimeHub(clerk, voice, seed=seed)
    carrier = Carrier(CallFacts("AC0", call_sid, "+972501234567", "+97235550101"), f"MZ{seed:032x}")
    person = Person(PLAY, voice, random.Random(seed))
    stage = Stage(
        CallBrief(call_sid, GREETING),
        session_update("ענו בקצרה.", [HOURS], SessionSettings()),
        hub,
        carrier,
        person,
        open_always,
        seed=seed,
        watch=observer,
    )
    await stage.run()

    faults = [*person.complaints, *map(str, hub.servers[0].errors), *carrier.violations, *map(str, carrier.warnings)]
    if observer.summary is None or observer.summary.outcome != "caller_hung_up":
        faults.append(f"ended by {observer.summary}")
    if [report.verdict for _, report in observer.barge_ins] != ["pause", "commit"]:
        faults.append(f"the interruption went {[report.verdict for _, report in observer.barge_ins]}")
    if len(observer.tools) != 1 or observer.alarms or len(hub.servers) != 1:
        faults.append(f"tools {observer.tools}, alarms {observer.alarms}, {len(hub.servers)} sessions")
    if set(carrier.frame_sizes) != {160} or carrier.underruns or person.damaged:
        faults.append(f"frames {carrier.frame_sizes}, {carrier.underruns} holes, {person.damaged} damaged")
    if not is_bit_exact(observer.produced, (frame for _, frame in carrier.heard)):
        faults.append("not bit exact")
    return "; ".join(faults) or "as written"
