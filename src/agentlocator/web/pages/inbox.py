"""The written threads: a list, the thread that is open, and the person in it. Whoever may, writes or takes over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, get_args

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.db.schema import Call, Conversation, Lead
from agentlocator.db.scope import Scope
from agentlocator.db.types import EPOCH
from agentlocator.domain import appointments, conversations, inbox, leads, stages
from agentlocator.domain.conversations import Answering
from agentlocator.domain.inbox import Place, Shown
from agentlocator.domain.text import clean
from agentlocator.web.outcomes import ending_of
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

# As long as the narrowest transport takes; what is longer is refused, and not cut where its writer does not see it.
MAX_LETTER: Final = 1600
_CALLS: Final = 30
PAGE: Final = 50
_MS: Final = timedelta(milliseconds=1)

_REASONS: Final = {
    "asked": said("Asked for a person"),
    "waiting": said("Waits for your answer"),
    "late": said("Wrote while nobody could answer"),
    "not_delivered": said("A message did not arrive"),
    "opted_out": said("Wrote again after opting out"),
    "cannot_open": said("Sent something the assistant cannot open"),
    "failed": said("The assistant could not answer"),
    "limit": said("Has written more than the assistant may answer in a day"),
    "untrue": said("The assistant said something that was not so"),
}
_DELIVERIES: Final = {
    "queued": said("On its way"),
    "sent": said("Sent"),
    "delivered": said("Delivered"),
    "read": said("Read"),
    "failed": said("Not delivered"),
    "withheld": said("Held back"),
}


class Said(msgspec.Struct, frozen=True):
    """One thing in the thread: a message by somebody, or a call."""

    at: datetime
    who: str
    words: str
    note: str = ""
    link: str = ""


async def show(visit: Visit) -> Response:
    """The list, with no thread open."""
    async with visit.reading() as scope:
        return await _page(visit, scope, None)


async def read(visit: Visit) -> Response:
    """One thread, beside the list."""
    async with visit.reading() as scope:
        return await _page(visit, scope, await _open(visit, scope))


async def seen(visit: Visit) -> Response:
    """The page says that somebody has it before his eyes."""
    async with visit.writing() as scope:
        conversation = await _open(visit, scope)
        await conversations.seen(scope, conversation.id)
    return Response(status_code=204)


async def reply(visit: Visit) -> Response:
    """A person writes, and from here on answers instead of the assistant."""
    words = clean(visit.text("body"), lines=True)
    async with visit.writing() as scope:
        conversation = await _open(visit, scope)
        fault = await _write(visit, scope, conversation.id, words)
        if fault:
            return await _page(visit, scope, conversation, fault=fault, draft=words, status=422)
        await conversations.seen(scope, conversation.id)
    return visit.redirect(visit.url(f"inbox/{conversation.id}"))


async def hand(visit: Visit) -> Response:
    """A person takes the thread, or gives it back to the assistant."""
    async with visit.writing() as scope:
        conversation = await _open(visit, scope)
        to: Answering = "person" if visit.text("to") == "person" else "assistant"
        await conversations.hand_to(scope, conversation.id, to, actor=visit.actor, now=visit.now)
    return visit.redirect(visit.url(f"inbox/{conversation.id}"))


async def _write(visit: Visit, scope: Scope, conversation_id: int, words: str) -> str:
    """What went wrong, in the reader's words; empty when the letter is on its way."""
    if not words:
        return visit.gettext(said("There is nothing written yet."))
    if len(words) > MAX_LETTER:
        return visit.gettext(said("A message has at most 1600 characters. Send it in parts."))
    write = visit.house.write_as_person
    if write is None:
        return visit.gettext(said("WhatsApp is not connected to this server."))
    if await write(scope, conversation_id, words, now=visit.now) is None:
        return visit.gettext(said("This person has not written on WhatsApp: there is nowhere to answer. Call instead."))
    return ""


async def _open(visit: Visit, scope: Scope) -> Conversation:
    return await scope.get(Conversation, visit.request.path_params["conversation_id"]) or visit.missing()


async def _page(
    visit: Visit,
    scope: Scope,
    conversation: Conversation | None,
    *,
    fault: str = "",
    draft: str = "",
    status: int = 200,
) -> Response:
    query = visit.request.query_params
    wanted, after = query.get("show", "all"), query.get("after", "")
    shown: Shown = next((one for one in get_args(Shown) if one == wanted), "all")
    found = await inbox.entries(scope, shown=shown, after=_place(after), limit=PAGE + 1)
    lead = await leads.show(scope, conversation.lead_id) if conversation is not None else None
    return visit.render(
        "inbox.html",
        status,
        section="inbox",
        shown=shown,
        entries=found[:PAGE],
        here={"show": shown, "after": after} if after else {"show": shown},
        older=_address(found[PAGE - 1].place) if len(found) > PAGE else "",
        reasons={code: visit.gettext(words) for code, words in _REASONS.items()},
        conversation=conversation,
        lead=lead,
        stage=await _stage(scope, lead),
        thread=await _thread(visit, scope, conversation) if conversation is not None else [],
        coming=await appointments.upcoming_of(scope, lead.id, now=visit.now) if lead is not None else [],
        can_write=visit.house.write_as_person is not None,
        fault=fault,
        draft=draft,
        most_letters=MAX_LETTER,
    )


def _address(place: Place) -> str:
    """Where the next page begins, as it stands in an address."""
    return f"{int(place.waits)}-{(place.last_message_at - EPOCH) // _MS}-{place.conversation_id}"


def _place(address: str) -> Place | None:
    parts = address.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 15 for part in parts):
        return None
    waits, at_ms, conversation_id = (int(part) for part in parts)
    return Place(bool(waits), EPOCH + at_ms * _MS, conversation_id)


async def _stage(scope: Scope, lead: Lead | None) -> str:
    if lead is None:
        return ""
    return next((step.name for step in await stages.listed(scope) if step.stage_id == lead.stage_id), "")


async def _thread(visit: Visit, scope: Scope, conversation: Conversation) -> list[Said]:
    """What was written and when he called, in the order it happened."""
    written = [
        Said(one.at, one.author, one.body, _delivery(visit, one.author, one.delivery))
        for one in await conversations.messages(scope, conversation.id)
    ]
    rows: Sequence[Call] = await scope.all(
        select(Call).where(Call.lead_id == conversation.lead_id).order_by(Call.id.desc()).limit(_CALLS)
    )
    called = [
        Said(
            row.started_at,
            "call",
            row.summary or "",
            visit.gettext(ending_of(row.outcome).words) if row.outcome else "",
            visit.url(f"calls/{row.call_sid}"),
        )
        for row in rows
    ]
    return sorted([*written, *called], key=lambda one: one.at)


def _delivery(visit: Visit, author: str, delivery: str) -> str:
    return "" if author == "lead" or delivery not in _DELIVERIES else visit.gettext(_DELIVERIES[delivery])
