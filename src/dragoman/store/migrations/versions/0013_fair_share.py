"""What is due is also found by whose it is, so that no organisation's crowd hides another's customer."""

from dragoman.store.migrations import run_sql_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_beside(__file__)
