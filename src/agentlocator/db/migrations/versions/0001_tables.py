"""The tables, from nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

TABLES = (
    "business",
    "audit",
    "business_number",
    "outbox",
    "prompt_version",
    "schedule",
    "service",
    "stage",
    "tool_call",
    "transfer_number",
    "date_override",
    "lead",
    "resource",
    "weekly_window",
    "appointment",
    "busy_block",
    "call",
    "caller_check",
    "conversation",
    "lead_fact",
    "message",
    "stream_token",
    "turn",
)


def upgrade() -> None:
    op.create_table(
        "business",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("voice", sa.Text(), nullable=False),
        sa.Column("fallback_number", sa.Text(), nullable=True),
        sa.Column("policy", JSON, nullable=False),
        sa.Column("calendar_secret", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business")),
        sa.UniqueConstraint("calendar_secret", name=op.f("uq_business_calendar_secret")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("call_sid", sa.Text(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_audit_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_audit_business_id_entity_entity_id"), "audit", ["business_id", "entity", "entity_id"], unique=False
    )
    op.create_table(
        "business_number",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_business_number_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_number")),
        sa.UniqueConstraint("e164", name=op.f("uq_business_number_e164")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("failed_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_outbox_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("business_id", "key", name=op.f("uq_outbox_business_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["business_id", "due_at"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "prompt_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=False),
        sa.Column("custom_prompt", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name=op.f("ck_prompt_version_state")),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_prompt_version_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_version")),
        sa.UniqueConstraint("business_id", "number", name=op.f("uq_prompt_version_business_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_prompt_version_draft",
        "prompt_version",
        ["business_id"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "ix_prompt_version_published",
        "prompt_version",
        ["business_id"],
        unique=True,
        sqlite_where=sa.text("state = 'published'"),
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("slot_interval_min", sa.Integer(), nullable=False),
        sa.Column("length_min", sa.Integer(), nullable=False),
        sa.Column("notice_min", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("buffer_before_min", sa.Integer(), nullable=False),
        sa.Column("buffer_after_min", sa.Integer(), nullable=False),
        sa.Column("active_days", JSON, nullable=False),
        sa.CheckConstraint("buffer_before_min >= 0 AND buffer_after_min >= 0", name=op.f("ck_schedule_buffers")),
        sa.CheckConstraint("daily_limit IS NULL OR daily_limit > 0", name=op.f("ck_schedule_daily_limit")),
        sa.CheckConstraint("length_min BETWEEN 5 AND 1440", name=op.f("ck_schedule_length")),
        sa.CheckConstraint("notice_min >= 0 AND horizon_days BETWEEN 0 AND 730", name=op.f("ck_schedule_reach")),
        sa.CheckConstraint("slot_interval_min BETWEEN 5 AND 480", name=op.f("ck_schedule_slot_interval")),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_schedule_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_schedule_business_id_id")),
        sa.UniqueConstraint("business_id", name=op.f("uq_schedule_business_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "service",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("duration_min", sa.Integer(), nullable=False),
        sa.Column("buffer_before_min", sa.Integer(), nullable=True),
        sa.Column("buffer_after_min", sa.Integer(), nullable=True),
        sa.Column("price_ils", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("duration_min BETWEEN 5 AND 1440", name=op.f("ck_service_duration")),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_service_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_service_business_id_id")),
        sa.UniqueConstraint("business_id", "name", name=op.f("uq_service_business_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "stage",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('open', 'won', 'lost')", name=op.f("ck_stage_kind")),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_stage_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_stage_business_id_id")),
        sa.UniqueConstraint("business_id", "name", name=op.f("uq_stage_business_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tool_call",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=True),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("reply", JSON, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_tool_call_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool_call")),
        sa.UniqueConstraint("business_id", "key", name=op.f("uq_tool_call_business_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "transfer_number",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_transfer_number_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_number")),
        sa.UniqueConstraint("business_id", "e164", name=op.f("uq_transfer_number_business_id_e164")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "date_override",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("windows", JSON, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('owner', 'vacation', 'il_holiday')", name=op.f("ck_date_override_source")),
        sa.ForeignKeyConstraint(
            ["business_id", "schedule_id"],
            ["schedule.business_id", "schedule.id"],
            name=op.f("fk_date_override_business_id_schedule_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_date_override_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_override")),
        sa.UniqueConstraint(
            "business_id", "on_date", "source", name=op.f("uq_date_override_business_id_on_date_source")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lead",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("phone_key", sa.Text(), nullable=True),
        sa.Column("phone_e164", sa.Text(), nullable=True),
        sa.Column("phone_raw", sa.Text(), nullable=False),
        sa.Column("phone_kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("need", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stage_id", ID, nullable=False),
        sa.Column("stage_changed_at", INSTANT, nullable=False),
        sa.Column("lost_reason", sa.Text(), nullable=True),
        sa.Column("first_call_sid", sa.Text(), nullable=True),
        sa.Column("last_call_sid", sa.Text(), nullable=True),
        sa.Column("last_call_at", INSTANT, nullable=True),
        sa.Column("last_activity_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "stage_id"], ["stage.business_id", "stage.id"], name=op.f("fk_lead_business_id_stage_id")
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_lead_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
        sa.UniqueConstraint("business_id", "first_call_sid", name=op.f("uq_lead_business_id_first_call_sid")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_lead_business_id_id")),
        sa.UniqueConstraint("business_id", "phone_key", name=op.f("uq_lead_business_id_phone_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_lead_business_id_last_activity_at"), "lead", ["business_id", "last_activity_at"], unique=False
    )
    op.create_table(
        "resource",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "schedule_id"],
            ["schedule.business_id", "schedule.id"],
            name=op.f("fk_resource_business_id_schedule_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_resource_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_resource_business_id_id")),
        sa.UniqueConstraint("business_id", "name", name=op.f("uq_resource_business_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "weekly_window",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("from_min", sa.Integer(), nullable=False),
        sa.Column("to_min", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= from_min AND from_min < to_min AND to_min <= 1440", name=op.f("ck_weekly_window_minutes")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_window_weekday")),
        sa.ForeignKeyConstraint(
            ["business_id", "schedule_id"],
            ["schedule.business_id", "schedule.id"],
            name=op.f("fk_weekly_window_business_id_schedule_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_weekly_window_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_window")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "appointment",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("resource_id", ID, nullable=False),
        sa.Column("service_id", ID, nullable=True),
        sa.Column("lead_id", ID, nullable=True),
        sa.Column("call_sid", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("block_from", INSTANT, nullable=False),
        sa.Column("block_to", INSTANT, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hold_expires_at", INSTANT, nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("booked_by", sa.Text(), nullable=False),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint("status <> 'held' OR hold_expires_at IS NOT NULL", name=op.f("ck_appointment_hold")),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'booked', 'confirmed')"
            " OR status IN ('cancelled', 'expired', 'completed', 'no_show')",
            name=op.f("ck_appointment_status"),
        ),
        sa.CheckConstraint(
            "starts_at < ends_at AND block_from <= starts_at AND block_to >= ends_at", name=op.f("ck_appointment_order")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"], ["lead.business_id", "lead.id"], name=op.f("fk_appointment_business_id_lead_id")
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "resource_id"],
            ["resource.business_id", "resource.id"],
            name=op.f("fk_appointment_business_id_resource_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "service_id"],
            ["service.business_id", "service.id"],
            name=op.f("fk_appointment_business_id_service_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_appointment_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_appointment_business_id_id")),
        sa.UniqueConstraint("business_id", "idempotency_key", name=op.f("uq_appointment_business_id_idempotency_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_appointment_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_appointment_business_id_starts_at"), "appointment", ["business_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_appointment_day",
        "appointment",
        ["business_id", "local_date"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'held', 'booked', 'confirmed')"),
        postgresql_where=sa.text("status IN ('pending', 'held', 'booked', 'confirmed')"),
    )
    op.create_index(
        "ix_appointment_footprint",
        "appointment",
        ["business_id", "resource_id", "block_to"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'held', 'booked', 'confirmed')"),
        postgresql_where=sa.text("status IN ('pending', 'held', 'booked', 'confirmed')"),
    )
    op.create_table(
        "busy_block",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("resource_id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_uid", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_busy_block_order")),
        sa.ForeignKeyConstraint(
            ["business_id", "resource_id"],
            ["resource.business_id", "resource.id"],
            name=op.f("fk_busy_block_business_id_resource_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_busy_block_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_block")),
        sa.UniqueConstraint(
            "business_id", "source", "external_uid", name=op.f("uq_busy_block_business_id_source_external_uid")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "call",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=False),
        sa.Column("lead_id", ID, nullable=True),
        sa.Column("from_raw", sa.Text(), nullable=False),
        sa.Column("to_e164", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("carrier_status", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("stream_sid", sa.Text(), nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("tx", sa.Integer(), nullable=True),
        sa.Column("rx", sa.Integer(), nullable=True),
        sa.Column("usage", JSON, nullable=False),
        sa.Column("cost_micro_usd", sa.Integer(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.CheckConstraint("status IN ('ringing', 'streaming', 'finished')", name=op.f("ck_call_status")),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"], ["lead.business_id", "lead.id"], name=op.f("fk_call_business_id_lead_id")
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_call_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("business_id", "call_sid", name=op.f("uq_call_business_id_call_sid")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_call_business_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_call_business_id_started_at"), "call", ["business_id", "started_at"], unique=False)
    op.create_table(
        "caller_check",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("asked_in", sa.Text(), nullable=False),
        sa.Column("lead_id", ID, nullable=True),
        sa.Column("claimed_key", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["lead.business_id", "lead.id"],
            name=op.f("fk_caller_check_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_caller_check_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_check")),
        sa.UniqueConstraint("business_id", "asked_in", name=op.f("uq_caller_check_business_id_asked_in")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "conversation",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("last_message_at", INSTANT, nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"],
            ["lead.business_id", "lead.id"],
            name=op.f("fk_conversation_business_id_lead_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_conversation_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_conversation_business_id_id")),
        sa.UniqueConstraint("business_id", "lead_id", name=op.f("uq_conversation_business_id_lead_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lead_fact",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("call_sid", sa.Text(), nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("source IN ('assistant', 'carrier', 'import', 'person')", name=op.f("ck_lead_fact_source")),
        sa.ForeignKeyConstraint(
            ["business_id", "lead_id"], ["lead.business_id", "lead.id"], name=op.f("fk_lead_fact_business_id_lead_id")
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_lead_fact_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_fact")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_lead_fact_business_id_lead_id_field"), "lead_fact", ["business_id", "lead_id", "field"], unique=False
    )
    op.create_table(
        "message",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("external_uid", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("author IN ('lead', 'assistant', 'person')", name=op.f("ck_message_author")),
        sa.ForeignKeyConstraint(
            ["business_id", "conversation_id"],
            ["conversation.business_id", "conversation.id"],
            name=op.f("fk_message_business_id_conversation_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_message_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint(
            "business_id", "channel", "external_uid", name=op.f("uq_message_business_id_channel_external_uid")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_message_business_id_conversation_id_id"),
        "message",
        ["business_id", "conversation_id", "id"],
        unique=False,
    )
    op.create_table(
        "stream_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"],
            ["call.business_id", "call.id"],
            name=op.f("fk_stream_token_business_id_call_id"),
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_stream_token_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stream_token")),
        sa.UniqueConstraint("business_id", "digest", name=op.f("uq_stream_token_business_id_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turn",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("call_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("heard_text", sa.Text(), nullable=True),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("speaker IN ('caller', 'assistant', 'keypad', 'tool')", name=op.f("ck_turn_speaker")),
        sa.ForeignKeyConstraint(
            ["business_id", "call_id"], ["call.business_id", "call.id"], name=op.f("fk_turn_business_id_call_id")
        ),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_turn_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("business_id", "call_id", "key", name=op.f("uq_turn_business_id_call_id_key")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
