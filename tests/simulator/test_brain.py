import msgspec
import pytest

from agentlocator.simulator.brain import (
    CallTool,
    Conversation,
    ScriptedBrain,
    Speak,
    Turn,
    When,
    picked_slot,
    receptionist,
    say_exactly,
)

SLOTS = [{"start": "2026-11-22T10:00"}, {"start": "2026-11-22T10:30"}, {"start": "2026-11-22T14:00"}]
FOUND = Turn(
    "tool_output",
    msgspec.json.encode({"say": "יש לי בעשר, בעשר וחצי ובשתיים.", "ok": True, "data": {"slots": SLOTS}}).decode(),
    name="calendar_find_slots",
)
BOOKED = Turn(
    "tool_output",
    msgspec.json.encode({"say": "קבעתי לך לעשר.", "ok": True, "code": "booked"}).decode(),
    name="calendar_create_appointment",
)


def caller(*turns: Turn | str) -> Conversation:
    return Conversation(tuple(turn if isinstance(turn, Turn) else Turn("caller", turn) for turn in turns))


def test_a_booking_from_the_wish_to_the_goodbye() -> None:
    brain = receptionist()
    wish = "שלום, אני רוצה לקבוע תור"

    assert brain.reply(caller(wish)) == [CallTool("calendar_find_slots")]
    assert brain.reply(caller(wish, FOUND)) == [Speak("יש לי בעשר, בעשר וחצי ובשתיים.")]
    assert brain.reply(caller(wish, FOUND, "בעשר וחצי בבקשה")) == [
        CallTool("calendar_create_appointment", {"start": "2026-11-22T10:30"})
    ]
    assert brain.reply(caller(wish, FOUND, "בעשר", BOOKED)) == [Speak("קבעתי לך לעשר. אפשר לעזור בעוד משהו?")]
    assert brain.reply(caller(wish, FOUND, "בעשר", BOOKED, "לא תודה")) == [Speak("תודה שהתקשרתם, להתראות.")]


def test_after_a_booking_agreeing_books_nothing_more() -> None:
    acts = receptionist().reply(caller(FOUND, "בעשר", BOOKED, "כן"))
    assert not any(isinstance(act, CallTool) for act in acts)


def test_an_appointment_is_moved_when_the_caller_came_to_move_it() -> None:
    brain = receptionist()
    assert brain.reply(caller("אפשר להזיז את התור שלי")) == [CallTool("calendar_find_slots")]
    assert brain.reply(caller("אפשר להזיז את התור שלי", FOUND, "בשתיים")) == [
        CallTool("appointments_reschedule", {"start": "2026-11-22T14:00"})
    ]


def test_a_tools_parameter_is_called_as_its_schema_calls_it() -> None:
    tool = {
        "name": "calendar_create_appointment",
        "parameters": {
            "properties": {"starts_at": {"type": "string"}, "service": {"enum": ["בדיקה", "שיננית"]}},
            "required": ["starts_at", "service"],
        },
    }
    heard = Conversation((FOUND, Turn("caller", "השני")), tools=(tool,))
    assert receptionist().reply(heard) == [
        CallTool("calendar_create_appointment", {"starts_at": "2026-11-22T10:30", "service": "בדיקה"})
    ]


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("הראשון", "2026-11-22T10:00"),
        ("את השני", "2026-11-22T10:30"),
        ("בעשר", "2026-11-22T10:00"),
        ("בעשר וחצי", "2026-11-22T10:30"),
        ("בשתיים", "2026-11-22T14:00"),
        ("14:00", "2026-11-22T14:00"),
        ("כן, מתאים", "2026-11-22T10:00"),
        ("באחת עשרה", None),
    ],
)
def test_a_slot_is_picked_by_place_hour_or_agreement(said: str, start: str | None) -> None:
    slot = picked_slot(said, SLOTS)
    assert (slot["start"] if slot else None) == start


@pytest.mark.parametrize(
    ("request_text", "greeting"),
    [
        ('Say exactly this, in Hebrew, and nothing else: "שלום, מרפאת ד"ר לוי."', 'שלום, מרפאת ד"ר לוי.'),
        ("אמרי בדיוק: “בוקר טוב”", "בוקר טוב"),
        ("Say exactly: שלום וברכה", "שלום וברכה"),
        ("Speak Hebrew.", None),
    ],
)
def test_an_order_to_say_something_exactly_is_understood(request_text: str, greeting: str | None) -> None:
    assert say_exactly(request_text) == greeting


def test_orders_come_before_the_callers_words() -> None:
    brain = receptionist()
    greet = Conversation(request='Say exactly this: "שלום"', turns=(Turn("caller", "תור"),))
    assert brain.reply(greet) == [Speak("שלום")]
    go_on = Conversation(request="Continue it from the very word where it stopped.", unfinished="ושני בבוקר.")
    assert brain.reply(go_on) == [Speak("ושני בבוקר.")]


def test_keys_are_read_back_and_silence_is_asked_about() -> None:
    brain = receptionist()
    assert brain.reply(Conversation((Turn("typed", "[keypad] 052"),))) == [Speak("קיבלתי: 0 5 2.")]
    assert brain.reply(caller("")) == [Speak("סליחה, לא שמעתי. אפשר לומר את זה שוב?")]


def test_a_rule_hears_whole_words_with_their_prefixes() -> None:
    brain = ScriptedBrain([When("תור", Speak("כן"))], otherwise=Speak("לא"))
    assert brain.reply(caller("באתי לתור")) == [Speak("כן")]
    assert brain.reply(caller("למדתי תורה")) == [Speak("לא")]


def test_the_end_of_a_call_is_a_tool_where_the_session_has_one() -> None:
    heard = Conversation((Turn("caller", "להתראות"),), tools=({"name": "end_call"},))
    assert receptionist().reply(heard) == [Speak("תודה שהתקשרתם, להתראות."), CallTool("end_call")]
