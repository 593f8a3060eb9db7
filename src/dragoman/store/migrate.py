"""Brings the database to the schema of this program: `upgrade(uri)`, called at every start.

A migration is a plain SQL file in `migrations/versions`, named `<revision>_<what>.sql`, with a small Alembic revision beside it.
At head, which is every start but one, this costs one SELECT and does not import Alembic.
"""

import asyncio
import logging
from pathlib import Path

import psycopg

VERSIONS = Path(__file__).parent / "migrations" / "versions"

# One number for all migrations of Dragoman; any constant will do, as long as it never changes.
LOCK = 4_202_611_210


class NewerDatabase(Exception):
    """The database was migrated by a later Dragoman; the message says which, and what to do."""


async def upgrade(uri: str) -> None:
    """Migrate the database at `uri` to the newest revision.

    All or nothing: the migrations of one start run in one transaction, so a killed one leaves the old schema. When several
    processes start together, one migrates and the others wait for it. Raises NewerDatabase.
    """
    at = await current(uri)
    known = revisions()
    if at == known[-1]:
        return
    if at is not None and at not in known:
        raise NewerDatabase(
            f"The database is at schema {at}, this Dragoman knows schemas up to {known[-1]}: "
            f"start the newer Dragoman, or restore the backup made before the upgrade."
        )
    await asyncio.to_thread(_run, uri)


def revisions() -> list[str]:
    """Every revision this program knows, oldest first, read from the file names."""
    return sorted(path.name.partition("_")[0] for path in VERSIONS.glob("*.sql"))


async def current(uri: str) -> str | None:
    """The revision of the database at `uri`; None when it has none of our tables."""
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        try:
            row = await (await connection.execute("select version_num from alembic_version")).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def _run(uri: str) -> None:
    from alembic import command  # half a second to import, needed once per release
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(uri), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
