"""Indexes for what was read through although it grows: an agent's generations of a turn, plans of a conversation, old keys, lists by change."""

from dragoman.store.migrations import run_sql_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql_beside(__file__)
