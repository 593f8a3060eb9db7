"""Appointments that were booked by actions: for taking turns, and so that no time is given away twice."""

from dragoman.store.migrations import run_sql_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql_beside(__file__)
