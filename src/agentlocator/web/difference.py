"""What changed between two texts, word by word. Pure; it marks nothing up."""

from __future__ import annotations

import difflib
import re
from typing import Literal

import msgspec

_WORD = re.compile(r"\s+|[^\s]+")


class Piece(msgspec.Struct, frozen=True):
    """A stretch of text that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str


def between(old: str, new: str) -> list[Piece]:
    """The pieces of both texts, in reading order; what went stands before what came in its place."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    pieces: list[Piece] = []
    gone, come = "", ""
    for tag, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, before, after).get_opcodes():
        same = "".join(before[old_from:old_to])
        # A space between two changed words is part of the change.
        if tag == "equal" and (same.strip() or not (gone or come)):
            pieces += _changed(gone, come)
            pieces.append(Piece("same", same))
            gone, come = "", ""
            continue
        gone += same
        come += "".join(after[new_from:new_to])
    return pieces + _changed(gone, come)


def _changed(gone: str, come: str) -> list[Piece]:
    pieces = [Piece("removed", gone)] if gone else []
    return [*pieces, Piece("added", come)] if come else pieces
