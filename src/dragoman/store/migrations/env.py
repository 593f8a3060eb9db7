"""Alembic's entry point. The connection comes from `store.migrate`, already in a transaction that holds the lock."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
