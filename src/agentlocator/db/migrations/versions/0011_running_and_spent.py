"""What a month's calls cost, and which calls run now, from an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BEFORE = ["business_id", "started_at"]
AFTER = [*BEFORE, "cost_micro_usd"]
RUNS = sa.text("status <> 'finished'")


def upgrade() -> None:
    op.create_index(op.f("ix_call_business_id_started_at_cost_micro_usd"), "call", AFTER)
    op.create_index("ix_call_running", "call", ["business_id", "id"], sqlite_where=RUNS, postgresql_where=RUNS)
    op.drop_index(op.f("ix_call_business_id_started_at"), "call")


def downgrade() -> None:
    op.drop_index("ix_call_running", "call")
    op.create_index(op.f("ix_call_business_id_started_at"), "call", BEFORE)
    op.drop_index(op.f("ix_call_business_id_started_at_cost_micro_usd"), "call")
