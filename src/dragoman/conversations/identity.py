"""The identity graph: one contact, many names.

WhatsApp calls a person by a phone number, a business-scoped user id (BSUID), or both; either may be missing, and either
may change. A contact is looked up by BSUID first, then by phone. Two contacts become one when a message proves that
they are; a phone number that comes with another BSUID has a new owner, and moves without its history.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from dragoman.accounts.secrets import Vault
from dragoman.conversations import erased
from dragoman.conversations import inbox_queries as queries
from dragoman.ids import new_id
from dragoman.store.database import Connection, Row
from dragoman.whatsapp.events import IdentityChange, Sender


async def admit(connection: Connection, vault: Vault, organisation_id: UUID, senders: Iterable[Sender], now: datetime) -> None:
    """Make sure that every sender has a contact with all the names it came with.

    Runs inside the caller's transaction and serialises admissions of one organisation, so that two webhooks about the
    same new customer make one contact.
    """
    await connection.execute(queries.ADMISSION, {"organisation_id": organisation_id})
    unique = {(s.bsuid, s.phone): s for s in senders}
    known = await _who(connection, organisation_id, unique.values())
    uses = Counter(value for s in unique.values() for value in _values(s))
    strangers = {who for who, s in unique.items() if not _names(s) & known.keys() and all(uses[value] == 1 for value in _values(s))}
    await _welcome(connection, vault, organisation_id, [unique[who] for who in unique if who in strangers], now)
    for who, sender in unique.items():
        if who not in strangers:
            await _reconcile(connection, vault, organisation_id, sender, now)


async def change(connection: Connection, organisation_id: UUID, news: IdentityChange, now: datetime) -> None:
    """Follow a customer who changed number or user id, as told by a `system` message."""
    await connection.execute(queries.ADMISSION, {"organisation_id": organisation_id})
    new = Sender(phone=news.new_phone, bsuid=news.new_bsuid)
    known = await _who(connection, organisation_id, [Sender(phone=news.old_phone, bsuid=news.old_bsuid), new])
    ids = {news.old_bsuid, news.new_bsuid} - {None}
    before = known.get(("bsuid", news.old_bsuid)) or _unless_foreign(known.get(("phone", news.old_phone)), ids)
    before = before or known.get(("bsuid", news.new_bsuid))
    if before is None:
        return
    ids.add(before["bsuid"])
    under_new_names = (known.get(("bsuid", news.new_bsuid)), _unless_foreign(known.get(("phone", news.new_phone)), ids))
    for other in dict.fromkeys(after["id"] for after in under_new_names if after is not None):
        if other != before["id"]:
            await _merge(connection, organisation_id, before["id"], other, news.kind, now)
    if news.old_phone and news.new_phone and news.old_phone != news.new_phone:
        await _uncall(connection, organisation_id, before["id"], news.old_phone, now)
    await _call(connection, organisation_id, before["id"], new, now)


def _unless_foreign(contact: Row | None, ids: set[str | None]) -> Row | None:
    """The contact that a phone number leads to, unless user ids show that the number was, or is, somebody else's."""
    if contact is not None and ids and contact["bsuid"] is not None and contact["bsuid"] not in ids:
        return None
    return contact


def _values(sender: Sender) -> list[tuple[str, str]]:
    return [(kind, value) for kind, value in msgspec.structs.asdict(sender).items() if value and kind != "name"]


def _names(sender: Sender) -> set[tuple[str, str | None]]:
    return {(kind, value) for kind, value in (("bsuid", sender.bsuid), ("phone", sender.phone)) if value}


async def _who(connection: Connection, organisation_id: UUID, senders: Iterable[Sender]) -> dict[tuple[str, str | None], Row]:
    names = sorted({name for sender in senders for name in _names(sender)}, key=str)
    cursor = await connection.execute(
        queries.WHO,
        {"organisation_id": organisation_id, "kinds": [kind for kind, _ in names], "values": [value for _, value in names]},
    )
    return {(row["kind"], row["value"]): row for row in await cursor.fetchall()}


async def _welcome(connection: Connection, vault: Vault, organisation_id: UUID, strangers: list[Sender], now: datetime) -> None:
    if strangers:
        rows: list[dict[str, Any]] = [
            {
                "id": new_id(),
                **msgspec.structs.asdict(sender),
                "hashes": [erased.name(vault, organisation_id, value) for value in (sender.phone, sender.bsuid) if value],
            }
            for sender in strangers
        ]
        params = {"organisation_id": organisation_id, "rows": msgspec.json.encode(rows).decode(), "now": now}
        await connection.execute(queries.NEW_CONTACTS, params)


async def _reconcile(connection: Connection, vault: Vault, organisation_id: UUID, sender: Sender, now: datetime) -> None:
    known = await _who(connection, organisation_id, [sender])
    by_bsuid, by_phone = known.get(("bsuid", sender.bsuid)), known.get(("phone", sender.phone))
    if by_bsuid is None and by_phone is not None and sender.bsuid and by_phone["bsuid"]:
        # The number has a new owner.
        await _uncall(connection, organisation_id, by_phone["id"], sender.phone, now)
        await _welcome(connection, vault, organisation_id, [sender], now)
        return
    contact = by_bsuid or by_phone
    if contact is None:
        await _welcome(connection, vault, organisation_id, [sender], now)
        return
    if by_bsuid and by_phone and by_bsuid["id"] != by_phone["id"] and by_phone["bsuid"] is None:
        await _merge(connection, organisation_id, by_bsuid["id"], by_phone["id"], "one message named both", now)
    await _call(connection, organisation_id, contact["id"], sender, now)


async def _call(connection: Connection, organisation_id: UUID, contact_id: UUID, sender: Sender, now: datetime) -> None:
    """Give the contact every name that the sender carries; a name that another contact had moves here."""
    params = {"organisation_id": organisation_id, "contact_id": contact_id, "now": now}
    for kind, value in _values(sender):
        await connection.execute(queries.CALL, {**params, "kind": kind, "value": value})
    names = {"name": sender.name, "phone": sender.phone, "bsuid": sender.bsuid, "username": sender.username}
    await connection.execute(queries.RENAME, {**params, **names})


async def _uncall(connection: Connection, organisation_id: UUID, contact_id: UUID, phone: str | None, now: datetime) -> None:
    """The number is no longer this contact's."""
    params = {"organisation_id": organisation_id, "contact_id": contact_id, "kind": "phone", "value": phone, "now": now}
    await connection.execute(queries.UNCALL, params)


async def _merge(connection: Connection, organisation_id: UUID, kept: UUID, merged: UUID, reason: str, now: datetime) -> None:
    cursor = await connection.execute(queries.NAMES, {"organisation_id": organisation_id, "contact_id": merged})
    row = await cursor.fetchone()
    params = {"organisation_id": organisation_id, "id": new_id(), "kept_id": kept, "merged_id": merged, "reason": reason, "now": now}
    await connection.execute(queries.MERGE, {**params, "identities": msgspec.json.encode(row["names"] if row else {}).decode()})
