"""What the database itself refuses: two visits in one slot, and another business's rows.

PostgreSQL gets an exclusion constraint and forced row security for a role that owns nothing.
SQLite gets triggers with the same name as the constraint; it has no row security.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = "agentlocator_app"
BLOCKING = "('pending', 'held', 'booked', 'confirmed')"
# What the installation's own door may see besides the business in scope.
OPERATED = ("business", "business_number")
OWNED = (
    "appointment",
    "audit",
    "busy_block",
    "call",
    "caller_check",
    "conversation",
    "date_override",
    "lead",
    "lead_fact",
    "message",
    "outbox",
    "prompt_version",
    "resource",
    "schedule",
    "service",
    "stage",
    "stream_token",
    "tool_call",
    "transfer_number",
    "turn",
    "weekly_window",
)
IN_SCOPE = "nullif(current_setting('app.business_id', true), '')::bigint"
OPERATOR = "coalesce(current_setting('app.operator', true), '') = 'on'"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _forbid_overlap_by_triggers()
        return
    _forbid_overlap_by_constraint()
    _create_role()
    for table in (*OPERATED, *OWNED):
        _secure(table)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER appointment_no_overlap_insert")
        op.execute("DROP TRIGGER appointment_no_overlap_update")
        return
    for table in (*OPERATED, *OWNED):
        op.execute(f"DROP POLICY own ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE}")
    op.execute("ALTER TABLE appointment DROP CONSTRAINT appointment_no_overlap")


def _forbid_overlap_by_triggers() -> None:
    _add_trigger("insert", "INSERT", "")
    _add_trigger("update", "UPDATE OF status, block_from, block_to, resource_id", "AND other.id <> new.id")


def _add_trigger(name: str, moment: str, not_itself: str) -> None:
    op.execute(f"""
        CREATE TRIGGER appointment_no_overlap_{name} BEFORE {moment} ON appointment
        WHEN new.status IN {BLOCKING} AND EXISTS (
            SELECT 1 FROM appointment other
            WHERE other.business_id = new.business_id AND other.resource_id = new.resource_id
              AND other.status IN {BLOCKING}
              AND other.block_from < new.block_to AND other.block_to > new.block_from {not_itself})
        BEGIN SELECT raise(ABORT, 'appointment_no_overlap'); END
    """)  # noqa: S608  (every part of it is written in this file)


def _forbid_overlap_by_constraint() -> None:
    # A range of one number stands for "=", which GiST would only know with an extension.
    op.execute(f"""
        ALTER TABLE appointment ADD CONSTRAINT appointment_no_overlap EXCLUDE USING gist (
            int8range(business_id, business_id, '[]') WITH &&,
            int8range(resource_id, resource_id, '[]') WITH &&,
            tstzrange(block_from, block_to, '[)') WITH &&)
        WHERE (status IN {BLOCKING})
    """)


def _create_role() -> None:
    # Roles belong to the whole server: another database, or its administrator, may have made it already.
    op.execute(f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
    """)
    op.execute(f"GRANT {ROLE} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")


def _secure(table: str) -> None:
    key = "id" if table == "business" else "business_id"
    rule = f"{key} = {IN_SCOPE}"
    if table in OPERATED:
        rule = f"({rule} OR {OPERATOR})"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} USING ({rule}) WITH CHECK ({rule})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
