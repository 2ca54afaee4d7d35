"""Run by Alembic 由 Alembic 调用: the steps go through the connection that `control.upgrade` holds."""

from __future__ import annotations

from alembic import context

from tongpin.store.control import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
