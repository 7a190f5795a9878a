"""Whether a caller is in the middle of dictating a number: then a pause is not yet the end of his turn.

Judged by the words of his turns since the assistant last spoke. They come from a transcription that can be wrong, so
they only ever make the assistant wait a little longer, never say or do anything.
"""

from __future__ import annotations

import re
from typing import Final

# A phone number has nine or ten digits, an identity number nine; beyond that there is nothing to wait for.
WHOLE_NUMBER_DIGITS: Final = 9
# Two digits may well be a whole answer ("twenty one"), three rarely are.
SURELY_A_NUMBER_DIGITS: Final = 3

_DIGIT_WORDS: Final = frozenset(
    (
        "אפס",
        "אחת",
        "אחד",
        "שתיים",
        "שניים",
        "שתים",
        "שנים",
        "שלוש",
        "שלושה",
        "ארבע",
        "ארבעה",
        "חמש",
        "חמישה",
        "שש",
        "ששה",
        "שבע",
        "שבעה",
        "שמונה",
        "תשע",
        "תשעה",
    )
)
_ASKS_FOR_NUMBER: Final = re.compile(
    r"\bה?מספר ה?(?:טלפון|נייד|זהות|רכב|הזמנה)|\bמה ה?מספר\b|טלפון|נייד|ספרות|תעודת ה?זהות|\bה?קוד\b"
)
# An hour or a date in figures is a whole answer: its parts are no digits of a longer number.
_WORD: Final = re.compile(r"\d+(?:[:./]\d+)+|\w+")


class Dictation:
    """What the caller has said since the assistant was last heard, and what it said then."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._answer = ""

    def said(self, text: str) -> None:
        self._said.append(text)

    def answered(self, heard_text: str) -> None:
        """The assistant was heard: what he says from now on is a new turn."""
        self._answer = heard_text
        self._said.clear()

    @property
    def unfinished(self) -> bool:
        return is_unfinished(" ".join(self._said), self._answer)


def is_unfinished(caller: str, assistant: str) -> bool:
    """Whether `caller`, all he said since `assistant` was last heard, looks like the beginning of a number.

    It must end in digits. Fewer than three are taken for a number's beginning only where one was asked for.
    """
    digits, ends_in_digits = _count_digits(caller)
    if not ends_in_digits or digits >= WHOLE_NUMBER_DIGITS:
        return False
    return digits >= SURELY_A_NUMBER_DIGITS or _ASKS_FOR_NUMBER.search(assistant) is not None


def _count_digits(text: str) -> tuple[int, bool]:
    digits, ends_in_digits = 0, False
    for word in _WORD.findall(text):
        if word.isdigit():
            digits += len(word)
            ends_in_digits = True
        elif word in _DIGIT_WORDS or (word[0] == "ו" and word[1:] in _DIGIT_WORDS):
            digits += 1
            ends_in_digits = True
        else:
            ends_in_digits = False
    return digits, ends_in_digits
