"""Truth lock: what the assistant may say only with a receipt."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentlocator.assistant import claims
from agentlocator.domain.receipts import Kind, Receipt


def receipt(kind: Kind = "booked", wall: datetime = datetime(2026, 11, 22, 10, 30), number: int = 1) -> Receipt:
    starts_at = wall.replace(tzinfo=UTC)
    return Receipt(kind, number, f"uid-{number}", kind, starts_at, starts_at, wall, "Asia/Jerusalem", 0)


CLAIMS = {
    "קבעתי לך תור ליום ראשון בעשר וחצי.": "booked",
    "מעולה, קבעתי.": "booked",
    "נקבע תור ליום ראשון, עשרים ושניים בנובמבר, בעשר וחצי.": "booked",
    "התור שלך נקבע ליום ראשון.": "booked",
    "התור נקבע בהצלחה!": "booked",
    "רשמתי אותך ליום ראשון בעשר וחצי.": "booked",
    "שריינתי לך את השעה עשר וחצי.": "booked",
    "יש לך תור ביום ראשון.": "booked",
    "מצוין, התור מאושר.": "booked",
    "אז נתראה ביום ראשון בעשר וחצי!": "booked",
    "הכול מסודר, מחכים לך ביום ראשון.": "booked",
    "העברתי את התור ליום שני.": "rescheduled",
    "התור שלך הוזז לשעה אחת עשרה.": "rescheduled",
    "ביטלתי את התור.": "cancelled",
    "התור ליום ראשון בעשר וחצי בוטל.": "cancelled",
    "לא הצלחתי למצוא שעה אחרת, אבל קבעתי לך תור ביום ראשון.": "booked",
}

NO_CLAIMS = [
    "לקבוע לך תור ליום ראשון?",
    "קבעתי לך תור ליום ראשון, נכון?",
    "לא קבעתי תור עדיין.",
    "התור עדיין לא נקבע.",
    "אם התור נקבע תישלח הודעה.",
    "אפשר לקבוע תור ליום ראשון בעשר וחצי.",
    "אני בודקת את היומן, רק רגע.",
    "יש לי תור פנוי ביום ראשון בעשר.",
    "הפנוי הקרוב: יום ראשון, בעשר, בעשר וחצי או באחת עשרה.",
    "אין לך תור אצלנו.",
    "אחרי שהתור נקבע אפשר לשנות אותו.",
    "מה השם המלא, בבקשה?",
    "תודה, רשמתי את השם.",
    "שלום, הגעתם למרפאת השיניים של דוקטור לוי. במה אפשר לעזור?",
    "",
]


@pytest.mark.parametrize(("said", "claim"), CLAIMS.items())
def test_a_claim_without_a_receipt_is_corrected(said: str, claim: str) -> None:
    found = claims.check(said, [])
    assert found is not None
    assert found.claim == claim
    assert "אין אף תור שנקבע בשיחה הזאת" in found.instruction


@pytest.mark.parametrize("said", NO_CLAIMS)
def test_questions_offers_and_denials_claim_nothing(said: str) -> None:
    assert claims.check(said, []) is None


@pytest.mark.parametrize("said", [said for said, claim in CLAIMS.items() if claim == "booked"])
def test_with_its_receipt_a_booking_may_be_told(said: str) -> None:
    assert claims.check(said, [receipt()]) is None


@pytest.mark.parametrize(
    "said",
    [
        "קבעתי לך תור ליום שני בעשר וחצי.",
        "קבעתי לך תור ליום ראשון בתשע.",
        "קבעתי לך תור ליום ראשון ב-10:00.",
        "נקבע תור ליום ראשון, בשעה אחת עשרה.",
    ],
)
def test_another_day_or_hour_than_the_receipt_s_is_corrected_with_the_truth(said: str) -> None:
    found = claims.check(said, [receipt()])
    assert found is not None
    assert "יום ראשון, עשרים ושניים בנובמבר, בעשר וחצי" in found.instruction


@pytest.mark.parametrize("said", ["קבעתי לך תור ליום ראשון ב-10:30.", "קבעתי תור לשעה עשר וחצי."])
def test_the_same_hour_in_another_spelling_is_the_same(said: str) -> None:
    assert claims.check(said, [receipt()]) is None


def test_an_afternoon_hour_is_said_by_the_twelve_hour_clock() -> None:
    assert claims.check("קבעתי לך תור בארבע אחר הצהריים.", [receipt(wall=datetime(2026, 11, 22, 16, 0))]) is None


def test_a_booking_is_no_proof_of_a_cancellation_and_the_other_way_round() -> None:
    assert claims.check("ביטלתי את התור.", [receipt("booked")]) is not None
    assert claims.check("ביטלתי את התור.", [receipt("cancelled")]) is None
    assert claims.check("קבעתי לך תור.", [receipt("booked"), receipt("cancelled")]) is not None, (
        "it was cancelled since"
    )
    assert claims.check("העברתי את התור ליום ראשון.", [receipt("booked")]) is not None
    assert claims.check("העברתי את התור ליום ראשון.", [receipt("rescheduled")]) is None


def test_a_hold_is_no_booking() -> None:
    assert claims.check("קבעתי לך תור.", [receipt("held")]) is not None


def test_vowel_points_hide_nothing() -> None:
    assert claims.check("קָבַעְתִּי לך תור.", []) is not None
