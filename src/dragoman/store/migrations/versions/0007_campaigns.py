"""Campaigns: one template to many people, and who is never to get one."""

from dragoman.store.migrations import run_sql_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql_beside(__file__)
