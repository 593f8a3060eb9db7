"""What the second dialect needs: agents by number, actions, customers' columns, members with passwords."""

from dragoman.store.migrations import run_sql_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql_beside(__file__)
