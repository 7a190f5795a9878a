"""Opens a business with a number and the usual week, and lets its owner in. All else is for the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from agentlocator.db.accounts import Membership
from agentlocator.db.engine import Database
from agentlocator.domain import accounts, businesses, schedules
from agentlocator.domain.businesses import NewBusiness

USUAL_WEEK: Final = {day: [(9 * 60, 17 * 60)] for day in range(5)}
SLOT_MIN: Final = 30


class Opening(msgspec.Struct, frozen=True):
    """What it takes. Without a `fallback_number`, callers hear an apology when the assistant cannot be had."""

    name: str
    kind: str
    number: str
    fallback_number: str | None = None


async def open_business(db: Database, opening: Opening, *, actor: str, now: datetime) -> int:
    """Open it on Sunday to Thursday, nine to five; answers its id. Raises BadSetting, and then nothing is opened."""
    new = NewBusiness(
        name=opening.name,
        kind=opening.kind,
        numbers=(opening.number,),
        greeting=f"שלום, הגעתם אל {opening.name}. במה אפשר לעזור?",
        fallback_number=opening.fallback_number,
    )
    async with db.operator(writing=True) as operator:
        business_id = await businesses.add(operator, new, now=now)
    async with db.scope(business_id) as scope:
        settings = schedules.Settings(slot_interval_min=SLOT_MIN, length_min=SLOT_MIN)
        await schedules.change_settings(scope, settings, actor=actor, now=now)
        await schedules.set_active_days(scope, sorted(USUAL_WEEK), actor=actor, now=now)
        await schedules.set_week(scope, USUAL_WEEK, actor=actor, now=now)
    return business_id


async def has_owner(db: Database, business_id: int) -> bool:
    async with db.operator() as operator:
        owners = select(Membership.id).where(Membership.business_id == business_id, Membership.role == "owner")
        return await operator.first(owners) is not None


async def let_owner_in(db: Database, business_id: int, email: str, *, actor: str, now: datetime) -> str:
    """Make a person, known or new, the business's owner; answers the secret of a link that lets him in once.

    Raises BadSetting.
    """
    async with db.operator(writing=True) as operator:
        account = await accounts.find_by_email(operator, email) or await accounts.add(
            operator, email=email, name="", password_hash=None, now=now
        )
        token = await accounts.login_link(operator, account.id, actor=actor, now=now)
        await accounts.set_role(operator, business_id, account.id, "owner", actor=actor, now=now)
    return token
