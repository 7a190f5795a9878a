"""The repertoire: what callers, networks and models do to a business's phone, each as a page to read.

A scenario says who calls and what goes wrong; `rehearsal` stages it in virtual time or over sockets.
"""

from __future__ import annotations

from agentlocator.simulator.brain import boaster
from agentlocator.simulator.carrier import CarrierFault
from agentlocator.simulator.play import (
    Coughs,
    HangsUp,
    Hears,
    Interrupts,
    LineHums,
    Presses,
    Role,
    Says,
    Scenario,
    StaysOn,
    Waits,
)
from agentlocator.simulator.realtime_faults import Fault

CLINIC = "+97235550101"
GARAGE = "+97245550202"
DANA = "+972501234567"
YOSSI = "+972523456789"

_GREETED = Hears("במה אפשר לעזור")
_ASKS = Says("שלום, אני רוצה לקבוע תור לבדיקה")
_OFFERED = Hears("פנוי")
_TAKES_FIRST = Says("הראשון מתאים לי, תודה")
_BOOKED = Hears("נקבע תור")
_GOODBYE = (Says("לא תודה, זה הכול. להתראות"), StaysOn(within_ms=20_000))
ASSISTANT_HUNG_UP = "assistant_hung_up"

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "demo",
            "A caller books, interrupts, presses a key, and says goodbye",
            (
                Role(
                    CLINIC,
                    DANA,
                    (
                        _GREETED,
                        Says("שלום, קוראים לי דנה כהן"),
                        Hears(),
                        Says("אני רוצה לקבוע תור לבדיקה"),
                        Interrupts("לא, אני צריכה תור לשיננית", after_ms=1_300),
                        _OFFERED,
                        Presses("1"),
                        Hears("קיבלתי"),
                        Says("התור הראשון מתאים לי"),
                        _BOOKED,
                        *_GOODBYE,
                    ),
                ),
            ),
            outcome=ASSISTANT_HUNG_UP,
        ),
        Scenario(
            "happy-booking",
            "A caller asks for an appointment and takes the first one offered",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, *_GOODBYE)),),
            outcome=ASSISTANT_HUNG_UP,
        ),
        Scenario(
            "barge-in",
            "A caller speaks into the answer: it stops, and he is heard from his first syllable",
            (
                Role(
                    CLINIC,
                    DANA,
                    (
                        _GREETED,
                        _ASKS,
                        Interrupts("אני מעדיפה תור מוקדם יותר", after_ms=1_200),
                        _OFFERED,
                        HangsUp(),
                    ),
                ),
            ),
        ),
        Scenario(
            "cough",
            "A caller coughs into the greeting: it goes on, and nothing of it is lost",
            (Role(CLINIC, DANA, (Coughs(after_ms=1_000), _GREETED, HangsUp())),),
        ),
        Scenario(
            "silent-caller",
            "A caller says nothing: he is asked twice, and then the call ends politely",
            (Role(CLINIC, DANA, (_GREETED, Hears("עדיין"), Hears("עדיין"), StaysOn())),),
            outcome="caller_silent",
        ),
        Scenario(
            "keypad",
            "A caller types a number: the model reads it, and it is no one else's",
            (Role(CLINIC, DANA, (_GREETED, Presses("0501234567#"), Hears("קיבלתי"), HangsUp())),),
        ),
        Scenario(
            "two-businesses",
            "Two callers at once, at two businesses: each speaks with his own",
            (
                Role(CLINIC, DANA, (Hears("מרפאת"), _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),
                Role(GARAGE, YOSSI, (Hears("מוסך"), _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),
            ),
        ),
        Scenario(
            "model-drops",
            "The model's connection breaks in the middle of a sentence: a new session takes the call up",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),),
            model_faults=(Fault("drop", connection=1, response=3, after_ms=900, status=1011),),
        ),
        Scenario(
            "model-fails",
            "The model answers `failed` once: it is asked again, and the caller notices a short wait",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, HangsUp())),),
            model_faults=(Fault("failed", connection=1, response=2, code="server_error"),),
        ),
        Scenario(
            "cut-answer",
            "An answer hits its length limit: it is continued, not left cut",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),),
            model_faults=(Fault("incomplete", connection=1, response=3, after_ms=1_500, code="max_output_tokens"),),
        ),
        Scenario(
            "model-refused",
            "The key is out of credit: no loop, the caller falls into the net at once",
            (Role(CLINIC, DANA, (StaysOn(within_ms=15_000),)),),
            model_faults=(Fault("failed", response=1, code="insufficient_quota"),),
            outcome="model_lost",
        ),
        Scenario(
            "model-unreachable",
            "The model's server refuses every connection: after three attempts the caller falls into the net",
            (Role(CLINIC, DANA, (StaysOn(within_ms=15_000),)),),
            model_faults=(Fault("refuse_connect", status=503),),
            outcome="model_lost",
        ),
        Scenario(
            "hangs-up-during-tool",
            "A caller hangs up while his appointment is being written: it is written",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, HangsUp(after_ms=1_600))),),
            tool_ms=1_500,
        ),
        Scenario(
            "slot-taken",
            "The time is taken by someone else meanwhile: the caller is told, and gets another",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, Hears("תפוסה"), HangsUp())),),
            meanwhile="first_slot_taken",
        ),
        Scenario(
            "garbage",
            "The line brings garbage frames: they are counted, and the call goes on",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),),
            carrier_faults=(CarrierFault("garbage", at_ms=500, lasting_ms=12_000),),
        ),
        Scenario(
            "duplicate-tool-call",
            "The model's events come twice: the appointment is made once",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, _OFFERED, _TAKES_FIRST, _BOOKED, HangsUp())),),
            model_faults=(Fault("duplicate_function_call"),),
        ),
        Scenario(
            "slow-tool",
            "The diary takes four seconds: the caller is told that it is being looked at",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, Hears("רגע"), _OFFERED, HangsUp())),),
            tool_ms=4_000,
        ),
        Scenario(
            "model-stalls",
            "The model falls silent before an answer: a new session gives it",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, Hears(within_ms=9_000), HangsUp())),),
            model_faults=(Fault("stall", connection=1, response=2, after_ms=50),),
        ),
        Scenario(
            "noisy-line",
            "A caller's line hums and he says nothing: the noise is never answered",
            (Role(CLINIC, DANA, (LineHums(40_000), _GREETED, Hears("עדיין"), _ASKS, _OFFERED, HangsUp())),),
        ),
        Scenario(
            "dictates-a-number",
            "A caller dictates his number with pauses: nobody cuts him off",
            (
                Role(
                    CLINIC,
                    DANA,
                    (
                        _GREETED,
                        Says("הטלפון שלי הוא אפס חמש ארבע"),
                        Says("אחת שתיים שלוש", after_ms=1_300),
                        Says("ארבע חמש שש שבע", after_ms=1_300),
                        Hears(),
                        HangsUp(),
                    ),
                ),
            ),
        ),
        Scenario(
            "asks-for-a-person",
            "A caller wants a person: he is told, and put through to the business's own number",
            (Role(CLINIC, DANA, (_GREETED, Says("אני רוצה לדבר עם בן אדם"), StaysOn(within_ms=20_000))),),
            outcome="transferred",
        ),
        Scenario(
            "claims-too-much",
            "The model says that it has booked and has not: it corrects itself aloud",
            (Role(CLINIC, DANA, (_GREETED, _ASKS, Hears("קבעתי"), Hears("לא נקבע"), HangsUp())),),
            brain=boaster,
        ),
        Scenario(
            "impatient",
            "A caller hangs up in the middle of the greeting",
            (Role(CLINIC, DANA, (Waits(1_800), HangsUp())),),
        ),
    )
}
