"""A person can be erased, and stays erased when a backup is restored."""

from dragoman.store.migrations import run_sql_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_beside(__file__)
