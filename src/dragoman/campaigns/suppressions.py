"""The organisation's own list of people whom its campaigns pass by. A person's STOP needs no list: it always holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from dragoman.campaigns import queries
from dragoman.conversations.reading import Page
from dragoman.conversations.services import Services


class Suppression(msgspec.Struct, frozen=True):
    phone: str  # digits
    reason: str
    at: datetime


async def add(services: Services, organisation_id: UUID, phones: Sequence[str], reason: str) -> None:
    """`phones` as `contacts.digits` returns them."""
    params = {"organisation_id": organisation_id, "phones": sorted(set(phones)), "reason": reason, "now": services.clock.now()}
    await services.db.execute(queries.SUPPRESS, params)


async def remove(services: Services, organisation_id: UUID, phones: Sequence[str]) -> int:
    """How many were on it."""
    return await services.db.execute(queries.UNSUPPRESS, {"organisation_id": organisation_id, "phones": list(phones)})


async def listing(services: Services, organisation_id: UUID, limit: int, offset: int) -> Page[Suppression]:
    """Newest first."""
    rows = await services.db.fetch(queries.SUPPRESSED, {"organisation_id": organisation_id, "limit": limit, "offset": offset})
    return Page(rows[0]["total"] if rows else 0, [Suppression(row["phone"], row["reason"], row["at"]) for row in rows])
