"""A business's opening hours and booking rules, and the verbs that change them.

What is saved is always usable: windows that overlap or run backwards are refused. It books nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import delete, select

from agentlocator.db.schema import Business, DateOverride, Schedule, WeeklyWindow
from agentlocator.db.scope import Scope
from agentlocator.domain import audit
from agentlocator.domain.availability import MAX_HORIZON_DAYS, Rules, Window, check_windows

# Which override of a date counts when there are several.
OVERRIDE_ORDER = ("il_holiday", "vacation", "owner")

Week = Mapping[int, Sequence[tuple[int, int]]]


class BadSetting(ValueError):
    """A setting that cannot be kept. `code` names the fault, `field` the setting."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code


class Settings(msgspec.Struct, frozen=True):
    """The schedule's plain settings; minutes and days."""

    slot_interval_min: int = 30
    length_min: int = 30
    notice_min: int = 60
    horizon_days: int = 60
    daily_limit: int | None = None
    buffer_before_min: int = 0
    buffer_after_min: int = 0


class Override(msgspec.Struct, frozen=True):
    """What one date does instead of its weekday; no windows means closed."""

    on_date: date
    windows: tuple[tuple[int, int], ...]
    source: str
    note: str


def furnish(scope: Scope) -> Schedule:
    """Give a new business its schedule: every day active, no hours yet."""
    settings = msgspec.structs.asdict(Settings())
    return scope.add(Schedule(active_days=list(range(7)), **settings))


async def current(scope: Scope) -> Schedule:
    schedule: Schedule | None = await scope.first(select(Schedule))
    assert schedule is not None, "every business is furnished with a schedule"
    return schedule


async def take_turn(scope: Scope) -> Schedule:
    """Queue behind every other booking of this business until the transaction ends.

    Waiting here costs milliseconds; meeting at the exclusion constraint costs deadlocks.
    """
    statement = select(Schedule).with_for_update(key_share=True).execution_options(populate_existing=True)
    schedule: Schedule | None = await scope.first(statement)
    assert schedule is not None, "every business is furnished with a schedule"
    return schedule


async def rules(scope: Scope, schedule: Schedule | None = None) -> Rules:
    """The booking rules as the pure availability takes them; `schedule` where it has been read already."""
    schedule = schedule or await current(scope)
    timezone = await scope.first(select(Business.timezone))
    return Rules(
        timezone=timezone,
        weekly=await _weekly(scope),
        active_days=frozenset(schedule.active_days),
        overrides=_resolved(await overrides(scope)),
        slot_interval_min=schedule.slot_interval_min,
        notice_min=schedule.notice_min,
        horizon_days=schedule.horizon_days,
        daily_limit=schedule.daily_limit,
    )


async def change_settings(scope: Scope, settings: Settings, *, actor: str, now: datetime) -> None:
    """Replace the plain settings. Raises BadSetting."""
    _check_settings(settings)
    schedule = await take_turn(scope)
    new = msgspec.structs.asdict(settings)
    changes = {field: (getattr(schedule, field), value) for field, value in new.items()}
    audit.record(scope, actor=actor, entity="schedule", entity_id=schedule.id, changes=changes, at=now)
    for field, value in new.items():
        setattr(schedule, field, value)


async def set_active_days(scope: Scope, days: Sequence[int], *, actor: str, now: datetime) -> None:
    """Which weekdays are worked at all, Sunday being 0. Raises BadSetting."""
    if any(day not in range(7) for day in days):
        raise BadSetting("active_days", "unknown_day")
    schedule = await take_turn(scope)
    changes = {"active_days": (schedule.active_days, sorted(set(days)))}
    audit.record(scope, actor=actor, entity="schedule", entity_id=schedule.id, changes=changes, at=now)
    schedule.active_days = sorted(set(days))


async def set_week(scope: Scope, week: Week, *, actor: str, now: datetime) -> None:
    """Replace the weekly hours: weekday (Sunday 0) → [(from_min, to_min), …]. Raises BadSetting."""
    for weekday, windows in week.items():
        if weekday not in range(7):
            raise BadSetting("weekly", "unknown_day")
        _check("weekly", windows)
    schedule = await take_turn(scope)
    before = {day: [(w.from_min, w.to_min) for w in windows] for day, windows in (await _weekly(scope)).items()}
    after = {day: sorted(windows) for day, windows in sorted(week.items()) if windows}
    audit.record(
        scope, actor=actor, entity="schedule", entity_id=schedule.id, changes={"weekly": (before, after)}, at=now
    )
    await scope.changed(delete(WeeklyWindow))
    for weekday, windows in after.items():
        for from_min, to_min in windows:
            scope.add(WeeklyWindow(schedule_id=schedule.id, weekday=weekday, from_min=from_min, to_min=to_min))
    await scope.flush()


async def override_date(scope: Scope, override: Override, *, actor: str, now: datetime) -> None:
    """Give one date its own hours, in place of what the same source said before. Raises BadSetting."""
    _check("override", override.windows)
    if override.source not in OVERRIDE_ORDER:
        raise BadSetting("override", "unknown_source")
    schedule = await take_turn(scope)
    old = await _find_override(scope, override.on_date, override.source)
    windows = [list(window) for window in sorted(override.windows)]
    changes = {f"override {override.on_date} {override.source}": (old.windows if old else None, windows)}
    audit.record(scope, actor=actor, entity="schedule", entity_id=schedule.id, changes=changes, at=now)
    if old is None:
        old = scope.add(DateOverride(schedule_id=schedule.id, on_date=override.on_date, source=override.source))
    old.windows = windows
    old.note = override.note
    await scope.flush()


async def clear_override(scope: Scope, on_date: date, source: str, *, actor: str, now: datetime) -> bool:
    """Take an override back; False when there was none."""
    schedule = await take_turn(scope)
    old = await _find_override(scope, on_date, source)
    if old is None:
        return False
    changes = {f"override {on_date} {source}": (old.windows, None)}
    audit.record(scope, actor=actor, entity="schedule", entity_id=schedule.id, changes=changes, at=now)
    await scope.session.delete(old)
    await scope.flush()
    return True


async def overrides(scope: Scope, *, first: date | None = None, last: date | None = None) -> list[Override]:
    """The overrides of a range of dates, in order."""
    statement = select(DateOverride).order_by(DateOverride.on_date, DateOverride.source)
    if first is not None:
        statement = statement.where(DateOverride.on_date >= first)
    if last is not None:
        statement = statement.where(DateOverride.on_date <= last)
    rows: Sequence[DateOverride] = await scope.all(statement)
    return [
        Override(row.on_date, tuple((from_min, to_min) for from_min, to_min in row.windows), row.source, row.note)
        for row in rows
    ]


def _resolved(found: Sequence[Override]) -> dict[date, tuple[Window, ...]]:
    """One set of windows a date: the owner's word beats a vacation, which beats a holiday."""
    in_order = sorted(found, key=lambda override: OVERRIDE_ORDER.index(override.source))
    return {one.on_date: tuple(Window(*window) for window in one.windows) for one in in_order}


async def _weekly(scope: Scope) -> dict[int, tuple[Window, ...]]:
    statement = select(WeeklyWindow.weekday, WeeklyWindow.from_min, WeeklyWindow.to_min)
    week: dict[int, tuple[Window, ...]] = {}
    for weekday, from_min, to_min in await scope.rows(statement.order_by(WeeklyWindow.weekday, WeeklyWindow.from_min)):
        week[weekday] = (*week.get(weekday, ()), Window(from_min, to_min))
    return week


async def _find_override(scope: Scope, on_date: date, source: str) -> DateOverride | None:
    found: DateOverride | None = await scope.first(
        select(DateOverride).where(DateOverride.on_date == on_date, DateOverride.source == source)
    )
    return found


def _check(field: str, windows: Sequence[tuple[int, int]]) -> None:
    fault = check_windows([Window(*window) for window in windows])
    if fault is not None:
        raise BadSetting(field, fault)


def _check_settings(settings: Settings) -> None:
    bounds = {
        "slot_interval_min": (5, 480),
        "length_min": (5, 1440),
        "notice_min": (0, 60 * 24 * 365),
        "horizon_days": (0, MAX_HORIZON_DAYS),
        "buffer_before_min": (0, 1440),
        "buffer_after_min": (0, 1440),
    }
    for field, (least, most) in bounds.items():
        if not least <= getattr(settings, field) <= most:
            raise BadSetting(field, "out_of_range")
    if settings.daily_limit is not None and settings.daily_limit < 1:
        raise BadSetting("daily_limit", "out_of_range")
