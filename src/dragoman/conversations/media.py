"""Files that customers send: fetched from Meta at once, kept, and shown under addresses of ours that nobody can guess.

A link is signed and expires; it needs no row of its own, and the same file has the same link for the whole hour.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from dragoman.accounts import links, numbers
from dragoman.accounts.links import Linked
from dragoman.agents.turns import File
from dragoman.conversations import media_queries as queries
from dragoman.conversations.held import Held
from dragoman.conversations.metrics import MEDIA
from dragoman.conversations.services import Services
from dragoman.store.database import Row
from dragoman.whatsapp import digests
from dragoman.whatsapp.client import MediaFailure

log = structlog.get_logger()

LARGEST = 100 * 1024 * 1024  # Meta: a document may have 100 MB; larger files arrive as an error instead
AT_ONCE = 4
LINK = "media link"
DELAYS = (2.0, 10.0, 60.0, 600.0, 3600.0)
GARBLED = "WhatsApp gave other bytes than it had announced (their SHA-256 differs), so the file was not kept."
PARKED_CAUSE = "The server ended {times} times while it fetched this file. It is not tried again."


async def fetch(services: Services, held: Held) -> None:
    """Fetch what this conversation is waiting for; what fails for now is tried again later, without holding up the agent."""
    later = await _fetch_all(services, held, queries.PENDING)
    await services.db.execute(
        queries.FETCHED,
        {
            "organisation_id": held.organisation_id,
            "conversation_id": held.id,
            "claimed": held.row["media_at"],
            "next": min(later, default=None),
        },
    )


async def give_up(services: Services, held: Held) -> None:
    """Fetch nothing of what this conversation is waiting for: the server ended each time it did."""
    scope = {"organisation_id": held.organisation_id, "conversation_id": held.id}
    log.error("files are given up: the server ended each time it fetched them", conversation_id=str(held.id), times=held.row["lost"])
    ended = {"object_key": None, "size": None, "state": "failed", "cause": PARKED_CAUSE.format(times=held.row["lost"])}
    for row in await services.db.fetch(queries.PENDING, scope):
        MEDIA.labels("failed").inc()
        await services.db.execute(queries.SETTLE, {"organisation_id": held.organisation_id, "id": row["id"], **ended})
    await services.db.execute(queries.FETCHED, {**scope, "claimed": held.row["media_at"], "next": None})


async def fetch_new(services: Services, held: Held) -> None:
    """Fetch what was not tried yet. The conversation stays due, so that what fails is tried again."""
    await _fetch_all(services, held, queries.NEW)


async def _fetch_all(services: Services, held: Held, query: str) -> list[datetime]:
    """Fetch the files of `query`; when to try those again that failed for now."""
    rows = await services.db.fetch(query, {"organisation_id": held.organisation_id, "conversation_id": held.id})
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> datetime | None:
        async with limit:
            return await _fetch(services, held, row)

    return [when for when in await asyncio.gather(*(one(row) for row in rows)) if when is not None]


async def _fetch(services: Services, held: Held, row: Row) -> datetime | None:
    """One file; when to try again, or None when it is settled."""
    phone_number_id = held.row["phone_number_id"]
    token = numbers.open_token(services.vault, held.organisation_id, phone_number_id, held.row["access_token"])
    data = await _download(services, row, phone_number_id, token)
    values: dict[str, Any] = {"organisation_id": held.organisation_id, "id": row["id"], "object_key": None, "size": None, "cause": None}
    if isinstance(data, bytes):
        values |= {"object_key": f"{held.organisation_id}/{row['id']}", "size": len(data), "state": "ready"}
        try:
            await services.objects.put(values["object_key"], data)
        except Exception as error:  # a full disk or a bucket that is away must not keep the agent from answering
            log.exception("a file could not be stored", media_id=str(row["id"]))
            data = MediaFailure(f"The file could not be stored ({type(error).__name__}). It is tried again.", lasting=False)
    if isinstance(data, bytes):
        MEDIA.labels("ready").inc()
        if await services.db.fetch_one(queries.SETTLE, values) is None:  # its sender was erased meanwhile
            await services.objects.delete(values["object_key"])
        return None
    values |= {"object_key": None, "size": None}
    final = data.lasting or row["attempts"] >= len(DELAYS)
    MEDIA.labels("failed" if final else "later").inc()
    await services.db.execute(queries.SETTLE, {**values, "cause": data.cause, "state": "failed" if final else "pending"})
    return None if final else services.clock.now() + timedelta(seconds=DELAYS[row["attempts"]])


async def _download(services: Services, row: Row, phone_number_id: str, token: str) -> bytes | MediaFailure:
    """The file as it was sent. What the signed webhook announced of it counts before what the media endpoint says; rows of old have neither."""
    found = await services.graph.media_info(row["graph_id"], phone_number_id, token)
    if isinstance(found, MediaFailure):
        return found
    data = await services.graph.download(found.url, token, LARGEST)
    digest = digests.announced(row["sha256"], found.sha256)
    if digest is None or isinstance(data, MediaFailure) or await asyncio.to_thread(digests.is_of, digest, data):
        return data
    log.warning("media_garbled", media_id=str(row["id"]), size=len(data))
    return MediaFailure(GARBLED, lasting=False)


async def files(services: Services, organisation_id: UUID, messages: Iterable[Row]) -> dict[UUID, list[File]]:
    """The files of stored messages, by message, as an agent sees them."""
    having = [UUID(m["id"]) for m in messages if m["content"].get("media")]
    if not having:
        return {}
    found: dict[UUID, list[File]] = {}
    for row in await services.db.fetch(queries.OF_MESSAGES, {"organisation_id": organisation_id, "messages": having}):
        found.setdefault(row["message_id"], []).append(
            File(
                url=link(services, organisation_id, row["id"]),
                kind=row["kind"],
                mime_type=row["mime_type"],
                state=row["state"],
                expires_at=_expiry(services),
                size=row["size"],
                sha256=row["sha256"],
                filename=row["filename"],
                voice=row["voice"],
                id=row["id"],
                object_key=row["object_key"],
                transcript=row["transcript"],
            )
        )
    return found


def link(services: Services, organisation_id: UUID, media_id: UUID) -> str:
    """An address of ours for one file, good for `DRAGOMAN_MEDIA_URL_HOURS`."""
    token = links.make(services.vault, LINK, Linked(organisation_id, media_id), _expiry(services))
    return f"{services.settings.public_url}/media/{token}"


async def open_link(services: Services, token: str) -> Row | None:
    """The file behind a link (its row, see `queries.ONE`); None when the link is forged, expired or its file gone."""
    file = links.read(services.vault, services.clock, LINK, token)
    if file is None:
        return None
    params = {"organisation_id": file.organisation_id, "id": file.file_id}
    return await services.db.fetch_one(queries.ONE, params)


def _expiry(services: Services) -> datetime:
    hour = services.clock.now().replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=services.settings.media_url_hours + 1)
