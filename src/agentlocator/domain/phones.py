"""Reads a phone number as it came from a carrier, a keypad, a chat or a person's mouth. Pure.

It never guesses: a number it cannot place keeps the form it came in, and a withheld one has no identity.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
import phonenumbers

Kind = Literal["mobile", "landline", "international", "short", "withheld", "unknown"]

# What carriers send for "no number": words, and the same words spelt on a keypad.
WITHHELD_WORDS = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private", "blocked", "withheld"})
WITHHELD_DIGITS = frozenset({"266696687", "7378742833", "86282452253", "8656696", "2562533", "7748283"})

MAX_RAW = 64
# 1-700, 1-800, 1-599 and their like; any other long number after a 1 is somebody's foreign number.
_BUSINESS = re.compile(r"1(?:599|700|[89]\d\d)\d{6,8}")
# A mobile or a geographic number in full, as carriers send it.
_PLAIN = re.compile(r"\+972(?:[57]\d{8}|[23489]\d{7})", re.ASCII)
_SHORT = re.compile(r"\*\d{2,6}|\d{3,5}|#\d{2,6}")
_SCHEMES = ("sip:", "sips:", "tel:", "whatsapp:")
_EXTENSION = re.compile(r"(?:;ext=|\s*(?:ext\.?|x|שלוחה)\s*)(\d{1,6})$", re.IGNORECASE)


class Phone(msgspec.Struct, frozen=True):
    """A number as understood. `key` tells two people apart; it is None for a withheld caller."""

    raw: str
    kind: Kind
    e164: str | None = None
    extension: str | None = None

    @property
    def key(self) -> str | None:
        if self.kind == "withheld":
            return None
        return self.e164 or self.raw

    @property
    def withheld(self) -> bool:
        return self.kind == "withheld"


def parse(raw: str) -> Phone:
    """Understand a number as written in Israel, or with its country code. Never raises."""
    if _PLAIN.fullmatch(raw):
        # What a list has hundreds of needs no library to be read.
        return Phone(raw=raw, kind="mobile" if raw[4] == "5" else "landline", e164=raw)
    kept = _printable(raw)[:MAX_RAW]
    bare = _without_scheme(kept)
    if _is_withheld(bare):
        return Phone(raw=kept, kind="withheld")
    bare, extension = _without_extension(bare)
    dialled = re.sub(r"[\s\-().–/]", "", bare)
    if _SHORT.fullmatch(dialled):
        return Phone(raw=dialled, kind="short")
    number = _parse_number(dialled)
    if number is None:
        return Phone(raw=kept, kind="unknown", extension=extension)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(raw=kept, kind=_kind(number), e164=e164, extension=extension)


def national(e164: str) -> str:
    """The number as people in Israel say it: 054-1234567. Foreign numbers keep their country code."""
    if not e164.startswith("+972"):
        return e164
    local = "0" + e164.removeprefix("+972")
    split = 3 if local[1] in "57" else 2
    return f"{local[:split]}-{local[split:]}"


def _printable(raw: str) -> str:
    return "".join(letter for letter in raw if letter.isprintable()).strip()


def _without_scheme(text: str) -> str:
    lowered = text.lower()
    for scheme in _SCHEMES:
        if lowered.startswith(scheme):
            return text[len(scheme) :].partition("@")[0]
    return text.partition("@")[0] if lowered.startswith("+") else text


def _is_withheld(text: str) -> bool:
    word = text.strip().lower().lstrip("+")
    return not word or word in WITHHELD_WORDS or word in WITHHELD_DIGITS


def _without_extension(text: str) -> tuple[str, str | None]:
    found = _EXTENSION.search(text)
    if found is None:
        return text, None
    return text[: found.start()], found.group(1)


def _parse_number(dialled: str) -> phonenumbers.PhoneNumber | None:
    if not re.fullmatch(r"\+?\d{4,17}", dialled):
        return None
    try:
        number = phonenumbers.parse(dialled, "IL")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code == 972:
        return number if _fits_israel(str(number.national_number)) else None
    # 1-212-555-0123 without its plus is a foreign number dialled as an Israeli one, not a foreign number.
    return number if dialled.startswith("+") and phonenumbers.is_possible_number(number) else None


def _fits_israel(local: str) -> bool:
    """Lengths by prefix. The library's own test refuses living numbers and passes impossible ones."""
    if local[0] in "23489":
        return len(local) == 8
    if local[0] in "57":
        return len(local) == 9
    if local[0] == "1":
        return len(local) == 7 or _BUSINESS.fullmatch(local) is not None
    return False


def _kind(number: phonenumbers.PhoneNumber) -> Kind:
    if number.country_code != 972:
        return "international"
    return "mobile" if str(number.national_number).startswith("5") else "landline"
