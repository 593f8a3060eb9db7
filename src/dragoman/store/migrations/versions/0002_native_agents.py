"""Native agents: what they are configured with, what they did in a turn, and what they may still do later."""

from dragoman.store.migrations import run_sql_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_beside(__file__)
