"""The schema, one plain SQL file per revision. How to add one: see CONTRIBUTING.md."""

from pathlib import Path

from alembic import op


def run_sql_beside(revision_file: str) -> None:
    """Run the SQL file of the same name as a revision's Python file, statement by statement, in the open transaction."""
    sql = Path(revision_file).with_suffix(".sql").read_text()
    # Without parameters nothing in the text is taken for a placeholder, and one call may hold many statements.
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(sql)
