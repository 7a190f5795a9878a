"""The tables, as typed rows.

A business's row carries its business, and so does every foreign key: a row can only point at rows of its own
business, whatever the code above it does. Rows never hold behaviour; the verbs are in `agentlocator.domain`.
Weekdays are counted from Sunday (0) to Saturday (6); minutes of the day run from 0 to 1440.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from agentlocator.db.types import Id, Instant, Json, Ordered

BLOCKING = ("pending", "held", "booked", "confirmed")
BLOCKING_SQL = "status IN ('pending', 'held', 'booked', 'confirmed')"
OVER_SQL = "status IN ('cancelled', 'expired', 'completed', 'no_show')"


class Row(DeclarativeBase):
    """Every table of the product."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        str: Text(),
        datetime: Instant(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


class Business(Row):
    """The tenant: who answers the phone, in which zone and voice, and under which call policy."""

    __tablename__ = "business"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    timezone: Mapped[str]
    language: Mapped[str]
    voice: Mapped[str]
    fallback_number: Mapped[str | None]
    policy: Mapped[dict[str, Any]]
    calendar_secret: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class OwnedRow:
    """A row of one business. The scope fills the business in, and refuses a row of another."""

    id: Mapped[int] = mapped_column(Id, primary_key=True, sort_order=-2)

    @declared_attr
    def business_id(cls) -> Mapped[int]:
        return mapped_column(Id, ForeignKey("business.id"), sort_order=-1)


def within_business(column: str, target: str) -> ForeignKeyConstraint:
    """A foreign key that carries the business with it."""
    return ForeignKeyConstraint(["business_id", column], [f"{target}.business_id", f"{target}.id"])


def addressable() -> UniqueConstraint:
    """What a foreign key that carries its business points at."""
    return UniqueConstraint("business_id", "id")


class BusinessNumber(OwnedRow, Row):
    """A number people dial to reach the business. One number, one business, in the whole installation."""

    __tablename__ = "business_number"
    __table_args__ = ({"sqlite_autoincrement": True},)

    e164: Mapped[str] = mapped_column(unique=True)


class TransferNumber(OwnedRow, Row):
    """Where a call may be handed to a person: the only numbers it may ever be handed to."""

    __tablename__ = "transfer_number"
    __table_args__ = (UniqueConstraint("business_id", "e164"), {"sqlite_autoincrement": True})

    e164: Mapped[str]
    label: Mapped[str]


class PromptVersion(OwnedRow, Row):
    """One text of the business's own prompt and greeting. At most one is a draft and one is published."""

    __tablename__ = "prompt_version"
    __table_args__ = (
        UniqueConstraint("business_id", "number"),
        CheckConstraint("state IN ('draft', 'published', 'retired')", name="state"),
        Index(
            "ix_prompt_version_draft",
            "business_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "ix_prompt_version_published",
            "business_id",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int]
    state: Mapped[str]
    greeting: Mapped[str]
    custom_prompt: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    restored_from: Mapped[int | None]


class Schedule(OwnedRow, Row):
    """The booking rules of a business. Its row is also the queue in which bookings wait for each other."""

    __tablename__ = "schedule"
    __table_args__ = (
        addressable(),
        UniqueConstraint("business_id"),
        CheckConstraint("slot_interval_min BETWEEN 5 AND 480", name="slot_interval"),
        CheckConstraint("length_min BETWEEN 5 AND 1440", name="length"),
        CheckConstraint("notice_min >= 0 AND horizon_days BETWEEN 0 AND 730", name="reach"),
        CheckConstraint("buffer_before_min >= 0 AND buffer_after_min >= 0", name="buffers"),
        CheckConstraint("daily_limit IS NULL OR daily_limit > 0", name="daily_limit"),
        {"sqlite_autoincrement": True},
    )

    slot_interval_min: Mapped[int]
    length_min: Mapped[int]
    notice_min: Mapped[int]
    horizon_days: Mapped[int]
    daily_limit: Mapped[int | None]
    buffer_before_min: Mapped[int]
    buffer_after_min: Mapped[int]
    active_days: Mapped[list[Any]]


class WeeklyWindow(OwnedRow, Row):
    """Opening hours of one weekday, from minute to minute."""

    __tablename__ = "weekly_window"
    __table_args__ = (
        within_business("schedule_id", "schedule"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("0 <= from_min AND from_min < to_min AND to_min <= 1440", name="minutes"),
        {"sqlite_autoincrement": True},
    )

    schedule_id: Mapped[int] = mapped_column(Id)
    weekday: Mapped[int]
    from_min: Mapped[int]
    to_min: Mapped[int]


class DateOverride(OwnedRow, Row):
    """What one date does instead of its weekday: other hours, or none. `windows`: [[from_min, to_min], …]."""

    __tablename__ = "date_override"
    __table_args__ = (
        within_business("schedule_id", "schedule"),
        UniqueConstraint("business_id", "on_date", "source"),
        CheckConstraint("source IN ('owner', 'vacation', 'il_holiday')", name="source"),
        {"sqlite_autoincrement": True},
    )

    schedule_id: Mapped[int] = mapped_column(Id)
    on_date: Mapped[date]
    windows: Mapped[list[Any]]
    source: Mapped[str]
    note: Mapped[str]


class Service(OwnedRow, Row):
    """What can be booked, and how long it takes. Buffers left empty are the schedule's."""

    __tablename__ = "service"
    __table_args__ = (
        addressable(),
        UniqueConstraint("business_id", "name"),
        CheckConstraint("duration_min BETWEEN 5 AND 1440", name="duration"),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str]
    duration_min: Mapped[int]
    buffer_before_min: Mapped[int | None]
    buffer_after_min: Mapped[int | None]
    price_ils: Mapped[int | None]
    active: Mapped[bool]


class Resource(OwnedRow, Row):
    """A person, chair or room that one appointment occupies at a time.

    `hours`: [[weekday, from_min, to_min], …], its own week inside the business's; empty where it keeps the business's.
    """

    __tablename__ = "resource"
    __table_args__ = (
        addressable(),
        within_business("schedule_id", "schedule"),
        UniqueConstraint("business_id", "name"),
        {"sqlite_autoincrement": True},
    )

    schedule_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str]
    active: Mapped[bool]
    hours: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")


class BusyBlock(OwnedRow, Row):
    """Time in which a resource is taken by something that is not an appointment."""

    __tablename__ = "busy_block"
    __table_args__ = (
        within_business("resource_id", "resource"),
        UniqueConstraint("business_id", "source", "external_uid"),
        CheckConstraint("starts_at < ends_at", name="order"),
        {"sqlite_autoincrement": True},
    )

    resource_id: Mapped[int] = mapped_column(Id)
    source: Mapped[str]
    external_uid: Mapped[str | None]
    note: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class Stage(OwnedRow, Row):
    """A step of the business's pipeline. `key` is what the code means by it; the name is the owner's."""

    __tablename__ = "stage"
    __table_args__ = (
        addressable(),
        UniqueConstraint("business_id", "name"),
        CheckConstraint("kind IN ('open', 'won', 'lost')", name="kind"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[str | None]
    name: Mapped[str]
    position: Mapped[int]
    kind: Mapped[str]


class Lead(OwnedRow, Row):
    """The person, by phone. `phone_key` is what makes two callers one person; withheld callers have none."""

    __tablename__ = "lead"
    __table_args__ = (
        addressable(),
        within_business("stage_id", "stage"),
        UniqueConstraint("business_id", "phone_key"),
        UniqueConstraint("business_id", "first_call_sid"),
        Index(None, "business_id", "last_activity_at"),
        Index(None, "business_id", "stage_id", "last_activity_at"),
        {"sqlite_autoincrement": True},
    )

    phone_key: Mapped[str | None]
    phone_e164: Mapped[str | None]
    phone_raw: Mapped[str]
    phone_kind: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]
    city: Mapped[str | None]
    need: Mapped[str | None]
    notes: Mapped[str | None]
    source: Mapped[str]
    stage_id: Mapped[int] = mapped_column(Id)
    stage_changed_at: Mapped[datetime]
    lost_reason: Mapped[str | None]
    # Only for a withheld caller: the call is then all that makes the lead one lead.
    first_call_sid: Mapped[str | None]
    last_call_sid: Mapped[str | None]
    last_call_at: Mapped[datetime | None]
    last_activity_at: Mapped[datetime]
    created_at: Mapped[datetime]


class LeadTerm(OwnedRow, Row):
    """A word, or an end of a phone number, by whose beginning a lead is found. Only `domain.lead_terms` writes it."""

    __tablename__ = "lead_term"
    __table_args__ = (
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "lead_id", "term"),
        Index(None, "business_id", "term", "lead_id"),
        {"sqlite_autoincrement": True},
    )

    lead_id: Mapped[int] = mapped_column(Id)
    term: Mapped[str] = mapped_column(Ordered)


class LeadFact(OwnedRow, Row):
    """One value somebody gave a field of a lead: who, when, in which call, and whether it was taken."""

    __tablename__ = "lead_fact"
    __table_args__ = (
        within_business("lead_id", "lead"),
        CheckConstraint("source IN ('assistant', 'carrier', 'import', 'person')", name="source"),
        Index(None, "business_id", "lead_id", "field"),
        {"sqlite_autoincrement": True},
    )

    lead_id: Mapped[int] = mapped_column(Id)
    field: Mapped[str]
    value: Mapped[str | None]
    source: Mapped[str]
    actor: Mapped[str]
    call_sid: Mapped[str | None]
    taken: Mapped[bool]
    at: Mapped[datetime]


class Call(OwnedRow, Row):
    """One phone call. Its status only moves forward."""

    __tablename__ = "call"
    __table_args__ = (
        addressable(),
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "call_sid"),
        CheckConstraint("status IN ('ringing', 'streaming', 'finished')", name="status"),
        # With the cost, so that what a month came to is read without its calls.
        Index(None, "business_id", "started_at", "cost_micro_usd"),
        Index(None, "business_id", "lead_id", "id"),
        Index(None, "business_id", "outcome", "id"),
        Index(
            "ix_call_running",
            "business_id",
            "id",
            sqlite_where=text("status <> 'finished'"),
            postgresql_where=text("status <> 'finished'"),
        ),
        {"sqlite_autoincrement": True},
    )

    call_sid: Mapped[str]
    lead_id: Mapped[int | None] = mapped_column(Id)
    from_raw: Mapped[str]
    to_e164: Mapped[str]
    status: Mapped[str]
    carrier_status: Mapped[str | None]
    outcome: Mapped[str | None]
    stream_sid: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    tx: Mapped[int | None]
    rx: Mapped[int | None]
    usage: Mapped[dict[str, Any]]
    cost_micro_usd: Mapped[int | None]
    summary: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    is_test: Mapped[bool] = mapped_column(server_default=false())


class StreamToken(OwnedRow, Row):
    """A media stream's token that was used. That its row can be written once is what makes it single-use."""

    __tablename__ = "stream_token"
    __table_args__ = (
        within_business("call_id", "call"),
        UniqueConstraint("business_id", "digest"),
        {"sqlite_autoincrement": True},
    )

    call_id: Mapped[int] = mapped_column(Id)
    digest: Mapped[str]
    used_at: Mapped[datetime]


class Turn(OwnedRow, Row):
    """What one side said in a call, and for the assistant how much of it was heard."""

    __tablename__ = "turn"
    __table_args__ = (
        within_business("call_id", "call"),
        UniqueConstraint("business_id", "call_id", "key"),
        CheckConstraint("speaker IN ('caller', 'assistant', 'keypad', 'tool')", name="speaker"),
        {"sqlite_autoincrement": True},
    )

    call_id: Mapped[int] = mapped_column(Id)
    key: Mapped[str]
    speaker: Mapped[str]
    text: Mapped[str]
    heard_text: Mapped[str | None]
    interrupted: Mapped[bool]
    latency_ms: Mapped[int | None]
    at: Mapped[datetime]


class Conversation(OwnedRow, Row):
    """The one thread with a lead, across calls and WhatsApp."""

    __tablename__ = "conversation"
    __table_args__ = (
        addressable(),
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "lead_id"),
        Index(None, "business_id", "last_message_at"),
        Index(
            "ix_conversation_waiting",
            "business_id",
            "last_message_at",
            sqlite_where=text("needs_person <> ''"),
            postgresql_where=text("needs_person <> ''"),
        ),
        {"sqlite_autoincrement": True},
    )

    lead_id: Mapped[int] = mapped_column(Id)
    opened_at: Mapped[datetime]
    last_message_at: Mapped[datetime | None]
    answered_by: Mapped[str]
    # Until then one server is working on the answer, and no other begins one.
    answering_until: Mapped[datetime | None]
    opted_out_at: Mapped[datetime | None]
    # Why a person is wanted here; a code, empty when nobody is.
    needs_person: Mapped[str] = mapped_column(server_default="")
    # The newest message a person has seen.
    seen_message_id: Mapped[int] = mapped_column(Id, server_default="0")


class Message(OwnedRow, Row):
    """One message of a conversation. A repeat of the channel's own id is not a second message."""

    __tablename__ = "message"
    __table_args__ = (
        within_business("conversation_id", "conversation"),
        UniqueConstraint("business_id", "channel", "external_uid"),
        CheckConstraint("author IN ('lead', 'assistant', 'person')", name="author"),
        Index(None, "business_id", "conversation_id", "id"),
        # A unique index where other rows have `addressable`: SQLite adds no constraint to a table that is there.
        Index(None, "business_id", "id", unique=True),
        {"sqlite_autoincrement": True},
    )

    conversation_id: Mapped[int] = mapped_column(Id)
    channel: Mapped[str]
    author: Mapped[str]
    body: Mapped[str]
    external_uid: Mapped[str | None]
    delivery: Mapped[str]
    at: Mapped[datetime]


class Appointment(OwnedRow, Row):
    """A visit. `block_from` to `block_to`, fixed when booked, adds its buffers; nothing may overlap that."""

    __tablename__ = "appointment"
    __table_args__ = (
        addressable(),
        within_business("resource_id", "resource"),
        within_business("service_id", "service"),
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "idempotency_key"),
        UniqueConstraint("uid"),
        CheckConstraint(f"{BLOCKING_SQL} OR {OVER_SQL}", name="status"),
        CheckConstraint("starts_at < ends_at AND block_from <= starts_at AND block_to >= ends_at", name="order"),
        CheckConstraint("status <> 'held' OR hold_expires_at IS NOT NULL", name="hold"),
        Index(None, "business_id", "starts_at"),
        Index(None, "business_id", "lead_id"),
        Index(None, "business_id", "created_at"),
        Index(
            "ix_appointment_day",
            "business_id",
            "local_date",
            sqlite_where=text(BLOCKING_SQL),
            postgresql_where=text(BLOCKING_SQL),
        ),
        Index(
            "ix_appointment_footprint",
            "business_id",
            "resource_id",
            "block_to",
            sqlite_where=text(BLOCKING_SQL),
            postgresql_where=text(BLOCKING_SQL),
        ),
        {"sqlite_autoincrement": True},
    )

    uid: Mapped[str]
    resource_id: Mapped[int] = mapped_column(Id)
    service_id: Mapped[int | None] = mapped_column(Id)
    lead_id: Mapped[int | None] = mapped_column(Id)
    call_sid: Mapped[str | None]
    status: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    block_from: Mapped[datetime]
    block_to: Mapped[datetime]
    local_date: Mapped[date]
    timezone: Mapped[str]
    sequence: Mapped[int]
    hold_expires_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None]
    notes: Mapped[str]
    booked_by: Mapped[str]
    cancelled_by: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CallerCheck(OwnedRow, Row):
    """The one question a call may ask to prove whose appointment the caller speaks of, and its result."""

    __tablename__ = "caller_check"
    __table_args__ = (
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "asked_in"),
        {"sqlite_autoincrement": True},
    )

    asked_in: Mapped[str]
    lead_id: Mapped[int | None] = mapped_column(Id)
    claimed_key: Mapped[str]
    passed: Mapped[bool]
    at: Mapped[datetime]


class ToolCall(OwnedRow, Row):
    """A tool the assistant called, with the reply it got: the same key gets the same reply."""

    __tablename__ = "tool_call"
    __table_args__ = (
        UniqueConstraint("business_id", "key"),
        Index(None, "business_id", "call_sid"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[str]
    name: Mapped[str]
    lead_id: Mapped[int] = mapped_column(Id)
    call_sid: Mapped[str | None]
    arguments: Mapped[str]
    reply: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class Outbox(OwnedRow, Row):
    """Something to tell the outside, committed with what it tells of."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("business_id", "key"),
        Index(
            "ix_outbox_due",
            "business_id",
            "due_at",
            sqlite_where=text("done_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int]
    last_error: Mapped[str | None]
    done_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Audit(OwnedRow, Row):
    """Who changed which field of what, when, and in which call."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "business_id", "entity", "entity_id"), {"sqlite_autoincrement": True})

    actor: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[int] = mapped_column(Id)
    field: Mapped[str]
    old: Mapped[str | None]
    new: Mapped[str | None]
    call_sid: Mapped[str | None]
    at: Mapped[datetime]


class WhatsAppLine(OwnedRow, Row):
    """Where a business is written to: a Cloud API phone id, a Twilio sender, a bridge session; each is one line."""

    __tablename__ = "whatsapp_line"
    __table_args__ = (
        addressable(),
        UniqueConstraint("channel", "address"),
        CheckConstraint("channel IN ('cloud', 'twilio', 'bridge')", name="channel"),
        {"sqlite_autoincrement": True},
    )

    channel: Mapped[str]
    address: Mapped[str]
    added_at: Mapped[datetime]


class WhatsAppContact(OwnedRow, Row):
    """How one line knows a person. A person may be known by several ids, and by no phone at all."""

    __tablename__ = "whatsapp_contact"
    __table_args__ = (
        addressable(),
        within_business("line_id", "whatsapp_line"),
        within_business("lead_id", "lead"),
        UniqueConstraint("business_id", "line_id", "external_id"),
        {"sqlite_autoincrement": True},
    )

    line_id: Mapped[int] = mapped_column(Id)
    lead_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str]
    seen_at: Mapped[datetime]


class WhatsAppMessage(OwnedRow, Row):
    """What WhatsApp adds to a message: whom it came from or goes to, what kind it is, why it was not delivered."""

    __tablename__ = "whatsapp_message"
    __table_args__ = (
        within_business("message_id", "message"),
        within_business("contact_id", "whatsapp_contact"),
        UniqueConstraint("business_id", "message_id"),
        {"sqlite_autoincrement": True},
    )

    message_id: Mapped[int] = mapped_column(Id)
    contact_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str]
    error: Mapped[str | None]


class Answer(OwnedRow, Row):
    """One answer to a run of messages: what the model saw and did, as JSON text. By its key nobody is answered twice.

    `from_message_id` is the first message it answers, `up_to_message_id` the last.
    """

    __tablename__ = "answer"
    __table_args__ = (
        within_business("conversation_id", "conversation"),
        UniqueConstraint("business_id", "conversation_id", "from_message_id"),
        {"sqlite_autoincrement": True},
    )

    conversation_id: Mapped[int] = mapped_column(Id)
    from_message_id: Mapped[int] = mapped_column(Id)
    up_to_message_id: Mapped[int] = mapped_column(Id)
    outcome: Mapped[str]
    items: Mapped[str]
    model: Mapped[str]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    at: Mapped[datetime]


class Certificate(OwnedRow, Row):
    """One certification of a business's phone: what was tried, what came of it, and the page that shows it.

    `key` makes it one: a night's certification is one whichever server begins it. `document` is JSON text.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("business_id", "key"),
        CheckConstraint("state IN ('running', 'passed', 'failed')", name="state"),
        Index(None, "business_id", "started_at"),
        {"sqlite_autoincrement": True},
    )

    key: Mapped[str]
    state: Mapped[str]
    caller_e164: Mapped[str]
    version: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    verdicts: Mapped[dict[str, Any]]
    document: Mapped[str]
    page: Mapped[str]
