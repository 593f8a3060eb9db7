"""What native agents remember about customers: the values of their memory keys, and each change of one."""

from dragoman.store.migrations import run_sql_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_beside(__file__)
