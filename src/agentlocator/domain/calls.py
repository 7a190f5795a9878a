"""Phone calls as rows: opened once, streamed once per token, finished once; their status only moves forward.

A carrier repeats and reorders what it tells; every verb here may be called again with the same facts. Nothing here
touches a carrier or a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, func, literal, select, update

from agentlocator.db.schema import BLOCKING, Appointment, Call, StreamToken, Turn
from agentlocator.db.scope import Scope
from agentlocator.domain import appointments, audit

Speaker = Literal["caller", "assistant", "keypad", "tool"]

# The carrier's own words, in the order in which they may follow each other.
CARRIER_STATUSES = {"queued": 0, "initiated": 1, "ringing": 2, "in-progress": 3}
CARRIER_ENDS = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
# Written out in the statement: SQLite uses an index of some rows only where it reads the same condition.
RUNS = Call.status != literal("finished", literal_execute=True)
# What a test call's facts say from its first moment: whether what it books stays.
KEEPS_BOOKINGS = "keeps_bookings"
# Endings in which the assistant was lost to a caller.
BROKEN = ("model_lost", "failed", "line_dead", "line_unusable", "never_connected")


async def open_call(
    scope: Scope,
    *,
    call_sid: str,
    from_raw: str,
    to_e164: str,
    now: datetime,
    lead_id: int | None = None,
    is_test: bool = False,
    facts: dict[str, Any] | None = None,
) -> Call:
    """The call with this CallSid: a new one, or the one that is there already."""
    await scope.insert_new(
        Call,
        call_sid=call_sid,
        from_raw=from_raw[:64],
        to_e164=to_e164,
        lead_id=lead_id,
        status="ringing",
        is_test=is_test,
        started_at=now,
        usage={},
        facts=facts or {},
    )
    call = await find(scope, call_sid)
    assert call is not None, "the call was written just now"
    return call


async def find(scope: Scope, call_sid: str) -> Call | None:
    found: Call | None = await scope.first(select(Call).where(Call.call_sid == call_sid))
    return found


async def consume_stream_token(
    scope: Scope, *, call_sid: str, token_digest: str, now: datetime, stream_sid: str | None = None
) -> bool:
    """Use up a media stream's token. True for exactly one of any number of attempts, while its call lives."""
    call: Call | None = await scope.first(select(Call).where(Call.call_sid == call_sid).with_for_update())
    if call is None or call.status == "finished":
        return False
    if not await scope.insert_new(StreamToken, call_id=call.id, digest=token_digest, used_at=now):
        return False
    call.status = "streaming"
    call.stream_sid = stream_sid or call.stream_sid
    return True


async def record_turn(
    scope: Scope,
    *,
    call_sid: str,
    key: str,
    speaker: Speaker,
    text: str,
    at: datetime,
    heard_text: str | None = None,
    interrupted: bool = False,
    latency_ms: int | None = None,
) -> bool:
    """Write one turn; a key that was written before is left as it is, and answers False."""
    call_id: int | None = await scope.first(select(Call.id).where(Call.call_sid == call_sid))
    if call_id is None:
        return False
    return await scope.insert_new(
        Turn,
        call_id=call_id,
        key=key,
        speaker=speaker,
        text=text.replace("\x00", ""),
        heard_text=None if heard_text is None else heard_text.replace("\x00", ""),
        interrupted=interrupted,
        latency_ms=latency_ms,
        at=at,
    )


async def turns(scope: Scope, call_sid: str) -> Sequence[Turn]:
    """A call's turns, in order of time."""
    found: Sequence[Turn] = await scope.all(
        select(Turn).join(Call, Call.id == Turn.call_id).where(Call.call_sid == call_sid).order_by(Turn.at, Turn.id)
    )
    return found


async def carrier_reported(scope: Scope, *, call_sid: str, status: str, now: datetime) -> bool:
    """Take note of the carrier's word for a call; older news after newer changes nothing and answers False."""
    call: Call | None = await scope.first(select(Call).where(Call.call_sid == call_sid).with_for_update())
    if call is None or not _is_news(call.carrier_status, status):
        return False
    call.carrier_status = status
    if status in CARRIER_ENDS and call.status != "finished":
        call.status = "finished"
        call.ended_at = now
        call.outcome = call.outcome or status
    return True


async def finish_call(
    scope: Scope,
    *,
    call_sid: str,
    outcome: str,
    now: datetime,
    tx: int | None = None,
    rx: int | None = None,
    usage: dict[str, Any] | None = None,
    cost_micro_usd: int | None = None,
    summary: str | None = None,
    facts: dict[str, Any] | None = None,
) -> bool:
    """End a call. The first to say how wins (True); whoever comes later only adds what is not known yet.

    The carrier's word (`carrier_reported`) is not a say in how it ended: it may come first, and knows less.
    """
    first = (
        await scope.changed(
            update(Call)
            .where(Call.call_sid == call_sid, Call.status != "finished")
            .values(status="finished", outcome=outcome, ended_at=now)
        )
        == 1
    )
    call: Call | None = await scope.first(
        select(Call).where(Call.call_sid == call_sid).with_for_update().execution_options(populate_existing=True)
    )
    if call is None:
        return False
    if call.outcome in CARRIER_ENDS:
        call.outcome = outcome
    call.tx = tx if call.tx is None else call.tx
    call.rx = rx if call.rx is None else call.rx
    call.cost_micro_usd = cost_micro_usd if call.cost_micro_usd is None else call.cost_micro_usd
    call.summary = summary if call.summary is None else call.summary
    call.usage = {**(usage or {}), **call.usage}
    call.facts = {**(facts or {}), **call.facts}
    return first


async def reopen(scope: Scope, call_sid: str) -> bool:
    """The call goes on after it had been handed to a person who did not answer. False for a call that is not there."""
    return (
        await scope.changed(
            update(Call).where(Call.call_sid == call_sid).values(status="ringing", outcome=None, ended_at=None)
        )
        == 1
    )


async def take_back(scope: Scope, call_sid: str, *, by: str, now: datetime) -> int:
    """Cancel what was booked in a test call; how many appointments that were still to come."""
    rows = await scope.all(
        select(Appointment.id)
        .join(Call, Call.call_sid == Appointment.call_sid)
        .where(Appointment.call_sid == call_sid, Call.is_test, Appointment.status.in_(BLOCKING))
    )
    for appointment_id in rows:
        await appointments.cancel(scope, appointment_id, now=now, by=by, reason="test call", call_sid=call_sid)
    return len(rows)


async def end_lost_tests(scope: Scope, *, now: datetime) -> int:
    """End the tests whose server died in the middle, as it would have done; how many there were."""
    lost: Sequence[Call] = await scope.all(select(Call).where(RUNS, Call.is_test))
    for call in lost:
        if not call.facts.get(KEEPS_BOOKINGS):
            await take_back(scope, call.call_sid, by="system", now=now)
        await finish_call(scope, call_sid=call.call_sid, outcome="failed", now=now)
    return len(lost)


async def note_person(scope: Scope, call_sid: str, did: str, detail: str = "", *, actor: str, now: datetime) -> None:
    """Keep in the audit that somebody of the business stepped in: `listened`, `ended`, `put_through` to a
    label, or `tested`."""
    call = await find(scope, call_sid)
    if call is not None:
        audit.record(
            scope,
            actor=actor,
            entity="call",
            entity_id=call.id,
            changes={did: (None, detail or call_sid)},
            at=now,
            call_sid=call_sid,
        )


async def listed(scope: Scope, *, limit: int = 50, before_id: int | None = None) -> Sequence[Call]:
    """The latest calls, newest first; `before_id` pages on."""
    statement = select(Call).order_by(Call.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(Call.id < before_id)
    found: Sequence[Call] = await scope.all(statement)
    return found


class Tally(msgspec.Struct, frozen=True):
    """What a stretch of time holds of calls. Tests are in none of it.

    In a silent call the caller heard nothing; a broken one the assistant could not finish.
    """

    calls: int
    live: int
    silent: int
    broken: int


async def tally(scope: Scope, since: datetime) -> Tally:
    """What has come since a moment."""
    found = await scope.rows(
        select(
            func.count(Call.id),
            _counted(RUNS),
            _counted(Call.tx == 0),
            _counted(Call.outcome.in_(BROKEN)),
        ).where(Call.started_at >= since, Call.is_test.is_(False))
    )
    return Tally(*found[0])


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(Call.id).filter(condition)


def _is_news(known: str | None, status: str) -> bool:
    if known in CARRIER_ENDS:
        return False
    if status in CARRIER_ENDS:
        return True
    if status not in CARRIER_STATUSES:
        return False
    return known is None or CARRIER_STATUSES[status] > CARRIER_STATUSES[known]
