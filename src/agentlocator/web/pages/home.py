"""The way to a person's own first page, and his language."""

from __future__ import annotations

from sqlalchemy import update
from starlette.responses import Response

from agentlocator.db.accounts import Account
from agentlocator.web.visit import Visit
from agentlocator.web.words import LANGUAGES


async def show(visit: Visit) -> Response:
    who = visit.who
    if who.is_operator:
        return visit.redirect("/operator")
    if len(who.seats) == 1:
        return visit.redirect(f"/b/{who.seats[0].business_id}/today")
    return visit.render("home.html", seats=who.seats)


async def change_language(visit: Visit) -> Response:
    language = visit.text("language")
    if language in LANGUAGES:
        async with visit.house.db.operator(writing=True) as operator:
            await operator.changed(update(Account).where(Account.id == visit.who.account_id).values(language=language))
    return visit.redirect("/")
