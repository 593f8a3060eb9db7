"""What commands have in common: the data directory, the organisation, and a database that is there while they run."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from dragoman import settings
from dragoman.accounts import organisations
from dragoman.accounts.secrets import Vault, load_key
from dragoman.clock import Clock
from dragoman.settings import Settings
from dragoman.store.database import Database
from dragoman.store.opening import opened

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where Dragoman keeps its data [default: $DRAGOMAN_DATA_DIR or ./.dragoman]")
]
Org = Annotated[str | None, typer.Option("--org", help="Organisation, by name or id [default: the first one]")]

Permission = Annotated[
    list[str] | None, typer.Option("--permission", help="What it may do, such as actions:read; once for each [default: everything]")
]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Office:
    """An open database, and the organisation that the command is about."""

    settings: Settings
    clock: Clock
    db: Database
    vault: Vault
    organisation_id: UUID


def run(data_dir: Path | None, org: str | None, work: Callable[[Office], Awaitable[Result]]) -> Result:
    """Run `work` on the database, which may at the same time be in use by a server."""
    return asyncio.run(_run(settings.load(data_dir=data_dir), org, work))


async def _run(loaded: Settings, org: str | None, work: Callable[[Office], Awaitable[Result]]) -> Result:
    vault, clock = Vault(load_key(loaded)), Clock()
    async with opened(loaded, largest=2) as db:
        organisation_id = await organisations.by_name_or_id(db, org) if org else await organisations.default(db, clock)
        return await work(Office(loaded, clock, db, vault, organisation_id))


def table(rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "never"
