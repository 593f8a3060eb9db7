"""MCP servers that agents may use, and what their tools were when somebody approved them."""

from dragoman.store.migrations import run_sql_beside

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_beside(__file__)
