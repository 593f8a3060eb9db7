"""Two programs that answer each other without end: how often a customer's message followed an answer within a moment."""

from dragoman.store.migrations import run_sql_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_beside(__file__)
