"""Certificates: what a certification call proved, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OWN = "business_id = nullif(current_setting('app.business_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", ID, nullable=False),
        sa.Column("business_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("caller_e164", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("verdicts", JSON, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], name=op.f("fk_certificate_business_id_business")),
        sa.UniqueConstraint("business_id", "key", name=op.f("uq_certificate_business_id_key")),
        sa.CheckConstraint("state IN ('running', 'passed', 'failed')", name=op.f("ck_certificate_state")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_certificate_business_id_started_at"), "certificate", ["business_id", "started_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        op.execute("ALTER TABLE certificate ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE certificate FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON certificate USING ({OWN}) WITH CHECK ({OWN})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON certificate TO {ROLE}")


def downgrade() -> None:
    op.drop_table("certificate")
