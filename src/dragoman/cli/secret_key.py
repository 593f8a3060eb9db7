"""`dragoman secret-key rotate`: another secret key, and everything that is stored sealed under it. See docs/decisions/0013."""

import asyncio
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg.rows import dict_row

from dragoman import settings
from dragoman.accounts import sealed
from dragoman.accounts.secrets import (
    KEY_FILE,
    NEXT_KEY_FILE,
    SHORTEST_KEY,
    Vault,
    is_successor,
    load_key,
    read_key_file,
    same_secret,
    successor,
    write_key_file,
)
from dragoman.cli.running import DataDir
from dragoman.clock import Clock
from dragoman.conversations import callback
from dragoman.errors import Conflict, Invalid
from dragoman.settings import Settings
from dragoman.store import embedded, migrate
from dragoman.store.database import Connection

secret_key_app = typer.Typer(help="The key under which tokens and secrets are stored.", no_args_is_help=True)

OTHERS = """
select count(*) as count, string_agg(distinct coalesce(nullif(application_name, ''), 'a program without a name'), ', ') as names
from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""
LOOKS, LOOK_AGAIN_SECONDS = 10, 0.1
# The address in a delivery that is tried again is made from the key, so its hash is made again, too.
OPEN_TURNS = "select id from turns where state = 'open'"
CALLBACK_HASH = "update turns set callback_hash = %(hash)s where id = %(id)s and state = 'open'"


@secret_key_app.callback()
def _group() -> None:
    """One command so far, by its name all the same."""


@secret_key_app.command()
def rotate(
    new_key_file: Annotated[
        Path | None,
        typer.Option(
            help="Where the new key is or, made by this command, will be [default: the data directory's own, when the key lies there]"
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Seal everything under a new key, while no server runs. Cut off in the middle, it is simply run again.

    API keys stay good. Tokens of /v2/, links to media, and secrets of outbound triggers that were made by Dragoman are new afterwards.
    """
    loaded = settings.load(data_dir=data_dir)
    in_file = loaded.secret_key is None and loaded.embedded
    if new_key_file is None and not in_file:
        raise Invalid("your key is in DRAGOMAN_SECRET_KEY; say with --new-key-file where the new one is, or is to be written")
    place = new_key_file or loaded.data_dir / NEXT_KEY_FILE
    old = read_key_file(loaded.data_dir / KEY_FILE) if in_file else load_key(loaded)
    count = asyncio.run(_rotate(loaded, old, place))
    typer.echo(f"{count} values are sealed under the new key.")
    if in_file:
        kept = _exchange(loaded.data_dir / KEY_FILE, place)
        typer.echo(f"It lies in {loaded.data_dir / KEY_FILE}. The old one is in {kept}: backups made until now need it; else remove it.")
    else:
        typer.echo(f"Set DRAGOMAN_SECRET_KEY to what {place} holds, all of it, for every process, before you start one.")
    typer.echo(
        "Make tokens of /v2/ again, and read again the secrets of outbound triggers that you did not set yourself. API keys stay good."
    )


async def _rotate(loaded: Settings, old: str, place: Path) -> int:
    uri = loaded.database_url or await embedded.start(loaded.data_dir)
    if await migrate.current(uri) != migrate.revisions()[-1]:
        raise Conflict("the database is not at this program's schema; start the server once, stop it, and try again")
    return await reseal(uri, old, place)


async def reseal(uri: str, old: str, place: Path) -> int:
    """All or nothing. The new key is on disk before the first value is sealed under it."""
    async with await psycopg.AsyncConnection.connect(uri, row_factory=dict_row) as connection:
        await _expect_nobody(connection)
        key = _new_key(place, old)
        count = await sealed.reseal(connection, Vault(old), Vault(key))
        await _hash_callbacks(connection, Vault(key))
    return count


async def _expect_nobody(connection: Connection) -> None:
    """Who has just hung up, as this command itself did after its look at the schema, is still listed for a moment."""
    others = ""
    for _ in range(LOOKS):
        row = await (await connection.execute(OTHERS)).fetchone()
        if row is None or not row["count"]:
            return
        others = f"{row['count']} connections: {row['names']}"
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await connection.execute("select pg_stat_clear_snapshot()")  # else a transaction sees the same list again
    raise Conflict(
        f"somebody else uses the database ({others}); stop every Dragoman, because one that runs would go on sealing under the old key"
    )


async def _hash_callbacks(connection: Connection, vault: Vault) -> None:
    turns = await (await connection.execute(OPEN_TURNS)).fetchall()
    hashes = [{"id": turn["id"], "hash": callback.digest(vault, turn["id"])} for turn in turns]
    await connection.cursor().executemany(CALLBACK_HASH, hashes)


def _new_key(place: Path, old: str) -> str:
    """The key in `place`, made complete; one that is made there when there is none."""
    given = place.read_text().strip() if place.exists() else secrets.token_urlsafe(48)
    if len(given) < SHORTEST_KEY:
        raise Invalid(f"the key in {place} is shorter than {SHORTEST_KEY} characters; make one with: openssl rand -base64 32")
    if same_secret(given, old):
        raise Invalid(f"the key in {place} is the one in use")
    if is_successor(given, old):  # an earlier run was cut off, or is repeated
        return given
    key = successor(given, old)
    write_key_file(place, key)
    return key


def _exchange(key_file: Path, new: Path) -> Path:
    """The new key takes the file's place in one step; where the old one is kept."""
    kept = key_file.with_name(f"{KEY_FILE}.until-{_stamp(Clock().now())}")
    if not kept.exists():
        os.link(key_file, kept)
    os.replace(new, key_file)
    return kept


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%d-%H%M%S}"
