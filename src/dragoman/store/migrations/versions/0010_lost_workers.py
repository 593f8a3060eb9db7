"""How often in a row a conversation's worker was gone when its lease had run out."""

from dragoman.store.migrations import run_sql_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql_beside(__file__)
