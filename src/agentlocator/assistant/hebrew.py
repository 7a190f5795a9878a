"""Dates, hours and digits as they are spoken in Hebrew, with no word that takes the listener for a man or a woman.

Pure. Hours are given by the twelve-hour clock; a part of the day is named only where the hour alone could mislead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import groupby

WEEKDAYS = ("ראשון", "שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת")
MONTHS = (
    "ינואר",
    "פברואר",
    "מרץ",
    "אפריל",
    "מאי",
    "יוני",
    "יולי",
    "אוגוסט",
    "ספטמבר",
    "אוקטובר",
    "נובמבר",
    "דצמבר",
)
_FEMININE = ("אפס", "אחת", "שתיים", "שלוש", "ארבע", "חמש", "שש", "שבע", "שמונה", "תשע", "עשר", "אחת עשרה", "שתים עשרה")
_FEMININE_TEENS = (
    "שלוש עשרה",
    "ארבע עשרה",
    "חמש עשרה",
    "שש עשרה",
    "שבע עשרה",
    "שמונה עשרה",
    "תשע עשרה",
)
_MASCULINE = (
    "אפס",
    "אחד",
    "שניים",
    "שלושה",
    "ארבעה",
    "חמישה",
    "שישה",
    "שבעה",
    "שמונה",
    "תשעה",
    "עשרה",
    "אחד עשר",
    "שנים עשר",
    "שלושה עשר",
    "ארבעה עשר",
    "חמישה עשר",
    "שישה עשר",
    "שבעה עשר",
    "שמונה עשר",
    "תשעה עשר",
)
_TENS = ("", "", "עשרים", "שלושים", "ארבעים", "חמישים")


def weekday(day: date) -> str:
    """יום ראשון … יום שישי, שבת."""
    name = WEEKDAYS[(day.weekday() + 1) % 7]
    return name if name == "שבת" else f"יום {name}"


def spoken_date(day: date) -> str:
    """יום ראשון, עשרים ושניים בנובמבר."""
    return f"{weekday(day)}, {masculine(day.day)} ב{MONTHS[day.month - 1]}"


def spoken_time(at: time) -> str:
    """עשר וחצי; with the part of the day where it is not the morning."""
    return f"{feminine(at.hour % 12 or 12)}{_minutes(at.minute)}{_part_of_day(at.hour)}"


def spoken_slot(wall: datetime) -> str:
    """יום ראשון, עשרים ושניים בנובמבר, בעשר וחצי."""
    return f"{spoken_date(wall.date())}, ב{spoken_time(wall.time())}"


def spoken_slots(walls: Sequence[datetime]) -> str:
    """Several times, each date named once: …, בשמונה וחצי, בתשע או בעשר."""
    days = [
        f"{spoken_date(day)}, {_either([f'ב{spoken_time(wall.time())}' for wall in group])}"
        for day, group in groupby(sorted(walls), key=lambda wall: wall.date())
    ]
    return "; או ".join(days)


def spoken_minute_of_day(minute: int) -> str:
    """The hour of an opening window's edge; the day's end is midnight."""
    return "חצות" if minute in (0, 1440) else spoken_time(time(minute // 60, minute % 60))


def feminine(number: int) -> str:
    """0 to 59, as hours and minutes are counted."""
    if number <= 12:
        return _FEMININE[number]
    if number < 20:
        return _FEMININE_TEENS[number - 13]
    return _tens(number, _FEMININE)


def masculine(number: int) -> str:
    """0 to 59, as days of the month are counted."""
    return _MASCULINE[number] if number < 20 else _tens(number, _MASCULINE)


def _tens(number: int, units: Sequence[str]) -> str:
    tens, unit = divmod(number, 10)
    return f"{_TENS[tens]} ו{units[unit]}" if unit else _TENS[tens]


def _minutes(minute: int) -> str:
    if minute == 0:
        return ""
    if minute in (15, 30):
        return " ורבע" if minute == 15 else " וחצי"
    if minute <= 10:
        return f" ו{feminine(minute)} דקות" if minute > 1 else " ודקה"
    return f" ו{feminine(minute)}" if minute < 20 or minute % 10 == 0 else f" {feminine(minute)}"


def _part_of_day(hour: int) -> str:
    if 6 <= hour < 12:
        return ""
    if 12 <= hour < 16:
        return " בצהריים"
    if 16 <= hour < 18:
        return " אחר הצהריים"
    if 18 <= hour < 22:
        return " בערב"
    return " בלילה" if hour >= 22 or hour < 4 else " לפנות בוקר"


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} או {words[-1]}"
