"""The calls that run now: seen as they are spoken, listened to, ended, or handed to a person.

The page is followed by server-sent events. What goes on and on ends with the right of whoever opened it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from agentlocator.call.sight import Glimpse, Line, Receipt
from agentlocator.db.schema import Call, Lead
from agentlocator.domain import businesses, calls
from agentlocator.domain.text import clean
from agentlocator.web import outcomes
from agentlocator.web.door import may_stay
from agentlocator.web.house import Audience, Ear
from agentlocator.web.pages.calls import lines_of
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

# How often a page is told: often enough to be read along, seldom enough for two hundred calls at once.
PACE_S = 0.2
# A stream outlives a logout by no more than this.
RECHECK_S = 2.0
_RUNNING: Final = 50

_FLOORS: Final = {
    "ringing": said("Connecting"),
    "assistant": said("The assistant is speaking"),
    "caller": said("The caller is speaking"),
    "thinking": said("The assistant is about to answer"),
    "looking": said("The assistant is looking something up"),
    "quiet": said("Quiet"),
    "over": said("Ended"),
}


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a page is told of a call. Who it is comes once; `ending` when it is over, with its tone."""

    call: str
    age_ms: int
    floor: str
    words: str
    lines: tuple[Line, ...]
    receipt: Receipt | None = None
    who: Caller | None = None
    ending: str = ""
    tone: str = ""


class Caller(msgspec.Struct, frozen=True):
    """Who calls, as far as is known."""

    name: str
    phone: str


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        running = await scope.all(select(Call).where(calls.RUNS).order_by(Call.id.desc()).limit(_RUNNING))
        lines = await lines_of(scope, running)
        profile = await businesses.show(scope)
    return visit.render(
        "live.html",
        section="live",
        lines=lines,
        targets=[target.label for target in profile.transfer_numbers],
        is_followed=visit.house.audience is not None,
    )


async def stream(visit: Visit) -> Response:
    """What happens in the business's calls, as server-sent events, for as long as the page is open."""
    return StreamingResponse(
        _events(visit, _audience(visit)), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def listen(visit: Visit) -> Response:
    """Both sides of one call, as they sound, in pieces of 161 bytes: whose it is, and 20 ms of µ-law."""
    audience, call_sid = _audience(visit), _call_sid(visit)
    if not audience.runs(visit.business_id, call_sid):
        visit.missing()
    await _note(visit, call_sid, "listened")
    return StreamingResponse(_sound(visit, audience, call_sid), media_type="application/octet-stream")


async def end(visit: Visit) -> Response:
    """Somebody of the business hangs up for the assistant."""
    audience, call_sid = _audience(visit), _call_sid(visit)
    if not audience.runs(visit.business_id, call_sid):
        visit.missing()
    await _note(visit, call_sid, "ended")
    audience.end(visit.business_id, call_sid)
    return visit.redirect(visit.url("live"))


async def put_through(visit: Visit) -> Response:
    """Somebody of the business takes the call over, at one of its own numbers."""
    audience, call_sid = _audience(visit), _call_sid(visit)
    label = visit.text("to")
    if not audience.put_through(visit.business_id, call_sid, label):
        visit.missing()
    await _note(visit, call_sid, "put_through", label)
    return visit.redirect(visit.url("live"))


async def _events(visit: Visit, audience: Audience) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with audience.follow(visit.business_id) as following:
        yield _event([])
        checked_s = loop.time()
        while not following.closed:
            glimpses = await following.news(RECHECK_S)
            if loop.time() - checked_s >= RECHECK_S or not glimpses:
                if not await may_stay(visit, "viewer"):
                    return
                checked_s = loop.time()
            # A line of nothing finds out whether anybody is there.
            yield _event(await _shown(visit, glimpses)) if glimpses else b":\n\n"
            await asyncio.sleep(PACE_S)


async def _sound(visit: Visit, audience: Audience, call_sid: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with audience.listen(visit.business_id, call_sid) as ear:
        checked_s = loop.time()
        while ear is not None and not ear.closed:
            sound = await _heard(ear)
            if loop.time() - checked_s >= RECHECK_S:
                if not await may_stay(visit, "staff"):
                    return
                checked_s = loop.time()
            if sound:
                yield sound


async def _heard(ear: Ear) -> bytes:
    return await ear.sound(RECHECK_S)


async def _shown(visit: Visit, glimpses: list[Glimpse]) -> list[Shown]:
    callers = await _callers(visit, [one.call_sid for one in glimpses if one.is_new])
    return [_show(visit, one, callers.get(one.call_sid)) for one in glimpses]


def _show(visit: Visit, seen: Glimpse, caller: Caller | None) -> Shown:
    ending = outcomes.ending_of(seen.outcome) if seen.outcome else None
    return Shown(
        call=seen.call_sid,
        age_ms=seen.age_ms,
        floor=seen.floor,
        words=visit.gettext(_FLOORS[seen.floor]),
        lines=seen.lines,
        receipt=seen.receipt,
        who=caller,
        ending=visit.gettext(ending.words) if ending else "",
        tone=ending.tone if ending else "",
    )


async def _callers(visit: Visit, call_sids: list[str]) -> dict[str, Caller]:
    if not call_sids:
        return {}
    async with visit.reading() as scope:
        rows = await scope.rows(
            select(Call.call_sid, Call.from_raw, Lead.name)
            .select_from(Call)
            .outerjoin(Lead, Lead.id == Call.lead_id)
            .where(Call.call_sid.in_(call_sids))
        )
    return {
        call_sid: Caller(name or visit.gettext(said("Unknown caller")), visit.phone(phone_raw))
        for call_sid, phone_raw, name in rows
    }


def _event(told: list[Shown]) -> bytes:
    return b"data: " + msgspec.json.encode(told) + b"\n\n"


def _audience(visit: Visit) -> Audience:
    return visit.house.audience or visit.missing()


def _call_sid(visit: Visit) -> str:
    return clean(visit.request.path_params["call_sid"])


async def _note(visit: Visit, call_sid: str, did: str, detail: str = "") -> None:
    async with visit.writing() as scope:
        await calls.note_person(scope, call_sid, did, detail, actor=visit.actor, now=visit.now)
