"""Cleans what callers, models and files write before it is stored. Pure.

It removes what no honest text holds (control characters, characters that reverse the direction of reading)
and never touches anything a reader can see.
"""

from __future__ import annotations

import unicodedata

# Marks that make text read otherwise than it is written; Hebrew needs none of them to be shown correctly.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean(text: str, *, lines: bool = False) -> str:
    """Text without control and direction characters, trimmed; one line unless `lines`."""
    kept = (_kept(letter, lines) for letter in unicodedata.normalize("NFC", text))
    joined = "".join(kept)
    return joined.strip() if lines else " ".join(joined.split())


def _kept(letter: str, lines: bool) -> str:
    if letter in _DIRECTION:
        return ""
    if letter in "\n\t":
        return letter if lines else " "
    # Cs: half of a surrogate pair, which no database can encode.
    return "" if unicodedata.category(letter) in ("Cc", "Cs", "Cn") else letter
