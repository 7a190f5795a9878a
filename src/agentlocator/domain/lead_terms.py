"""What a lead is found by: the words of its texts, and every end of its phone number. Pure but for `rewrite`.

A search is then for what begins alike, which both databases do by an index: a part of a number is the beginning of one
of its ends, so "234" finds 054-1234567. Punctuation, vowel points and the marks of Hebrew abbreviations count for
nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select

from agentlocator.db.schema import Lead, LeadTerm
from agentlocator.db.scope import Scope

# Of one lead. Whoever writes an essay into a name is found by how it begins.
MOST_TERMS = 64
LONGEST_TERM = 40
LEAST_DIGITS = 3
MOST_WANTED = 6

# All of them are typed in ד״ר and צ׳רלי.
_MARKS = frozenset("'\"׳״`´’”")
_PHONE = re.compile(r"[\d\s()+\-./]+")
# No letter comes after it.
_LAST = "\U0010ffff"


def of_lead(lead: Lead) -> list[str]:
    """The terms of a lead, the phone's first."""
    digits = "" if lead.phone_kind == "withheld" else _digits(lead.phone_e164 or lead.phone_raw)
    found = [digits[start:] for start in range(max(0, len(digits) - LEAST_DIGITS + 1))]
    for text in (lead.name, lead.city, lead.email, lead.need):
        found += words(text or "")
    return list(dict.fromkeys(found))[:MOST_TERMS]


def wanted(query: str) -> list[str]:
    """What a search is for: a phone as one term, anything else word by word."""
    if _PHONE.fullmatch(query):
        digits = _digits(query.strip())
        return [digits] if digits else []
    return list(dict.fromkeys(words(query)))[:MOST_WANTED]


def begins_with(term: str) -> ColumnElement[bool]:
    """The terms that begin so. A range, because that is what an index knows."""
    return (LeadTerm.term >= term) & (LeadTerm.term < term + _LAST)


def words(text: str) -> list[str]:
    """The words of a text as they are compared."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in folded if unicodedata.category(letter) != "Mn" and letter not in _MARKS)
    return [word[:LONGEST_TERM] for word in re.split(r"[\W_]+", bare) if word]


async def rewrite(scope: Scope, lead_id: int) -> None:
    """Make a lead findable by what it says now."""
    lead = await scope.get(Lead, lead_id)
    if lead is None:
        return
    now = set(of_lead(lead))
    before: Sequence[str] = await scope.all(select(LeadTerm.term).where(LeadTerm.lead_id == lead_id))
    gone = set(before) - now
    if gone:
        await scope.changed(delete(LeadTerm).where(LeadTerm.lead_id == lead_id, LeadTerm.term.in_(gone)))
    for term in sorted(now - set(before)):
        scope.add(LeadTerm(lead_id=lead_id, term=term))
    await scope.flush()


def _digits(phone: str) -> str:
    """The digits as people in Israel dial them."""
    digits = "".join(letter for letter in phone if letter.isascii() and letter.isdigit())
    has_code = phone.startswith("+972") or (digits.startswith("972") and len(digits) > 9)
    return "0" + digits[3:] if has_code else digits
