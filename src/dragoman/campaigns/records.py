"""Campaigns as rows: read, listed, counted, paused, resumed, cancelled, deleted."""

from typing import Any
from uuid import UUID

import msgspec

from dragoman.agents import records as agents
from dragoman.campaigns import batches, queries
from dragoman.campaigns.batches import Job
from dragoman.campaigns.campaign import Campaign, Message, Recipient, Statistics
from dragoman.campaigns.window import Window
from dragoman.conversations.policy import SILENT_TYPES
from dragoman.conversations.reading import Page
from dragoman.conversations.services import Services
from dragoman.errors import Conflict, NotFound
from dragoman.store.database import Connection, Row

CANCELLED = "the campaign was cancelled"
OVER = ("completed", "cancelled")
# Steps that a recipient goes through one after the other.
_FUNNEL = ("sent", "delivered", "read")


async def get(services: Services, organisation_id: UUID, campaign_id: UUID) -> Campaign:
    row = await services.db.fetch_one(queries.READ, {"organisation_id": organisation_id, "campaign_id": campaign_id})
    if row is None:
        raise _no_campaign()
    return _campaign(row)


async def listing(services: Services, organisation_id: UUID, limit: int, offset: int) -> Page[Campaign]:
    """Newest first."""
    params = {"organisation_id": organisation_id, "limit": limit, "offset": offset}
    count = await services.db.fetch_one(queries.COUNT, params)
    return Page(count["total"] if count else 0, [_campaign(row) for row in await services.db.fetch(queries.LIST, params)])


async def recipients(
    services: Services, organisation_id: UUID, campaign_id: UUID, limit: int, offset: int, state: str | None = None
) -> Page[Recipient]:
    """In the order in which they were given; only those in `state` (see `Recipient`)."""
    await get(services, organisation_id, campaign_id)
    params = {**_scope(organisation_id, campaign_id), "limit": limit, "offset": offset, "state": state, "silent": list(SILENT_TYPES)}
    count = await services.db.fetch_one(queries.COUNT_RECIPIENTS, params)
    rows = await services.db.fetch(queries.RECIPIENTS, params)
    return Page(count["total"] if count else 0, [Recipient(**row) for row in rows])


async def statistics(services: Services, organisation_id: UUID, campaign_id: UUID) -> Statistics:
    """Counted from the messages as they are now."""
    campaign = await get(services, organisation_id, campaign_id)
    params = {**_scope(organisation_id, campaign_id), "silent": list(SILENT_TYPES)}
    counts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {"failed": {}, "skipped": {}}
    replied = 0
    for row in await services.db.fetch(queries.STATISTICS, params):
        state, total = row["state"], row["total"]
        counts[state] = counts.get(state, 0) + total
        replied += row["replied"]
        if state in reasons:
            reasons[state][row["cause"]] = total
    funnel = {name: sum(counts.get(step, 0) for step in _FUNNEL[n:]) for n, name in enumerate(_FUNNEL)}
    others = {name: counts.get(name, 0) for name in ("pending", "queued", "unknown", "failed", "skipped", "cancelled")}
    totals = {"total": sum(counts.values()), "duplicates": campaign.duplicates, "replied": replied}
    return Statistics(**totals, **funnel, **others, failed_reasons=_ranked(reasons["failed"]), skipped_reasons=_ranked(reasons["skipped"]))


def _ranked(reasons: dict[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


async def pause(services: Services, organisation_id: UUID, campaign_id: UUID) -> Campaign:
    """Nobody more is queued from this moment on. Raises NotFound, Conflict (it is over)."""
    async with services.db.transaction() as connection:
        await _hold(services, connection, organisation_id, campaign_id, "paused")
        await connection.execute(queries.MOVE, _moved(services, organisation_id, campaign_id, "paused"))
    return await get(services, organisation_id, campaign_id)


async def resume(services: Services, organisation_id: UUID, campaign_id: UUID) -> Campaign:
    """Go on, or wait for the beginning again. A campaign that runs is given a push. Raises NotFound, Conflict (it is over, or its agent is)."""
    async with services.db.transaction() as connection:
        held = await _hold(services, connection, organisation_id, campaign_id, "resumed")
        try:
            await agents.get(services.db, organisation_id, held["agent_id"])
        except NotFound:
            raise Conflict(
                "the assistant that answers this campaign was deleted; cancel it and make another one", code="no_assistant"
            ) from None
        state = "scheduled" if held["start_at"] > services.clock.now() else "running"
        await connection.execute(queries.MOVE, _moved(services, organisation_id, campaign_id, state))
        rows = await (await connection.execute(queries.NEXT_ROUND, _scope(organisation_id, campaign_id))).fetchall()
        for row in rows:
            await batches.begin(connection, Job(organisation_id, campaign_id, row["number_id"], row["round"]))
    return await get(services, organisation_id, campaign_id)


async def cancel(services: Services, organisation_id: UUID, campaign_id: UUID) -> Campaign:
    """Nobody more is written to; what waits in the outbox is taken out. Raises NotFound, Conflict (it is over)."""
    async with services.db.transaction() as connection:
        await _hold(services, connection, organisation_id, campaign_id, "cancelled")
        await connection.execute(queries.MOVE, _moved(services, organisation_id, campaign_id, "cancelled"))
        params = {**_scope(organisation_id, campaign_id), "cause": CANCELLED, "now": services.clock.now()}
        await connection.execute(queries.CANCEL_WAITING, params)
    return await get(services, organisation_id, campaign_id)


async def delete(services: Services, organisation_id: UUID, campaign_id: UUID) -> None:
    """Cancel it, if it is not over, and forget it. What was said stays in its conversations."""
    async with services.db.transaction() as connection:
        params = {**_scope(organisation_id, campaign_id), "cause": CANCELLED, "now": services.clock.now()}
        if await (await connection.execute(queries.HOLD, params)).fetchone() is None:
            raise _no_campaign()
        await connection.execute(queries.CANCEL_WAITING, params)
        await connection.execute(queries.DELETE, params)


async def _hold(services: Services, connection: Connection, organisation_id: UUID, campaign_id: UUID, verb: str) -> Row:
    """Its row, which no batch and nobody else changes until the transaction ends."""
    row = await (await connection.execute(queries.HOLD, _scope(organisation_id, campaign_id))).fetchone()
    if row is None:
        raise _no_campaign()
    if row["state"] in OVER:
        raise Conflict(f"this campaign is {row['state']}; it cannot be {verb}", code=row["state"])
    return row


def _moved(services: Services, organisation_id: UUID, campaign_id: UUID, state: str) -> Row:
    return {**_scope(organisation_id, campaign_id), "state": state, "cause": None, "now": services.clock.now()}


def _scope(organisation_id: UUID, campaign_id: UUID) -> Row:
    return {"organisation_id": organisation_id, "campaign_id": campaign_id}


def _campaign(row: Row) -> Campaign:
    values: dict[str, Any] = {name: row[name] for name in Campaign.__struct_fields__ if name not in ("message", "window")}
    window = Window(days=tuple(row["days"]), start_hour=row["start_hour"], end_hour=row["end_hour"], time_zone=row["time_zone"])
    return Campaign(**values, message=msgspec.convert(row["template"], Message), window=window)


def _no_campaign() -> NotFound:
    return NotFound("there is no campaign with this id")
