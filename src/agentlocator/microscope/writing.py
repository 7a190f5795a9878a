"""Words of strangers on a page: whatever a caller, a model or a line put into a journal, as harmless text.

Everything from a journal passes here. Nothing here decides what is shown, only how it is written.
"""

from __future__ import annotations

import html
import re
import unicodedata

_PHONE = re.compile(r"(\+?\d[\d\-\u2011 ]{5,18}\d)")
_HIDDEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def escaped(text: str, limit: int = 400) -> str:
    """HTML of any text, at most `limit` characters of it; what cannot be seen or turns the line is shown by number."""
    return html.escape(_visible(_cut(text, limit)), quote=True)


def spoken(text: str, limit: int = 400) -> str:
    """The same for words of a conversation, with telephone numbers in their own direction."""
    pieces = _PHONE.split(_visible(_cut(text, limit)))
    return "".join(
        f'<bdi dir="ltr">{html.escape(piece)}</bdi>' if index % 2 else html.escape(piece)
        for index, piece in enumerate(pieces)
    )


def seconds(ms: int, digits: int = 1) -> str:
    """A length of time in Hebrew."""
    return f"<bdi>{ms / 1000:.{digits}f}</bdi> ש׳"


def clock(ms: int) -> str:
    """A time of the call as minutes and seconds."""
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000 // 100}"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} תווים)"


def _visible(text: str) -> str:
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t\r":
        return " "
    # Directional marks and overrides would rearrange what stands around them.
    return f"‹{ord(character):04X}›" if unicodedata.category(character) in _HIDDEN else character
