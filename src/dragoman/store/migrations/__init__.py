"""The schema, one plain SQL file per revision. How to add one: see CONTRIBUTING.md."""

from pathlib import Path

from alembic import op
from procrastinate.schema import migrations_path


def run_sql_beside(revision_file: str) -> None:
    """Run the SQL file of the same name as a revision's Python file, statement by statement, in the open transaction."""
    sql = Path(revision_file).with_suffix(".sql").read_text()
    # Without parameters nothing in the text is taken for a placeholder, and one call may hold many statements.
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(sql)


def run_job_queue_sql(*, through: str, after: str = "") -> None:
    """Run procrastinate's own migrations of the versions after `after` up to `through` ("03.04.00").

    A revision names the versions that were there when it was written. When a later procrastinate brings more, a later revision
    runs those, and both old and new databases get the same tables.
    """
    for path in sorted(Path(migrations_path).glob("*.sql")):
        if after < path.name[: len(through)] <= through:
            op.get_bind().execution_options(no_parameters=True).exec_driver_sql(path.read_text())
