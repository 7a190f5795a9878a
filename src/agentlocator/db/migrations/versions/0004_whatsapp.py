"""WhatsApp: where businesses are written to, by whom, what was answered, and who answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
IN_SCOPE = "nullif(current_setting('app.business_id', true), '')::bigint"
OPERATOR = "coalesce(current_setting('app.operator', true), '') = 'on'"
TABLES = ("whatsapp_line", "whatsapp_contact", "whatsapp_message", "answer")
CONVERSATION = ("answering_until", "opted_out_at", "needs_person", "seen_message_id")


def upgrade() -> None:
    op.add_column("conversation", sa.Column("answering_until", INSTANT, nullable=True))
    op.add_column("conversation", sa.Column("opted_out_at", INSTANT, nullable=True))
    op.add_column("conversation", sa.Column("needs_person", sa.Text(), nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("seen_message_id", ID, nullable=False, server_default="0"))
    op.create_index(op.f("ix_message_business_id_id"), "message", ["business_id", "id"], unique=True)
    _create(
        "whatsapp_line",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.CheckConstraint("channel IN ('cloud', 'twilio', 'bridge')", name=op.f("ck_whatsapp_line_channel")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_whatsapp_line_business_id_id")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_whatsapp_line_channel_address")),
    )
    _create(
        "whatsapp_contact",
        sa.Column("line_id", ID, nullable=False),
        sa.Column("lead_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        _within("whatsapp_contact", "line_id", "whatsapp_line"),
        _within("whatsapp_contact", "lead_id", "lead"),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_whatsapp_contact_business_id_id")),
        sa.UniqueConstraint(
            "business_id", "line_id", "external_id", name=op.f("uq_whatsapp_contact_business_id_line_id_external_id")
        ),
    )
    _create(
        "whatsapp_message",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _within("whatsapp_message", "message_id", "message"),
        _within("whatsapp_message", "contact_id", "whatsapp_contact"),
        sa.UniqueConstraint("business_id", "message_id", name=op.f("uq_whatsapp_message_business_id_message_id")),
    )
    _create(
        "answer",
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("from_message_id", ID, nullable=False),
        sa.Column("up_to_message_id", ID, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _within("answer", "conversation_id", "conversation"),
        sa.UniqueConstraint(
            "business_id",
            "conversation_id",
            "from_message_id",
            name=op.f("uq_answer_business_id_conversation_id_from_message_id"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        for table in TABLES:
            _secure(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index(op.f("ix_message_business_id_id"), "message")
    for column in reversed(CONVERSATION):
        op.drop_column("conversation", column)


def _create(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        *parts,
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f(f"fk_{table}_business_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )


def _within(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["business_id", column],
        [f"{target}.business_id", f"{target}.id"],
        name=op.f(f"fk_{table}_business_id_{column}"),
    )


def _secure(table: str) -> None:
    rule = f"business_id = {IN_SCOPE}"
    if table == "whatsapp_line":
        rule = f"({rule} OR {OPERATOR})"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
