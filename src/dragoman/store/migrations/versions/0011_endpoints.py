"""Webhooks of agents that are switched off, and numbers whose statuses do not come."""

from dragoman.store.migrations import run_sql_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_beside(__file__)
