"""A person, chair or room may keep a week of its own inside the business's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("resource", sa.Column("hours", JSON, server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("resource", "hours")
