"""How numbers come in, and what they are taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.domain import phones


@pytest.mark.parametrize(
    "raw",
    [
        "anonymous",
        "Anonymous",
        "restricted",
        "unavailable",
        "unknown",
        "private",
        "blocked",
        "",
        "   ",
        "266696687",
        "+266696687",
        "7378742833",
        "+86282452253",
        "8656696",
        "2562533",
        "+7748283",
        "sip:anonymous@anonymous.invalid",
    ],
)
def test_a_withheld_number_identifies_nobody(raw: str) -> None:
    phone = phones.parse(raw)
    assert phone.withheld
    assert phone.key is None
    assert phone.e164 is None


@pytest.mark.parametrize(
    ("raw", "e164", "kind"),
    [
        ("054-123-4567", "+972541234567", "mobile"),
        ("0541234567", "+972541234567", "mobile"),
        ("+972 54 123 4567", "+972541234567", "mobile"),
        ("972541234567", "+972541234567", "mobile"),
        ("00972541234567", "+972541234567", "mobile"),
        ("whatsapp:+972541234567", "+972541234567", "mobile"),
        ("sip:+972541234567@pbx.example.com", "+972541234567", "mobile"),
        ("tel:+972-3-555-0101", "+97235550101", "landline"),
        ("03-5550101", "+97235550101", "landline"),
        ("077-5551234", "+972775551234", "landline"),
        ("1-700-700-700", "+9721700700700", "landline"),
        ("+972 59 123 4567", "+972591234567", "mobile"),
        ("+970 59 123 4567", "+970591234567", "international"),
        ("+1 212 555 0123", "+12125550123", "international"),
        ("+44 20 7946 0958", "+442079460958", "international"),
    ],
)
def test_a_number_is_understood(raw: str, e164: str, kind: str) -> None:
    phone = phones.parse(raw)
    assert (phone.e164, phone.kind) == (e164, kind)
    assert phone.key == e164


@pytest.mark.parametrize("raw", ["*2700", "100", "*6050", "1201"])
def test_a_short_number_stays_as_dialled(raw: str) -> None:
    phone = phones.parse(raw)
    assert (phone.kind, phone.raw, phone.e164, phone.key) == ("short", raw, None, raw)


@pytest.mark.parametrize("raw", ["0541234", "05412345678", "1-212-555-0123", "+9725", "'; DROP TABLE lead; --", "abc"])
def test_what_is_no_number_is_not_bent_into_one(raw: str) -> None:
    phone = phones.parse(raw)
    assert (phone.kind, phone.e164) == ("unknown", None)


def test_an_extension_is_kept_apart() -> None:
    phone = phones.parse("03-5550101 x12")
    assert (phone.e164, phone.extension) == ("+97235550101", "12")


def test_a_number_as_people_say_it() -> None:
    assert phones.national("+972541234567") == "054-1234567"
    assert phones.national("+97235550101") == "03-5550101"
    assert phones.national("+12125550123") == "+12125550123"


@given(st.text(max_size=80))
def test_anything_can_be_read(raw: str) -> None:
    phone = phones.parse(raw)
    assert (phone.key is None) == phone.withheld
    if phone.e164 is not None:
        assert phones.parse(phone.e164).e164 == phone.e164
