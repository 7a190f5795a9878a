"""What belongs to the other businesses, and whether any of it turned up in this one's call.

Reads their words to look for them, and keeps none: what is found is named by its kind and its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import select

from agentlocator.certificate.evidence import Evidence
from agentlocator.db.engine import Database
from agentlocator.db.schema import Lead
from agentlocator.domain import businesses
from agentlocator.domain.profile import BusinessProfile

# The newest leads of a business say as much as all of them.
MOST_LEADS: Final = 200
MOST_BUSINESSES: Final = 20
_SHORTEST: Final = 6


class Stranger(msgspec.Struct, frozen=True):
    """Another business: its number, and words that are its own, each with what it is."""

    business_id: int
    name: str
    number: str
    words: tuple[tuple[str, str], ...]


async def strangers_of(db: Database, profile: BusinessProfile) -> list[Stranger]:
    """The other businesses of the installation."""
    async with db.operator() as operator:
        listed = await businesses.listed(operator)
    found: list[Stranger] = []
    for other in [one for one in listed if one.business_id != profile.business_id][:MOST_BUSINESSES]:
        async with db.reading(other.business_id) as scope:
            theirs = await businesses.show(scope)
            leads: Sequence[Lead] = await scope.all(select(Lead).order_by(Lead.id.desc()).limit(MOST_LEADS))
        words = [("name", theirs.name), ("greeting", theirs.greeting)]
        words += [("prompt", line.strip()) for line in theirs.custom_prompt.splitlines()]
        words += [("number", number) for number in (*theirs.numbers, *(one.e164 for one in theirs.transfer_numbers))]
        words += [("lead", word) for lead in leads for word in (lead.name, lead.phone_e164) if word]
        own = _own_words(profile)
        telling = tuple((kind, word) for kind, word in words if len(word) >= _SHORTEST and word not in own)
        found.append(Stranger(other.business_id, theirs.name, theirs.numbers[0] if theirs.numbers else "", telling))
    return found


def leaks(evidence: Evidence, others: Sequence[Stranger]) -> Iterator[str]:
    """Where something of theirs was found: kind, business and place, never the words."""
    places = {
        "the prompt": str(evidence.session.asked.get("instructions", ""))
        + str(evidence.session.got.get("instructions")),
        "a tool's answer": "\n".join(tool.output for tool in evidence.tools),
        "what was said": "\n".join(turn.text for turn in evidence.turns if turn.speaker == "assistant"),
        "the lead's card": str(evidence.lead),
    }
    for other in others:
        for place, text in places.items():
            kinds = sorted({kind for kind, word in other.words if word in text})
            if kinds:
                yield f"{', '.join(kinds)} of business {other.business_id} in {place}"


def _own_words(profile: BusinessProfile) -> str:
    return "\n".join((profile.name, profile.greeting, profile.custom_prompt, *profile.numbers))
