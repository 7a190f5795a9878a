"""The assistant, tried by whoever answers for it: a real call from the page's microphone, marked as a test.

The page speaks to the media stream as the carrier does; the call is followed on the live stream like any other.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from agentlocator.domain import calls
from agentlocator.web.visit import Visit
from agentlocator.web.words import said


async def show(visit: Visit) -> Response:
    async with visit.reading():
        return visit.render("talk.html", section="talk", can_talk=visit.house.test_call is not None)


async def begin(visit: Visit) -> Response:
    """Takes a test call in; the page joins it with the token it is given, once."""
    if visit.house.test_call is None:
        visit.missing()
    keeps = visit.text("bookings") == "keep"
    ticket = await visit.house.test_call(visit.business_id, keeps)
    if ticket is None:
        return Response(visit.gettext(said("Too many test calls are running. Try again in a moment.")), 409)
    async with visit.writing() as scope:
        did = "keeps its bookings" if keeps else "its bookings are taken back"
        await calls.note_person(scope, ticket.call, "tested", did, actor=visit.actor, now=visit.now)
    return Response(msgspec.json.encode(ticket), media_type="application/json")
