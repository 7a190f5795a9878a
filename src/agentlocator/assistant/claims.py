"""Truth lock: does what the assistant said claim a booking that no receipt covers? Pure.

It reads a Hebrew sentence for words of completion about an appointment ("קבעתי", "התור בוטל", "רשמתי אותך ל…") and
compares them, and any weekday or hour they name, with the receipts of this call. Questions, offers, conditions and
negations claim nothing. It errs toward asking for a correction: a needless "let me check" costs a second, a booking
that does not exist costs a customer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from agentlocator.assistant import hebrew
from agentlocator.domain.receipts import Receipt

Claim = Literal["booked", "rescheduled", "cancelled"]

# Who did it is left open: "קבעתי", "קבענו", "נקבע", "קבוע".
_TO_WHOM = r"(?:\s+(?:לך|לכם|לכן|אותך|אתכם|אתכן|בשבילך|עבורך|כבר|עכשיו))*"
_VISIT = r"(?:את\s+)?(?:ה?תור(?:ים|ך)?|ה?פגישה|ה?ביקור|ה?טיפול|ה?בדיקה|ה?שעה|ה?מועד|זה|ליום|לשעה|מחר|ל?מחרתיים)"
_CLAIMS: dict[Claim, tuple[re.Pattern[str], ...]] = {
    "booked": (
        re.compile(rf"\b(?:קבעתי|קבענו|שריינתי|שריינו|הזמנתי|שמרתי|רשמתי|רשמנו|סגרתי|אישרתי){_TO_WHOM}\s+{_VISIT}"),
        re.compile(r"\b(?:קבעתי|קבענו|שריינתי|שריינו)(?:\s+(?:לך|לכם|לכן|אותך|אתכם))?\s*(?:[.!,]|$)"),
        re.compile(rf"\b(?:נקבע|שוריין|נרשם|אושר|נסגר){_TO_WHOM}\s+{_VISIT}"),
        re.compile(
            r"\bה?תור(?:ך)?(?:\s+(?:שלך|שלכם))?\s+(?:כבר\s+)?(?:נקבע|שוריין|נרשם|אושר|נסגר|קבוע|רשום|מאושר|סגור)\b"
        ),
        re.compile(r"\b(?:רשמתי|רשמנו|שיבצתי|הכנסתי|קבעתי)\s+(?:אותך|אתכם|אתכן)\s+(?:ל|ב|מחר)"),
        re.compile(r"\b(?:יש|קיים)\s+(?:לך|לכם)\s+(?:כבר\s+|עכשיו\s+)?תור\b"),
        re.compile(r"\b(?:נתראה|מחכים\s+(?:לך|לכם)|נחכה\s+(?:לך|לכם))\s+(?:ב|ל|מחר)"),
        re.compile(r"\b(?:קבוע|רשום|רשומה|משובץ|משובצת|סגור|סגורה)\s+(?:לך\s+)?(?:ל|ב)(?:יום|שעה|מחר)"),
        re.compile(r"\b(?:הכול|הכל)\s+(?:מסודר|סגור|קבוע)\b"),
    ),
    "rescheduled": (
        re.compile(rf"\b(?:הזזתי|הזזנו|העברתי|העברנו|דחיתי|הקדמתי|שיניתי|עדכנתי){_TO_WHOM}\s+{_VISIT}"),
        re.compile(r"\bה?תור(?:ך)?(?:\s+(?:שלך|שלכם))?\s+(?:כבר\s+)?(?:הועבר|הוזז|נדחה|הוקדם|שונה|עודכן)\b"),
        re.compile(rf"\b(?:הועבר|הוזז|נדחה|הוקדם)\s+{_VISIT}"),
    ),
    "cancelled": (
        re.compile(rf"\b(?:ביטלתי|ביטלנו|מחקתי){_TO_WHOM}\s+{_VISIT}"),
        re.compile(r"\bה?תור(?:ך)?(?:\s+(?:שלך|שלכם))?\s+[^.?!,]{0,60}?(?:בוטל|מבוטל|נמחק)\b"),
        re.compile(rf"\b(?:בוטל|נמחק)\s+{_VISIT}"),
    ),
}
# What turns a claim into none: not yet, not at all, only if, shall we, after it is done.
_NO_CLAIM = re.compile(
    r"\b(?:לא|טרם|עדיין\s+לא|אם|האם|כאשר|ברגע\s+ש\S*|אחרי\s+ש\S*|לפני\s+ש\S*|כדי\s+ש\S*|רוצה|אפשר|תרצה|תרצי|בלי|אין)\b"
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_WEEKDAY = re.compile(r"\b(?:ב|ל|ה)?יום\s+(ראשון|שני|שלישי|רביעי|חמישי|שישי)\b|\b(?:ב|ל)?(שבת)\b")
_CLOCK = re.compile(r"\b(?:ב|ל)?-?([01]?\d|2[0-3]):([0-5]\d)\b")
_NIQQUD = re.compile(r"[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")

_ACTS: dict[Claim, frozenset[str]] = {
    "booked": frozenset({"booked", "confirmed", "rescheduled"}),
    "rescheduled": frozenset({"rescheduled"}),
    "cancelled": frozenset({"cancelled"}),
}
_WRONG: dict[Claim, str] = {
    "booked": "נאמר שנקבע תור, אבל לא נקבע תור כזה.",
    "rescheduled": "נאמר שהתור הועבר, אבל הוא לא הועבר.",
    "cancelled": "נאמר שהתור בוטל, אבל הוא לא בוטל.",
}


class Correction(msgspec.Struct, frozen=True):
    """What was claimed without proof, the sentence that claimed it, and what the assistant is told to say now."""

    claim: Claim
    sentence: str
    instruction: str


def check(said: str, receipts: Sequence[Receipt]) -> Correction | None:
    """The first claim in `said` that the receipts do not cover, with its correction; None when all is true.

    `receipts` are those of this call in order, replies' `known` ones included: an appointment of last week is true too.
    """
    for sentence in _SENTENCE.findall(_NIQQUD.sub("", said)):
        claim = claimed(sentence)
        if claim is not None and not _is_covered(claim, sentence, receipts):
            return Correction(claim, sentence.strip(), _instruction(claim, receipts))
    return None


def claimed(sentence: str) -> Claim | None:
    """What one sentence says was done; None when it asks, offers, denies or speaks of something else."""
    if sentence.rstrip().endswith("?"):
        return None
    for claim, patterns in _CLAIMS.items():
        for pattern in patterns:
            found = pattern.search(sentence)
            if found is not None and not _NO_CLAIM.search(_clause_before(sentence, found.start())):
                return claim
    return None


def _clause_before(sentence: str, at: int) -> str:
    """The words of the same clause that stand before a place in a sentence."""
    return re.split(r"[,;:–]|\s(?:אבל|אז|ולכן)\s", sentence[:at])[-1]


def _is_covered(claim: Claim, sentence: str, receipts: Sequence[Receipt]) -> bool:
    proofs = [receipt for receipt in _standing(claim, receipts) if receipt.kind in _ACTS[claim]]
    return any(_agrees(sentence, receipt) for receipt in proofs)


def _standing(claim: Claim, receipts: Sequence[Receipt]) -> list[Receipt]:
    """The receipts that still hold: a later one for the same appointment takes the place of an earlier."""
    latest = {receipt.appointment_id: receipt for receipt in receipts}
    # What was cancelled stays cancelled, and what was moved was moved, however often.
    return list(latest.values()) if claim == "booked" else list(receipts)


def _agrees(sentence: str, receipt: Receipt) -> bool:
    """Whether a weekday, a clock time or a spoken hour in the sentence is the receipt's."""
    days = {one or other for one, other in _WEEKDAY.findall(sentence)}
    if days and hebrew.WEEKDAYS[(receipt.wall.weekday() + 1) % 7] not in days:
        return False
    clocks = {(int(hour), int(minute)) for hour, minute in _CLOCK.findall(sentence)}
    if clocks:
        return any(_same_clock(hour, minute, receipt) for hour, minute in clocks)
    hours = _spoken_hours(sentence)
    return not hours or receipt.wall.hour % 12 in hours


def _same_clock(hour: int, minute: int, receipt: Receipt) -> bool:
    return minute == receipt.wall.minute and hour % 12 == receipt.wall.hour % 12


def _spoken_hours(sentence: str) -> set[int]:
    """The hours, on the twelve-hour clock, that a sentence names in words after "ב" or "בשעה"."""
    found = set()
    for hour in range(12, 0, -1):
        word = hebrew.feminine(hour)
        pattern = rf"(?:\bב|\bבשעה\s+|\bלשעה\s+){word}\b(?!\s+(?:דקות|ב))"
        if re.search(pattern, sentence):
            found.add(hour % 12)
            sentence = re.sub(pattern, " ", sentence)
    return found


def _instruction(claim: Claim, receipts: Sequence[Receipt]) -> str:
    standing = [one for one in _standing("booked", receipts) if one.kind in _ACTS["booked"]]
    truth = "; ".join(hebrew.spoken_slot(one.wall) for one in standing)
    known = f"התור שקיים באמת: {truth}." if truth else "אין אף תור שנקבע בשיחה הזאת."
    return (
        f"תיקון חשוב: {_WRONG[claim]} {known} "
        "יש לומר עכשיו למתקשר במשפט קצר שזה עדיין לא נעשה, להתנצל, ולהמשיך: לבדוק את השעה ולבצע את הפעולה בכלי המתאים."
    )
