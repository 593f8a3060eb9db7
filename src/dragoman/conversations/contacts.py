"""The people a business talks to, as its own programs see them: made, listed, changed, forgotten.

Who is who is decided by `contact_identities`: one phone number (or other identity) belongs to one contact of an
organisation, so making a contact that exists finds it.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import phonenumbers
from psycopg.types.json import Jsonb

from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.conversations import contacts_queries as queries
from dragoman.conversations import erased
from dragoman.conversations.inbox_queries import ADMISSION, CALL, RENAME, UNCALL
from dragoman.conversations.reading import Page
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str | None
    phone: str | None  # digits; None when WhatsApp hides it
    username: str | None
    bsuid: str | None
    email: str | None
    tags: list[str]
    columns: dict[str, Any]  # the business's own, such as customer_timezone
    opted_out_at: datetime | None  # said STOP, or switched marketing off
    created_at: datetime
    updated_at: datetime


class Wanted(msgspec.Struct, frozen=True):
    """A contact to make: `phone` as `digits` returns it."""

    phone: str
    name: str | None = None


class Made(msgspec.Struct, frozen=True):
    contact: Contact
    is_new: bool  # False: it was there, and is unchanged


def digits(phone_number: str, field: str = "phoneNumber") -> str:
    """A phone number with its country code, in any spelling, as the digits WhatsApp uses. Raises Invalid."""
    text = phone_number.strip()
    if re.search(r"[^\d\s+().-]", text):
        raise _not_a_number(field)
    try:
        number = phonenumbers.parse(text if text.startswith("+") else "+" + text.removeprefix("00"))
    except phonenumbers.NumberParseException:
        raise _not_a_number(field) from None
    # Only the length is judged: numbers that are not given out yet, and the sandbox's, must pass.
    if not phonenumbers.is_possible_number(number):
        raise _not_a_number(field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


async def create(db: Database, vault: Vault, clock: Clock, organisation_id: UUID, wanted: Sequence[Wanted]) -> list[Made]:
    """Make contacts, in one transaction; one answer for each, in order. One that exists is returned as it is."""
    unique = {one.phone: one.name for one in reversed(wanted)}
    params = {
        "organisation_id": organisation_id,
        "ids": [new_id() for _ in unique],
        "hashes": [erased.name(vault, organisation_id, phone) for phone in unique],
        "phones": list(unique),
        "names": list(unique.values()),
        "now": clock.now(),
    }
    async with db.transaction() as connection:
        await connection.execute(ADMISSION, params)  # a message of the same person may be coming in
        made = await (await connection.execute(queries.CREATE, params)).fetchall()
        rows = await (await connection.execute(queries.BY_PHONES, params)).fetchall()
    new = {row["id"] for row in made}
    by_phone = {row["value"]: _contact(row) for row in rows}
    return [Made(by_phone[one.phone], by_phone[one.phone].id in new) for one in wanted]


async def listing(
    db: Database, organisation_id: UUID, *, limit: int, offset: int, phone: str | None = None, tag: str | None = None
) -> Page[Contact]:
    """Newest first; only with this phone number (as `digits` returns it), only with this tag."""
    params = {"organisation_id": organisation_id, "limit": limit, "offset": offset, "phone": phone, "tag": tag}
    rows = await db.fetch(queries.LIST, params)
    count = await db.fetch_one(queries.COUNT, params)
    return Page(count["total"] if count else 0, [_contact(row) for row in rows])


async def read(db: Database, organisation_id: UUID, contact_id: UUID) -> Contact:
    """The contact, or the one it was merged into when WhatsApp told us that two are one person."""
    row = await db.fetch_one(queries.READ, {"organisation_id": organisation_id, "contact_id": contact_id})
    if row is None:
        raise _no_contact()
    return _contact(row)


# The statement's part for each field that may be changed. A column that is null goes.
CHANGES = {
    "name": "given_name = %(name)s",
    "email": "email = %(email)s",
    "tags": "tags = %(tags)s",
    "columns": "columns = jsonb_strip_nulls(k.columns || %(columns)s)",
}


async def change(db: Database, clock: Clock, organisation_id: UUID, contact_id: UUID, values: dict[str, Any]) -> Contact:
    """Change the given fields (of `CHANGES`, and phone) only. Raises NotFound, and Invalid for a phone that is another contact's."""
    contact = await read(db, organisation_id, contact_id)
    params = {"organisation_id": organisation_id, "contact_id": contact.id, "now": clock.now()}
    async with db.transaction() as connection:
        if "phone" in values and values["phone"] != contact.phone:
            await _call_by(connection, params, contact.phone, values["phone"])
        parts = [part for name, part in CHANGES.items() if name in values] or ["phone = k.phone"]
        sent = {name: Jsonb(value) if name == "columns" else value for name, value in values.items()}
        cursor = await connection.execute(queries.CHANGE.format(assignments=", ".join(parts)), {**params, **sent})
        row = await cursor.fetchone()
    if row is None:
        raise _no_contact()
    return _contact(row)


async def _call_by(connection: Connection, params: Row, old: str | None, new: str) -> None:
    await connection.execute(ADMISSION, params)
    known = await (await connection.execute(queries.HAS_PHONE, {**params, "phone": new})).fetchone()
    if known is not None and known["contact_id"] != params["contact_id"]:
        raise Invalid(f"phone: another customer has this number: {known['contact_id']}", field="phone")
    if old is not None:
        await connection.execute(UNCALL, {**params, "kind": "phone", "value": old})
    await connection.execute(CALL, {**params, "kind": "phone", "value": new})
    await connection.execute(RENAME, {**params, "name": None, "phone": new, "bsuid": None, "username": None})


async def forget(db: Database, clock: Clock, organisation_id: UUID, contact_id: UUID) -> None:
    """Forget what is known of the person. What was said stays in its conversation; a STOP is kept. Raises NotFound."""
    params = {"organisation_id": organisation_id, "contact_id": contact_id, "now": clock.now()}
    if await db.fetch_one(queries.FORGET, params) is None:
        raise _no_contact()


def _contact(row: Row) -> Contact:
    return Contact(**{name: row[name] for name in Contact.__struct_fields__})


def _no_contact() -> NotFound:
    return NotFound("there is no contact with this id")


def _not_a_number(field: str) -> Invalid:
    return Invalid(f"{field} is not a phone number; give it with its country code, such as +15550001234", field=field)
