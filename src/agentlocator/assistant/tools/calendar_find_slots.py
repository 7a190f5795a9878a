"""Finds the two or three free times nearest to what the caller wishes. It tells times, never the rules."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from msgspec import Meta

from agentlocator.assistant import refusals
from agentlocator.assistant.tool import Arguments, Tool, ToolContext, ToolReply
from agentlocator.assistant.tools.service_meant import service_meant
from agentlocator.db.scope import Scope
from agentlocator.domain import availability, calendars, localtime, schedules
from agentlocator.domain.availability import Refusal, Slot, Visit
from agentlocator.domain.calendars import Diary

NOTHING_FREE = "אין כרגע תורים פנויים ביומן. אפשר להשאיר פרטים ונחזור."


class FindSlots(Arguments, frozen=True):
    date: Annotated[
        str | None, Meta(description="The wished date, YYYY-MM-DD, in the business's zone. Omit for the soonest.")
    ] = None
    time: Annotated[str | None, Meta(description="The wished hour, HH:MM, 24-hour clock. Omit if not said.")] = None
    service: Annotated[str | None, Meta(description="The service, in the words of the business's list.")] = None


async def run(scope: Scope, context: ToolContext, wanted: FindSlots, _key: str) -> ToolReply:
    service = await service_meant(scope, wanted.service)
    if isinstance(service, ToolReply):
        return service
    visit = calendars.visit(await schedules.current(scope), service)
    diary = await calendars.read(scope, now=context.now)
    if wanted.date is not None and wanted.time is not None:
        return _near(diary, visit, f"{wanted.date}T{wanted.time}", context.now)
    if wanted.date is not None:
        return _on(diary, visit, wanted.date, context.now)
    return _offered(_soonest(diary, visit, wanted.time, context.now))


def _near(diary: Diary, visit: Visit, wanted: str, now: datetime) -> ToolReply:
    """The wished time and its neighbours, or why not and its neighbours."""
    found = availability.judge(diary.rules, visit, diary.calendar, wanted=wanted, now=now)
    if isinstance(found, Refusal):
        return _with_reason(found)
    return _offered(availability.nearest(diary.rules, visit, diary.calendar, wish=found.starts_at, now=now))


def _on(diary: Diary, visit: Visit, wanted: str, now: datetime) -> ToolReply:
    """The first times of a date; when it has none, why and what is near."""
    try:
        day = localtime.parse_date(wanted)
    except ValueError:
        return _with_reason(Refusal("invalid_date", _soonest(diary, visit, None, now)))
    found = availability.find_slots(diary.rules, visit, diary.calendar, first=day, last=day, now=now)
    if found:
        return _offered(found[: availability.OFFERED])
    return _with_reason(availability.why_none_on(diary.rules, visit, diary.calendar, day=day, now=now))


def _soonest(diary: Diary, visit: Visit, at: str | None, now: datetime) -> tuple[Slot, ...]:
    return availability.soonest(diary.rules, visit, diary.calendar, now=now, at=_hour(at))


def _hour(written: str | None) -> time:
    try:
        return time() if written is None else localtime.parse_wall(f"{date.min.isoformat()}T{written}").time()
    except ValueError:
        return time()


def _offered(slots: tuple[Slot, ...] | list[Slot]) -> ToolReply:
    if not slots:
        return ToolReply(NOTHING_FREE, ok=False, code="nothing_free", data={"slots": []})
    return ToolReply(refusals.offer(slots), ok=True, data={"slots": refusals.shown(slots)})


def _with_reason(refusal: Refusal) -> ToolReply:
    reply = refusals.refused(refusal)
    if refusal.nearest:
        return reply
    return ToolReply(f"{reply.say} {NOTHING_FREE}", ok=False, code=reply.code, data=reply.data)


TOOL = Tool(
    name="calendar_find_slots",
    description=(
        "Find the nearest free appointment times. Call it before offering any time. "
        "Offer the caller only times it returns, in the words it returns."
    ),
    arguments=FindSlots,
    run=run,
)
