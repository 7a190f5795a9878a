"""The deployment's sealed secrets, and what it changed of its numbers at the carrier."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
OPERATOR = "coalesce(current_setting('app.operator', true), '') = 'on'"
TABLES = ("sealed_secret", "number_wiring")


def upgrade() -> None:
    _create(
        "sealed_secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sa.UniqueConstraint("name", name=op.f("uq_sealed_secret_name")),
    )
    _create(
        "number_wiring",
        sa.Column("number_sid", sa.Text(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("wired_by", sa.Text(), nullable=False),
        sa.Column("wired_at", INSTANT, nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
    )
    op.create_index(op.f("ix_number_wiring_number_sid"), "number_wiring", ["number_sid"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        for table in TABLES:
            _secure(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT set_config('app.operator', 'on', true)")
    # The earlier version reads only open secrets, and no migration has the key: those operators enrol anew.
    op.execute("UPDATE account SET totp_secret = NULL WHERE totp_secret LIKE 'v1.%'")


def _create(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )


def _secure(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} USING ({OPERATOR}) WITH CHECK ({OPERATOR})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
