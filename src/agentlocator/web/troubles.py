"""What is wrong with a business today, each with its remedy: from its own rows, never from what a caller said.

The owner's first page shows it, and the operator's. A business without any is healthy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import func, select

from agentlocator.db.schema import Business, BusinessNumber, Call
from agentlocator.db.scope import Scope
from agentlocator.domain import calls, conduct, prompts, spending
from agentlocator.domain.calls import Tally
from agentlocator.domain.spending import Standing
from agentlocator.web.words import said

# Enough to know what goes wrong, however many calls a day has.
_CALLS_READ: Final = 500


class Trouble(msgspec.Struct, frozen=True):
    """Something that is wrong, what to do about it, and where in the business's pages that is done.

    `grave` costs callers now; otherwise it is worth knowing. `count` is how often, or a share in percent.
    """

    words: str
    remedy: str
    page: str
    grave: bool
    count: int = 0
    kind: Literal["times", "percent", ""] = ""


class Health(msgspec.Struct, frozen=True):
    """A business's troubles, its day, its spending, and the codes of today's alarms with how often each was raised."""

    troubles: tuple[Trouble, ...]
    day: Tally
    standing: Standing
    alarms: tuple[tuple[str, int], ...]

    @property
    def light(self) -> Literal["good", "live", "bad"]:
        """Green, yellow or red, by the names of the page's tones."""
        if any(trouble.grave for trouble in self.troubles):
            return "bad"
        return "live" if self.troubles else "good"


async def examine(scope: Scope, now: datetime) -> Health:
    """How the business in scope is."""
    business = await scope.get(Business, scope.business_id)
    assert business is not None, "a scope has its business"
    midnight, month_began = spending.began(business.timezone, now)
    day = await calls.tally(scope, midnight)
    standing = await spending.standing(scope, day_began=midnight, month_began=month_began)
    alarms: Sequence[Any] = await scope.all(
        select(Call.facts["alarms"])
        .where(Call.started_at >= midnight)
        .order_by(Call.started_at.desc())
        .limit(_CALLS_READ)
    )
    found = [
        *_of_calls(day),
        *await _of_settings(scope, business),
        *_of_spending(standing, spending.caps(business.policy).at_cap == "person" and bool(business.fallback_number)),
    ]
    return Health(tuple(found), day, standing, _alarms(alarms))


def _of_calls(day: Tally) -> list[Trouble]:
    found = []
    if day.silent:
        words = said("Calls in which nothing was heard")
        remedy = said("Open one of them; its journal shows the operator what went wrong.")
        found.append(Trouble(words, remedy, "calls", True, day.silent, "times"))
    if day.broken:
        words = said("Calls that the assistant could not finish")
        remedy = said("These callers went to the number for emergencies. Call them back, and tell the operator.")
        found.append(Trouble(words, remedy, "calls", True, day.broken, "times"))
    return found


async def _of_settings(scope: Scope, business: Business) -> list[Trouble]:
    published = await prompts.published(scope)
    numbers = await scope.first(select(func.count(BusinessNumber.id)))
    found = []
    try:
        conduct.read(business.policy)
    except msgspec.ValidationError:
        words, remedy = said("The kept settings cannot be read"), said("Calls go by the usual ones. Set them anew.")
        found.append(Trouble(words, remedy, "assistant/conduct", True))
    if published is None or not published.greeting:
        words, remedy = said("There is no greeting"), said("Write one and publish it; until then callers hear nothing.")
        found.append(Trouble(words, remedy, "assistant", True))
    if not numbers:
        words, remedy = said("No phone number rings here"), said("The operator connects one.")
        found.append(Trouble(words, remedy, "assistant", False))
    if business.fallback_number is None:
        words = said("There is no number for emergencies")
        remedy = said("Name a phone that rings when the assistant cannot answer.")
        found.append(Trouble(words, remedy, "assistant/conduct", False))
    return found


def _of_spending(standing: Standing, hands_over: bool) -> list[Trouble]:
    found = []
    for account, near, over in (
        (standing.day, said("Today's spending nears its cap"), said("Today's spending is over its cap")),
        (standing.month, said("This month's spending nears its cap"), said("This month's spending is over its cap")),
    ):
        if account.mood in ("near", "over"):
            words = over if account.mood == "over" else near
            remedy = said("Callers are answered all the same. Raise the cap, or look at what the calls cost.")
            if hands_over:
                remedy = said("At the cap callers go to the number for emergencies. Raise it to have them answered.")
            share = int(account.share * 100)
            found.append(Trouble(words, remedy, "assistant/conduct", account.mood == "over", share, "percent"))
    return found


def _alarms(raised: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    """The code stands before the colon; behind it may be anybody's words."""
    counted = Counter(str(alarm).partition(":")[0][:60] for one in raised for alarm in one or ())
    return tuple(counted.most_common(5))
