"""Dates, hours and digits, as they are said."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from agentlocator.assistant import hebrew


def test_a_slot_as_it_is_said() -> None:
    assert hebrew.spoken_slot(datetime(2026, 11, 22, 10, 30)) == "יום ראשון, עשרים ושניים בנובמבר, בעשר וחצי"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 1), "יום ראשון, אחד בנובמבר"),
        (date(2026, 11, 28), "שבת, עשרים ושמונה בנובמבר"),
        (date(2026, 12, 31), "יום חמישי, שלושים ואחד בדצמבר"),
        (date(2027, 1, 12), "יום שלישי, שנים עשר בינואר"),
        (date(2027, 3, 20), "שבת, עשרים במרץ"),
    ],
)
def test_dates(day: date, said: str) -> None:
    assert hebrew.spoken_date(day) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (time(8, 0), "שמונה"),
        (time(9, 15), "תשע ורבע"),
        (time(11, 45), "אחת עשרה ארבעים וחמש"),
        (time(12, 0), "שתים עשרה בצהריים"),
        (time(13, 30), "אחת וחצי בצהריים"),
        (time(16, 5), "ארבע וחמש דקות אחר הצהריים"),
        (time(17, 20), "חמש ועשרים אחר הצהריים"),
        (time(18, 1), "שש ודקה בערב"),
        (time(19, 12), "שבע ושתים עשרה בערב"),
        (time(22, 0), "עשר בלילה"),
        (time(0, 30), "שתים עשרה וחצי בלילה"),
        (time(5, 0), "חמש לפנות בוקר"),
    ],
)
def test_hours(at: time, said: str) -> None:
    assert hebrew.spoken_time(at) == said


def test_several_times_name_each_date_once() -> None:
    walls = [datetime(2026, 11, 22, 10), datetime(2026, 11, 22, 9), datetime(2026, 11, 23, 8, 30)]
    assert hebrew.spoken_slots(walls) == (
        "יום ראשון, עשרים ושניים בנובמבר, בתשע או בעשר; או יום שני, עשרים ושלושה בנובמבר, בשמונה וחצי"
    )


def test_the_end_of_the_day_is_midnight() -> None:
    assert hebrew.spoken_minute_of_day(1440) == "חצות"
    assert hebrew.spoken_minute_of_day(1080) == "שש בערב"


@pytest.mark.parametrize("number", range(60))
def test_every_number_has_a_word_in_both_genders(number: int) -> None:
    for word in (hebrew.feminine(number), hebrew.masculine(number)):
        assert word
        assert not any(letter.isdecimal() for letter in word)
