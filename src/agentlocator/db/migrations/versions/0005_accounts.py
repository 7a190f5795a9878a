"""Accounts: who may look, in which business, and how they come in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
OPERATOR = "coalesce(current_setting('app.operator', true), '') = 'on'"
KNOWN_ROLE = "role IN ('viewer', 'staff', 'owner')"
TABLES = ("account", "membership", "login_session", "entry_link", "login_throttle")


def upgrade() -> None:
    _create(
        "account",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_step", ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    _create(
        "membership",
        sa.Column("business_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        _refers("membership", "business_id", "business"),
        _refers("membership", "account_id", "account"),
        sa.UniqueConstraint("business_id", "account_id", name=op.f("uq_membership_business_id_account_id")),
        sa.CheckConstraint(KNOWN_ROLE, name=op.f("ck_membership_role")),
    )
    op.create_index(op.f("ix_membership_account_id"), "membership", ["account_id"])
    _create(
        "login_session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        _refers("login_session", "account_id", "account"),
        sa.UniqueConstraint("digest", name=op.f("uq_login_session_digest")),
    )
    op.create_index(op.f("ix_login_session_account_id"), "login_session", ["account_id"])
    _create(
        "entry_link",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("business_id", ID, nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        _refers("entry_link", "business_id", "business"),
        _refers("entry_link", "account_id", "account"),
        sa.UniqueConstraint("digest", name=op.f("uq_entry_link_digest")),
        sa.CheckConstraint(f"role IS NULL OR {KNOWN_ROLE}", name=op.f("ck_entry_link_role")),
        sa.CheckConstraint("(business_id IS NULL) = (role IS NULL)", name=op.f("ck_entry_link_invitation")),
        sa.CheckConstraint("(business_id IS NULL) <> (account_id IS NULL)", name=op.f("ck_entry_link_purpose")),
    )
    _create(
        "login_throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", INSTANT, nullable=False),
        sa.Column("blocked_until", INSTANT, nullable=False),
        sa.UniqueConstraint("key", name=op.f("uq_login_throttle_key")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        for table in TABLES:
            _secure(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create(table: str, *parts: sa.Column[object] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _secure(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} USING ({OPERATOR}) WITH CHECK ({OPERATOR})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
