"""What agents know: documents, their passages, and the queue of jobs that reads them."""

from dragoman.store.migrations import run_job_queue_sql, run_sql_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_job_queue_sql(through="03.04.00")
    run_sql_beside(__file__)
