"""Where sealed values lie: every column of every table that `Vault.seal` fills, and the context each value was sealed with.

The rooms that own these tables seal and open by themselves. This list is for those who must know all of it: the start and `dragoman
doctor`, which try whether the key fits, and `dragoman secret-key rotate`. A test fails when a column is missing here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from psycopg import sql

from dragoman.accounts.secrets import Unopenable, Vault
from dragoman.store.database import Connection, Row


class Column(NamedTuple):
    """`row` are the columns that name the row in the context, after its organisation, and find it. `sealed_as` is the column that the
    context names, where a value moves between two. `as_text`: in hexadecimal, among texts that are not sealed."""

    table: str
    name: str
    row: tuple[str, ...] = ("id",)
    sealed_as: str = ""
    as_text: bool = False

    def context(self, row: Row) -> tuple[str, ...]:
        return str(row["organisation_id"]), self.table, self.sealed_as or self.name, *(str(row[part]) for part in self.row)


SEALED = (
    Column("apps", "app_secret", ("app_id",)),
    Column("apps", "previous_app_secret", ("app_id",), sealed_as="app_secret"),
    Column("apps", "verify_token", ("app_id",)),
    Column("numbers", "access_token", ("phone_number_id",)),
    Column("agents", "webhook_secret"),
    Column("agents", "previous_secret", sealed_as="webhook_secret"),
    Column("capabilities", "secrets"),
    Column("model_providers", "api_key", ("name",)),
    Column("connectors", "secrets"),
    Column("connectors", "grant_held", ("id", "url")),
    Column("connector_sign_ins", "flow"),
    Column("actions", "secrets"),
    Column("integrations", "secrets"),
    Column("idempotency_keys", "response", ("scope", "key"), as_text=True),
)

# Bytes that are not sealed but hashed: they stay as they are when the key is replaced, because the key of hashes does.
HASHED = {("api_keys", "key_hash"), ("turns", "callback_hash"), ("idempotency_keys", "body_hash"), ("connector_sign_ins", "state_hash")}

WRONG_KEY = (
    "the secret key opens nothing of what is stored in this database: put the right one back; when it is lost, enter the secrets again "
    "(dragoman apps add, dragoman numbers add), then start"
)

_ROWS = "select organisation_id, {row}, {column} as sealed from {table} where {column} is not null"
_CHANGE = "update {table} set {column} = %(sealed)s where organisation_id = %(organisation_id)s and ({row}) = ({values})"


async def opens(connection: Connection, vault: Vault, most: int = 50) -> int:
    """Open up to `most` values of each column; how many there were. Raises Unopenable."""
    count = 0
    for column in SEALED:
        rows = await _rows(connection, column, most)
        for row in rows:
            vault.open(_bytes(column, row), *column.context(row))
        count += len(rows)
    return count


async def check_key(connection: Connection, vault: Vault, most: int = 50) -> None:
    """Raises Unopenable when there are secrets and the key opens none of them. One that opens is enough to go on: whoever has lost
    the key enters the secrets again, one after the other."""
    tried = [
        _fits(vault, _bytes(column, row), column.context(row))
        for column in SEALED
        if column.table in ("apps", "numbers", "agents")
        for row in await _rows(connection, column, most)
    ]
    if tried and not any(tried):
        raise Unopenable(WRONG_KEY)


async def reseal(connection: Connection, old: Vault, new: Vault) -> int:
    """Seal every value under `new`; how many were changed. Those that `new` opens already are left alone. Raises Unopenable."""
    count = 0
    for column in SEALED:
        changed = list(_changed(column, await _rows(connection, column), old, new))
        if changed:
            await connection.cursor().executemany(_filled(_CHANGE, column), changed)
        count += len(changed)
    return count


def _changed(column: Column, rows: Sequence[Row], old: Vault, new: Vault) -> Iterable[Row]:
    for row in rows:
        sealed, context = _bytes(column, row), column.context(row)
        if _fits(new, sealed, context):
            continue
        again = new.seal(old.open(sealed, *context), *context)
        yield {**row, "sealed": again.hex() if column.as_text else again}


def _fits(vault: Vault, sealed: bytes, context: tuple[str, ...]) -> bool:
    try:
        vault.open(sealed, *context)
    except Unopenable:
        return False
    return True


async def _rows(connection: Connection, column: Column, most: int | None = None) -> list[Row]:
    query = _filled(_ROWS, column)
    if column.as_text:
        query += sql.SQL(" and {} ~ '^01[0-9a-f]+$'").format(sql.Identifier(column.name))
    return await (await connection.execute(query + sql.SQL(" limit {}").format(most), binary=False)).fetchall()


def _bytes(column: Column, row: Row) -> bytes:
    return bytes.fromhex(row["sealed"]) if column.as_text else bytes(row["sealed"])


def _filled(query: str, column: Column) -> sql.Composed:
    return sql.SQL(query).format(
        table=sql.Identifier(column.table),
        column=sql.Identifier(column.name),
        row=sql.SQL(", ").join(map(sql.Identifier, column.row)),
        values=sql.SQL(", ").join(map(sql.Placeholder, column.row)),
    )
