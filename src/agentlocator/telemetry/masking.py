"""What may be written down of a value: no secret at any depth, and of a phone number its last two digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final


def mask(value: object, key: str = "") -> object:
    """The value as it may be written: secrets gone, phone numbers down to their last two digits, all depths."""
    if _SECRET_KEY.search(key) and isinstance(value, str | bytes):
        return "[secret]"
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {str(name): mask(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner, key) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _masked_text(repr(value))


_SECRET_KEY: Final = re.compile(r"(?i)(secret|token|password|api_?key|authorization|cookie|signature)$")
_MASKS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [secret]"),
    (re.compile(r"\b(?:sk|ek|whsec)[-_][\w-]{8,}"), "[secret]"),
    (re.compile(r"(://[^\s:/@]+):[^\s@/]+@"), r"\1:[secret]@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\+\d(?:[ -]?\d){4,12}[ -]?(\d\d)(?!\d)"), r"+…\1"),
    (re.compile(r"(?<![\w+])972\d{6,7}(\d\d)(?!\w)"), r"972…\1"),
    (re.compile(r"(?<![\w+])0\d{1,2}[ -]?\d{3}[ -]?\d{2}(\d\d)(?!\w)"), r"0…\1"),
    (re.compile(r"(?<!\w)\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?!\w)"), "[card]"),
    (re.compile(r"(?<![\w.])\d{9}(?![\w.]*\w)"), "[id]"),
)


def _masked_text(text: str) -> str:
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text
