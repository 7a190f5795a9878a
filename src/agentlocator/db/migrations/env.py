"""Runs migrations on the connection that `Database.migrate` brings; it opens none of its own."""

from __future__ import annotations

from alembic import context

from agentlocator.db.schema import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()
