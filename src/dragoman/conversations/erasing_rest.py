"""What comes after an erasure is committed: the files, what was being written in that moment, a line in the list that outlives a restore.

It is a job, done at least once and harmless when it is repeated: soon, and once more when nothing can be under way any more.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import structlog

from dragoman.accounts.secrets import Unopenable
from dragoman.conversations import erasing_rest_queries as queries
from dragoman.conversations import tombstones
from dragoman.conversations.erased import name
from dragoman.conversations.erasing import REST, Known, erase
from dragoman.conversations.services import Services
from dragoman.conversations.tombstones import Tombstone
from dragoman.errors import NotFound
from dragoman.store.database import Database, Row
from dragoman.store.jobs import Attempt, Task

log = structlog.get_logger()

PAGE = 500
# What a phone number in digits or a user id looks like in the midst of a webhook.
_NAMES = re.compile(r"(?<![\w.])(?:\d{5,20}|[A-Z]{2}\.[\w.]{5,200})(?![\w])")


def tasks(services: Services) -> list[Task]:
    return [Task(REST, partial(_work, services))]


async def _work(services: Services, attempt: Attempt, organisation_id: str, erasure_id: str, last: bool) -> None:
    await finish(services, UUID(organisation_id), UUID(erasure_id), last=last)
    log.info("a person is erased", organisation_id=organisation_id, erasure_id=erasure_id)


async def finish(services: Services, organisation_id: UUID, erasure_id: UUID, *, last: bool = False) -> None:
    """Take away what the transaction could not. With `last`, nothing is looked for any more after this."""
    scope: Row = {"organisation_id": organisation_id, "id": erasure_id}
    row = await services.db.fetch_one(queries.REST, scope)
    if row is None:
        return
    for key in row["objects"]:
        await services.objects.delete(key)
    await services.db.fetch_one(queries.LATE, {**scope, **row})
    await _sweep_events(services, organisation_id, set(row["names"]))
    await _sweep_answers(services, organisation_id, row)
    tombstone = Tombstone(erasure_id, organisation_id, row["contact_id"], row["contacts"], row["asked_at"])
    await asyncio.to_thread(tombstones.add, tombstones.place(services.settings), [tombstone])
    await services.db.execute(queries.FINISHED, {**scope, "now": services.clock.now(), "last": last})
    await _vacuum(services)


async def _sweep_events(services: Services, organisation_id: UUID, names: set[UUID]) -> None:
    """Webhooks that were kept as they came, and name the person."""
    numbers = await services.db.fetch(queries.NUMBERS, {"organisation_id": organisation_id})
    own = {"numbers": [row["phone_number_id"] for row in numbers]}
    for query in (queries.EVENTS, queries.EVENTS_OF_NOBODY):
        async for rows in _pages(services, query, {"organisation_id": organisation_id, **own}, ("received_at", "id")):
            found = [
                row["id"] for row in rows if names & {name(services.vault, organisation_id, one) for one in _NAMES.findall(row["raw"])}
            ]
            await services.db.execute(queries.FORGET_EVENTS, {"ids": found})


async def _sweep_answers(services: Services, organisation_id: UUID, erasure: Row) -> None:
    """Answers that are kept for a request which is sent twice: they are sealed, and hold what the API shows of the person."""
    ids, names = {str(one) for one in erasure["contacts"] + erasure["conversations"]}, set(erasure["names"])
    async for rows in _pages(services, queries.ANSWERS, {"organisation_id": organisation_id}, ("scope", "key")):
        for row in rows:
            place = (str(organisation_id), "idempotency_keys", "response", row["scope"], row["key"])
            try:
                said = row["scope"] + services.vault.open(bytes.fromhex(row["response"]), *place).decode("utf-8", "replace")
            except Unopenable:  # nobody can be answered with it
                said = min(ids)
            named = {name(services.vault, organisation_id, one) for one in _NAMES.findall(said)}
            if names & named or any(one in said for one in ids):
                await services.db.execute(queries.FORGET_ANSWER, {"organisation_id": organisation_id, **row})


async def _pages(services: Services, query: str, params: Row, order: tuple[str, str]) -> AsyncIterator[list[Row]]:
    """All rows of a query that orders by these two columns and goes on after the last of them."""
    after: dict[str, Any] = {"first": None, "second": None}
    while rows := await services.db.fetch(query, {**params, **after, "limit": PAGE}):
        yield rows
        after = {"first": rows[-1][order[0]], "second": rows[-1][order[1]]}


async def again(services: Services, list_of: Sequence[Tombstone]) -> int:
    """Erase whom a restored database does not know to be erased; how many."""
    count = 0
    for one in list_of:
        for contact_id in one.contacts:
            with suppress(NotFound):
                known = Known(one.id, one.contact_id, one.asked_at)
                made = await erase(services.db, services.vault, services.clock, one.organisation_id, contact_id, again=known)
                if made.finished_at is None:
                    count += 1
                    await finish(services, one.organisation_id, made.id)
    return count


async def known(db: Database) -> list[Tombstone]:
    """Everybody who was erased, of every organisation, as the database has it."""
    return [Tombstone(**row) for row in await db.fetch(queries.KNOWN)]


async def _vacuum(services: Services) -> None:
    """So that the rows' bytes are free to be written over: without waiting for anybody, and without anybody waiting for it."""
    try:
        await services.db.execute(queries.VACUUM)
    except psycopg.Error as error:  # it took too long, or this role may not: the server does it by itself in time
        log.warning("the tables could not be vacuumed after an erasure", error=type(error).__name__)
