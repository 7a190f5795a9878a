"""By which rules callers are booked, and, beside the form, the times the next caller would be offered.

The preview is the availability that answers callers, run on what the form holds; it saves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select
from starlette.responses import Response

from agentlocator.assistant import refusals
from agentlocator.db.schema import Schedule, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import availability, calendars, schedules, services
from agentlocator.domain.availability import Rules, Slot, Window
from agentlocator.domain.schedules import Settings
from agentlocator.web import hours
from agentlocator.web.hours import Day
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

INTERVALS: Final = (30, 45, 60)
UNITS: Final = {"minutes": 1, "hours": 60, "days": 24 * 60}
_BETWEEN: Final = {
    "slot_interval_min": (5, 480, said("A whole number of minutes, from 5 to 480.")),
    "length_min": (5, 1440, said("A whole number of minutes, from 5 to 1440.")),
    "notice_min": (0, 60 * 24 * 365, said("A whole number, at most a year ahead. 0 means at once.")),
    "horizon_days": (0, 730, said("A whole number of days, from 0 to 730.")),
    "daily_limit": (1, 1000, said("A whole number from 1 to 1000. Leave it empty for no limit.")),
    "buffer_before_min": (0, 1440, said("A whole number of minutes, from 0 to 1440.")),
    "buffer_after_min": (0, 1440, said("A whole number of minutes, from 0 to 1440.")),
}


class Draft(msgspec.Struct, frozen=True):
    """The form as it stands: the week, the plain fields as written, and what is wrong with which."""

    days: list[Day]
    values: Mapping[str, str]
    faults: Mapping[str, str] = {}

    @property
    def is_sound(self) -> bool:
        return not self.faults and not any(day.fault for day in self.days)


class Next(msgspec.Struct, frozen=True):
    """What a caller who asks now is offered; `words` is how the assistant says it."""

    slots: tuple[Slot, ...]
    words: str
    service: str
    hint: str = ""


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        schedule = await schedules.current(scope)
        rules = await schedules.rules(scope, schedule)
        return await _page(visit, scope, _kept(schedule, rules))


async def change(visit: Visit) -> Response:
    """Keeps the week and the rules together; the next caller is offered times by them."""
    draft = _sent(visit)
    if not draft.is_sound:
        async with visit.reading() as scope:
            return await _page(visit, scope, draft, status=422)
    async with visit.writing() as scope:
        actor, now = visit.actor, visit.now
        await schedules.change_settings(scope, _settings(draft), actor=actor, now=now)
        await schedules.set_active_days(scope, _active(draft), actor=actor, now=now)
        await schedules.set_week(scope, hours.week_of(draft.days), actor=actor, now=now)
    return visit.redirect(visit.url("booking?saved=1"))


async def preview(visit: Visit) -> Response:
    """The next free times by the form's own rules, before anything is saved."""
    async with visit.reading() as scope:
        return visit.render("booking_next.html", next=await _next(visit, scope, _sent(visit)), **await _choices(scope))


async def _page(visit: Visit, scope: Scope, draft: Draft, status: int = 200) -> Response:
    return visit.render(
        "booking.html",
        status,
        section="booking",
        part="booking",
        draft=draft,
        most_windows=hours.MOST_WINDOWS,
        hour_faults=hours.FAULTS,
        intervals=INTERVALS,
        next=await _next(visit, scope, draft),
        saved="saved" in visit.request.query_params,
        locked=not visit.may("owner"),
        **await _choices(scope),
    )


async def _choices(scope: Scope) -> dict[str, Any]:
    return {"services": await services.offered(scope)}


async def _next(visit: Visit, scope: Scope, draft: Draft) -> Next:
    """What the real availability answers, with the draft's rules in the place of the kept ones."""
    wanted = visit.text("service") or visit.request.query_params.get("service", "")
    service: Service | None = None
    if wanted.isdecimal() and len(wanted) < 18:
        service = await scope.first(select(Service).where(Service.id == int(wanted), Service.active))
    named = str(service.id) if service else ""
    if not draft.is_sound:
        return Next((), "", named, said("Put right what is marked, and the next free times will be here."))
    settings = _settings(draft)
    diary = await calendars.read(scope, now=visit.now)
    rules = _ruled(diary.rules, draft, settings)
    if not diary.calendar.resource_ids:
        return Next((), "", named, said("Nobody is there to be booked. Add somebody to the staff, or switch one on."))
    taken = calendars.visit(await schedules.current(scope), service)
    if service is None:
        taken = msgspec.structs.replace(taken, duration_min=settings.length_min)
    if service is None or service.buffer_before_min is None:
        taken = msgspec.structs.replace(taken, buffer_before_min=settings.buffer_before_min)
    if service is None or service.buffer_after_min is None:
        taken = msgspec.structs.replace(taken, buffer_after_min=settings.buffer_after_min)
    slots = availability.soonest(rules, taken, diary.calendar, now=visit.now)
    hint = "" if slots else _why_nothing(rules)
    return Next(slots, refusals.offer(slots), named, hint)


def _why_nothing(rules: Rules) -> str:
    if not any(rules.weekly.get(day) for day in rules.active_days):
        return said("No day has opening hours, so nobody can be booked. Tick a day and give it hours.")
    return said("No time is free. Look at the length, the notice and how far ahead callers may book.")


def _ruled(rules: Rules, draft: Draft, settings: Settings) -> Rules:
    week = hours.week_of(draft.days)
    return msgspec.structs.replace(
        rules,
        weekly={day: tuple(Window(*part) for part in parts) for day, parts in week.items()},
        active_days=frozenset(_active(draft)),
        slot_interval_min=settings.slot_interval_min,
        notice_min=settings.notice_min,
        horizon_days=settings.horizon_days,
        daily_limit=settings.daily_limit,
    )


def _kept(schedule: Schedule, rules: Rules) -> Draft:
    notice, unit = _in_units(schedule.notice_min)
    values = {
        "slot_interval_min": str(schedule.slot_interval_min),
        "length_min": str(schedule.length_min),
        "notice_min": str(notice),
        "notice_unit": unit,
        "horizon_days": str(schedule.horizon_days),
        "daily_limit": "" if schedule.daily_limit is None else str(schedule.daily_limit),
        "buffer_before_min": str(schedule.buffer_before_min),
        "buffer_after_min": str(schedule.buffer_after_min),
    }
    return Draft(hours.drawn(rules.weekly, rules.active_days), values)


def _sent(visit: Visit) -> Draft:
    values = {field: visit.text(field).strip() for field in (*_BETWEEN, "notice_unit")}
    if visit.text("interval") != "other":
        values["slot_interval_min"] = visit.text("interval")
    if values["notice_unit"] not in UNITS:
        values["notice_unit"] = "minutes"
    faults = {field: words for field, (least, most, words) in _BETWEEN.items() if not _is_within(values, field)}
    return Draft(hours.sent(visit.text), values, faults)


def _is_within(values: Mapping[str, str], field: str) -> bool:
    least, most, _words = _BETWEEN[field]
    if field == "daily_limit" and not values[field]:
        return True
    number = whole(values[field])
    if number is None:
        return False
    return least <= number * (UNITS[values["notice_unit"]] if field == "notice_min" else 1) <= most


def whole(written: str) -> int | None:
    """A number as a form writes it; None for anything else."""
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 9 else None


def _settings(draft: Draft) -> Settings:
    values = draft.values
    return Settings(
        slot_interval_min=int(values["slot_interval_min"]),
        length_min=int(values["length_min"]),
        notice_min=int(values["notice_min"]) * UNITS[values["notice_unit"]],
        horizon_days=int(values["horizon_days"]),
        daily_limit=int(values["daily_limit"]) if values["daily_limit"] else None,
        buffer_before_min=int(values["buffer_before_min"]),
        buffer_after_min=int(values["buffer_after_min"]),
    )


def _active(draft: Draft) -> Sequence[int]:
    return [day.weekday for day in draft.days if day.is_active]


def _in_units(minutes: int) -> tuple[int, str]:
    for unit in ("days", "hours"):
        if minutes and minutes % UNITS[unit] == 0:
            return minutes // UNITS[unit], unit
    return minutes, "minutes"
