"""The house itself: its database, its key, its disk, its workers."""

import shutil

import psycopg
from psycopg.rows import dict_row

from dragoman.accounts import sealed
from dragoman.accounts.secrets import Unopenable, Vault
from dragoman.cli.doctor.finding import Finding, doubtful, good, wrong
from dragoman.conversations import queries
from dragoman.settings import Settings
from dragoman.store import migrate
from dragoman.store.database import REQUIRED, Connection

HERE = "installation"
GIB = 1024**3
CONNECT_SECONDS = 10

VECTOR = """
select (select extversion from pg_extension where extname = 'vector') as used,
       exists (select from pg_available_extensions where name = 'vector') as there
"""


async def inside(uri: str, settings: Settings, vault: Vault) -> list[Finding]:
    """The database as it is: nothing is migrated. Raises psycopg.Error."""
    connect = psycopg.AsyncConnection.connect(uri, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_SECONDS)
    async with await connect as connection:
        about_it = await schema(uri)
        findings = [*await database(connection, settings), about_it]
        if about_it.state == "wrong":
            return findings
        return [*findings, await secret_key(connection, vault), await worker(connection, settings)]


def never_started(settings: Settings) -> Finding | None:
    if not settings.embedded or (settings.data_dir / "postgres" / "PG_VERSION").exists():
        return None
    return wrong(
        HERE,
        "database",
        f"there is none in {settings.data_dir} yet",
        "run this in the server's folder or with its --data-dir, or start the server for the first time: dragoman serve",
    )


def disk(settings: Settings) -> Finding:
    """The database, when it is embedded, and media lie there."""
    place = settings.data_dir.resolve()
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    found = f"{usage.free / GIB:.1f} GiB of {usage.total / GIB:.1f} GiB are free in {settings.data_dir}"
    if usage.free < GIB:
        return wrong(HERE, "disk", found, "make room or move the data directory: on a full disk no message can be stored")
    if usage.free < min(5 * GIB, usage.total // 10):
        return doubtful(HERE, "disk", found, "make room soon")
    return good(HERE, "disk", found)


async def database(connection: Connection, settings: Settings) -> list[Finding]:
    server = f"PostgreSQL {connection.info.server_version // 10000}.{connection.info.server_version % 10000}"
    kind = "embedded" if settings.embedded else connection.info.host
    return [await _safe(connection, f"{server}, {kind}"), await _vectors(connection)]


async def _safe(connection: Connection, server: str) -> Finding:
    for name, wanted in {**REQUIRED, "synchronous_commit": "on"}.items():
        row = await (await connection.execute(f"show {name}")).fetchone()
        allowed = (wanted, "remote_write", "remote_apply") if name == "synchronous_commit" else (wanted,)
        if row and row[name] not in allowed:
            return wrong(HERE, "database", f"{server}, runs with {name} = {row[name]}", f"set {name} = {wanted} in postgresql.conf")
    return good(HERE, "database", server)


async def _vectors(connection: Connection) -> Finding:
    row = await (await connection.execute(VECTOR)).fetchone()
    if row and row["used"]:
        return good(HERE, "search", f"by words and by meaning (pgvector {row['used']})")
    found = "full text alone: agents find passages by words, not by meaning"
    if row and row["there"]:
        return doubtful(
            HERE, "search", found, "pgvector is installed; run `select add_passage_vectors();` and have the documents read again"
        )
    return doubtful(HERE, "search", found, "install the extension pgvector in PostgreSQL")


async def schema(uri: str) -> Finding:
    newest, current = migrate.revisions()[-1], await migrate.current(uri)
    if current == newest:
        return good(HERE, "schema", f"at {current}, the newest")
    if current is None:
        return wrong(HERE, "schema", "the database is empty", "start the server for the first time: dragoman serve")
    if current in migrate.revisions():
        return wrong(HERE, "schema", f"at {current}, this program needs {newest}", "make a backup and start the server, which migrates")
    return wrong(HERE, "schema", f"at {current}, this program knows up to {newest}", "use the newer Dragoman that migrated it")


async def secret_key(connection: Connection, vault: Vault) -> Finding:
    try:
        count = await sealed.opens(connection, vault)
    except Unopenable as error:
        return wrong(
            HERE,
            "secret key",
            f"it does not open what is stored: {error}",
            "put the right key back; when it is lost, enter the secrets again (dragoman apps add, dragoman numbers add, …)",
        )
    return good(HERE, "secret key", f"opens what is stored ({count} values tried)" if count else "nothing is sealed yet")


async def worker(connection: Connection, settings: Settings) -> Finding:
    row = await (await connection.execute(queries.ALIVE, {"seconds": settings.lease_seconds})).fetchone()
    alive = row["alive"] if row else 0
    if not alive:
        return wrong(HERE, "worker", "none is alive, so nobody is answered", "start one: dragoman serve, or dragoman serve --role worker")
    return good(HERE, "worker", "one is alive" if alive == 1 else f"{alive} are alive")
