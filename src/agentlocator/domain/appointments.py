"""Appointments: booked, held, confirmed, moved, cancelled. Never two in one place at one time.

Every verb first queues for the business's schedule, then decides on what it reads, then writes; the database's own
overlap guard is the backstop. A refusal is a value with a code and the nearest free times. A booked appointment's
instant never moves unless somebody moves it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from agentlocator.db.schema import BLOCKING, Appointment, Lead, Resource, Service
from agentlocator.db.scope import Scope
from agentlocator.domain import audit, availability, calendars, localtime, outbox, readiness, schedules, stages
from agentlocator.domain.availability import Refusal, Slot, Visit
from agentlocator.domain.receipts import Kind, Receipt
from agentlocator.domain.text import clean

MAX_NOTES = 2000
HOLD_S = 300


class Booking(msgspec.Struct, frozen=True):
    """What is asked for. `start` is the business's wall clock, YYYY-MM-DDTHH:MM.

    Without a service the schedule's own length counts; `key` makes a repeat answer with the same appointment.
    """

    start: str
    lead_id: int | None = None
    service_id: int | None = None
    duration_min: int | None = None
    resource_id: int | None = None
    notes: str = ""
    call_sid: str | None = None
    key: str | None = None
    by: str = "assistant"


async def book(scope: Scope, booking: Booking, *, now: datetime) -> Receipt | Refusal:
    """Book a slot that `find_slots` would offer."""
    return await _take_slot(scope, booking, kind="booked", hold_s=None, now=now)


async def hold(scope: Scope, booking: Booking, *, now: datetime, hold_s: int = HOLD_S) -> Receipt | Refusal:
    """Keep a slot for a while, for somebody who is still deciding."""
    return await _take_slot(scope, booking, kind="held", hold_s=hold_s, now=now)


async def place(
    scope: Scope, booking: Booking, *, starts_at: datetime, resource_id: int, now: datetime
) -> Receipt | Refusal:
    """The owner's own booking: outside the grid and the hours if he wants, never over another one."""
    schedule = await schedules.take_turn(scope)
    repeated = await _with_key(scope, booking.key)
    if repeated is not None:
        return await _receipt(scope, repeated, _kind_of(repeated))
    service = await _service(scope, booking.service_id)
    if booking.service_id is not None and service is None:
        return Refusal("unknown_service")
    visit = calendars.visit(schedule, service, booking.duration_min)
    if not 0 < visit.duration_min <= availability.MAX_DURATION_MIN:
        return Refusal("invalid_duration")
    diary = await calendars.read(scope, now=min(now, starts_at), schedule=schedule, resource_id=resource_id)
    await _expire_holds(scope, now)
    slot = availability.judge_freely(diary.rules, visit, diary.calendar, starts_at, resource_id, now=now)
    if isinstance(slot, Refusal):
        return slot
    return await _write(scope, booking, slot, visit, diary.rules.timezone, kind="booked", hold_s=None, now=now)


async def confirm(scope: Scope, appointment_id: int, *, now: datetime, by: str = "assistant") -> Receipt | Refusal:
    """Turn a hold or a pending appointment into a booked one, and a booked one into a confirmed one."""
    await schedules.take_turn(scope)
    row = await _locked(scope, appointment_id)
    if row is None:
        return Refusal("unknown_appointment")
    if row.status == "held" and _has_run_out(row, now):
        row.status = "expired"
        return Refusal("hold_expired")
    if row.status not in BLOCKING:
        return Refusal("hold_expired" if row.status == "expired" else "not_bookable")
    if row.ends_at <= now:
        return Refusal("not_bookable")
    kind: Kind = "confirmed" if row.status in ("booked", "confirmed") else "booked"
    row.hold_expires_at = None
    await _set_status(scope, row, kind, by=by, now=now)
    if kind == "booked":
        await _move_lead_forward(scope, row.lead_id, by, now)
    await _announce(scope, row, kind, now)
    return await _receipt(scope, row, kind)


async def reschedule(
    scope: Scope,
    appointment_id: int,
    *,
    start: str,
    now: datetime,
    by: str = "assistant",
    call_sid: str | None = None,
) -> Receipt | Refusal:
    """Move an appointment to another slot. It is never in its own way, and keeps its length and its buffers."""
    schedule = await schedules.take_turn(scope)
    row = await _locked(scope, appointment_id)
    if row is None:
        return Refusal("unknown_appointment")
    if row.status not in BLOCKING or row.starts_at <= now:
        return Refusal("not_bookable")
    visit = _visit_of(row)
    diary = await calendars.read(scope, now=now, schedule=schedule, besides=row.id)
    slot = availability.judge(diary.rules, visit, diary.calendar, wanted=start, now=now)
    if isinstance(slot, Refusal):
        return slot
    if slot.starts_at == row.starts_at:
        return await _receipt(scope, row, "rescheduled")
    await _expire_holds(scope, now)
    before = row.starts_at
    try:
        async with scope.session.begin_nested():
            _settle(row, slot, visit, diary.rules.timezone, now)
            await scope.flush()
    except DBAPIError as overlap:
        _only_overlap(overlap)
        near = availability.nearest(diary.rules, visit, diary.calendar, wish=slot.starts_at, now=now)
        return Refusal("slot_unavailable", near)
    _note(scope, row, {"starts_at": (before, row.starts_at)}, by=by, now=now, call_sid=call_sid)
    await _announce(scope, row, "rescheduled", now)
    return await _receipt(scope, row, "rescheduled")


async def move(
    scope: Scope,
    appointment_id: int,
    *,
    starts_at: datetime,
    now: datetime,
    by: str,
    resource_id: int | None = None,
) -> Receipt | Refusal:
    """A person's own move: outside the grid and the hours if he wants, to another resource too, never over another."""
    schedule = await schedules.take_turn(scope)
    row = await _locked(scope, appointment_id)
    if row is None:
        return Refusal("unknown_appointment")
    if row.status not in BLOCKING or row.ends_at <= now:
        return Refusal("not_bookable")
    if starts_at < now:
        return Refusal("date_in_past")
    wanted_id = row.resource_id if resource_id is None else resource_id
    if (starts_at, wanted_id) == (row.starts_at, row.resource_id):
        return await _receipt(scope, row, "rescheduled")
    visit = _visit_of(row)
    diary = await calendars.read(scope, now=now, schedule=schedule, besides=row.id, resource_id=wanted_id)
    await _expire_holds(scope, now)
    slot = availability.judge_freely(diary.rules, visit, diary.calendar, starts_at, wanted_id, now=now)
    if isinstance(slot, Refusal):
        return slot
    before = row.starts_at, row.resource_id
    _settle(row, slot, visit, diary.rules.timezone, now)
    await scope.flush()
    changes: dict[str, tuple[object, object]] = {
        "starts_at": (before[0], row.starts_at),
        "resource_id": (before[1], row.resource_id),
    }
    _note(scope, row, changes, by=by, now=now)
    await _announce(scope, row, "rescheduled", now)
    return await _receipt(scope, row, "rescheduled")


async def cancel(
    scope: Scope,
    appointment_id: int,
    *,
    now: datetime,
    by: str = "assistant",
    reason: str = "",
    call_sid: str | None = None,
) -> Receipt | Refusal:
    """Cancel an appointment that is still to come. Cancelling twice is cancelling once."""
    await schedules.take_turn(scope)
    row = await _locked(scope, appointment_id)
    if row is None:
        return Refusal("unknown_appointment")
    if row.status == "cancelled":
        return await _receipt(scope, row, "cancelled")
    if row.status not in BLOCKING or row.ends_at <= now:
        return Refusal("not_bookable")
    row.cancelled_by = by
    row.cancel_reason = clean(reason)[:500] or None
    row.sequence += 1
    await _set_status(scope, row, "cancelled", by=by, now=now, call_sid=call_sid)
    await _announce(scope, row, "cancelled", now)
    return await _receipt(scope, row, "cancelled")


async def no_show(scope: Scope, appointment_id: int, *, now: datetime, by: str) -> bool:
    """Note that nobody came. Only for an appointment whose time has begun."""
    return await _close(scope, appointment_id, "no_show", by=by, now=now)


async def complete(scope: Scope, appointment_id: int, *, now: datetime, by: str) -> bool:
    """Note that the visit took place. Only for an appointment whose time has begun."""
    return await _close(scope, appointment_id, "completed", by=by, now=now)


async def upcoming_of(scope: Scope, lead_id: int, *, now: datetime) -> list[Receipt]:
    """A lead's appointments that are still to come, the nearest first."""
    rows: Sequence[Appointment] = await scope.all(
        select(Appointment)
        .where(Appointment.lead_id == lead_id, Appointment.ends_at > now, calendars.is_live(now))
        .order_by(Appointment.starts_at)
    )
    return [await _receipt(scope, row, "booked") for row in rows]


async def between(scope: Scope, *, starts_from: datetime, until: datetime) -> Sequence[Appointment]:
    """Every appointment that starts in a stretch of time, whatever became of it."""
    found: Sequence[Appointment] = await scope.all(
        select(Appointment)
        .where(Appointment.starts_at >= starts_from, Appointment.starts_at < until)
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return found


async def receipt_of(scope: Scope, appointment_id: int) -> Receipt | None:
    row = await scope.get(Appointment, appointment_id)
    return None if row is None else await _receipt(scope, row, _kind_of(row))


async def _take_slot(
    scope: Scope, booking: Booking, *, kind: Kind, hold_s: int | None, now: datetime
) -> Receipt | Refusal:
    schedule = await schedules.take_turn(scope)
    repeated = await _with_key(scope, booking.key)
    if repeated is not None:
        return await _receipt(scope, repeated, _kind_of(repeated))
    service = await _service(scope, booking.service_id)
    visit = calendars.visit(schedule, service, booking.duration_min)
    diary = await calendars.read(scope, now=now, schedule=schedule, resource_id=booking.resource_id)
    if booking.service_id is not None and service is None:
        return Refusal("unknown_service")
    slot = availability.judge(diary.rules, visit, diary.calendar, wanted=booking.start, now=now)
    if isinstance(slot, Refusal):
        return slot
    if len(booking.notes) > MAX_NOTES:
        near = availability.nearest(diary.rules, visit, diary.calendar, wish=slot.starts_at, now=now)
        return Refusal("invalid_notes", near)
    await _expire_holds(scope, now)
    return await _write(scope, booking, slot, visit, diary.rules.timezone, kind=kind, hold_s=hold_s, now=now)


async def _write(
    scope: Scope,
    booking: Booking,
    slot: Slot,
    visit: Visit,
    timezone: str,
    *,
    kind: Kind,
    hold_s: int | None,
    now: datetime,
) -> Receipt | Refusal:
    block_from, block_to = slot.footprint(visit)
    row = Appointment(
        uid=uuid.uuid4().hex,
        resource_id=slot.resource_ids[0],
        service_id=booking.service_id,
        lead_id=booking.lead_id,
        call_sid=booking.call_sid,
        status=kind,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        block_from=block_from,
        block_to=block_to,
        local_date=slot.local_date,
        timezone=timezone,
        sequence=0,
        hold_expires_at=None if hold_s is None else now + timedelta(seconds=hold_s),
        idempotency_key=booking.key,
        notes=clean(booking.notes, lines=True),
        booked_by=booking.by,
        created_at=now,
        changed_at=now,
    )
    try:
        async with scope.session.begin_nested():
            scope.add(row)
            await scope.flush()
    except DBAPIError as overlap:
        _only_overlap(overlap)
        return Refusal("slot_unavailable")
    _note(scope, row, {"status": (None, kind)}, by=booking.by, now=now, call_sid=booking.call_sid)
    if kind == "booked":
        await _move_lead_forward(scope, booking.lead_id, booking.by, now)
        await _announce(scope, row, kind, now)
    return await _receipt(scope, row, kind)


async def _service(scope: Scope, service_id: int | None) -> Service | None:
    if service_id is None:
        return None
    found: Service | None = await scope.first(select(Service).where(Service.id == service_id, Service.active))
    return found


async def _with_key(scope: Scope, key: str | None) -> Appointment | None:
    if key is None:
        return None
    found: Appointment | None = await scope.first(select(Appointment).where(Appointment.idempotency_key == key))
    return found


async def _locked(scope: Scope, appointment_id: int) -> Appointment | None:
    found: Appointment | None = await scope.first(
        select(Appointment)
        .where(Appointment.id == appointment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def _expire_holds(scope: Scope, now: datetime) -> None:
    # The overlap guard cannot read a clock: a hold that ran out must say so before its time is taken.
    await scope.changed(
        update(Appointment)
        .where(Appointment.status == "held", Appointment.hold_expires_at <= now)
        .values(status="expired", changed_at=now)
    )


def _has_run_out(row: Appointment, now: datetime) -> bool:
    return row.hold_expires_at is not None and row.hold_expires_at <= now


def _visit_of(row: Appointment) -> Visit:
    minute = timedelta(minutes=1)
    return Visit(
        duration_min=(row.ends_at - row.starts_at) // minute,
        buffer_before_min=(row.starts_at - row.block_from) // minute,
        buffer_after_min=(row.block_to - row.ends_at) // minute,
    )


def _settle(row: Appointment, slot: Slot, visit: Visit, timezone: str, now: datetime) -> None:
    if row.resource_id not in slot.resource_ids:
        row.resource_id = slot.resource_ids[0]
    row.starts_at, row.ends_at = slot.starts_at, slot.ends_at
    row.block_from, row.block_to = slot.footprint(visit)
    row.local_date = slot.local_date
    row.timezone = timezone
    row.sequence += 1
    row.changed_at = now
    if row.status == "confirmed":
        row.status = "booked"


async def _close(scope: Scope, appointment_id: int, status: str, *, by: str, now: datetime) -> bool:
    row = await _locked(scope, appointment_id)
    if row is None or row.status not in ("booked", "confirmed") or row.starts_at > now:
        return False
    await _set_status(scope, row, status, by=by, now=now)
    return True


async def _set_status(
    scope: Scope, row: Appointment, status: str, *, by: str, now: datetime, call_sid: str | None = None
) -> None:
    _note(scope, row, {"status": (row.status, status)}, by=by, now=now, call_sid=call_sid)
    row.status = status
    row.changed_at = now
    await scope.flush()


async def _move_lead_forward(scope: Scope, lead_id: int | None, by: str, now: datetime) -> None:
    if lead_id is None:
        return
    lead = await scope.get(Lead, lead_id)
    assert lead is not None, "an appointment's lead exists"
    lead.last_activity_at = max(now, lead.last_activity_at)
    await stages.advance(scope, lead, "booked", actor=by, now=now)


async def _announce(scope: Scope, row: Appointment, kind: Kind, now: datetime) -> None:
    payload: dict[str, object] = {
        "appointment_id": row.id,
        "uid": row.uid,
        "sequence": row.sequence,
        "lead_id": row.lead_id,
        "starts_at": row.starts_at.isoformat(),
        "call_sid": row.call_sid,
    }
    key = f"appointment.{row.id}.{row.sequence}.{row.status}"
    due_at = await readiness.withheld_until(scope, row.lead_id, now=now)
    await outbox.put(scope, kind=f"appointment.{kind}", key=key, payload=payload, now=now, due_at=due_at)
    if kind in ("rescheduled", "cancelled"):
        # Reminders are planned in the background (`jobs.remind`); one planned for another hour must not be sent.
        await outbox.withdraw(scope, f"reminder.{row.id}.", now=now)


def _note(
    scope: Scope,
    row: Appointment,
    changes: dict[str, tuple[object, object]],
    *,
    by: str,
    now: datetime,
    call_sid: str | None = None,
) -> None:
    audit.record(scope, actor=by, entity="appointment", entity_id=row.id, changes=changes, at=now, call_sid=call_sid)


async def _receipt(scope: Scope, row: Appointment, kind: Kind) -> Receipt:
    service = None if row.service_id is None else await scope.get(Service, row.service_id)
    resource = await scope.get(Resource, row.resource_id)
    return Receipt(
        kind=kind,
        appointment_id=row.id,
        uid=row.uid,
        status=row.status,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        wall=localtime.to_wall(row.starts_at, row.timezone),
        timezone=row.timezone,
        sequence=row.sequence,
        service=service.name if service else None,
        resource=resource.name if resource else None,
        hold_expires_at=row.hold_expires_at,
    )


def _kind_of(row: Appointment) -> Kind:
    kinds: dict[str, Kind] = {"held": "held", "cancelled": "cancelled", "confirmed": "confirmed"}
    return kinds.get(row.status, "booked")


def _only_overlap(error: DBAPIError) -> None:
    """Let everything through but the overlap guard's own refusal."""
    if "appointment_no_overlap" not in str(error.orig):
        raise error
