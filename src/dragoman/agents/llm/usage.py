"""What models were used for, by day."""

from datetime import date, timedelta
from uuid import UUID

from dragoman.agents.kit import Kit
from dragoman.agents.llm import queries
from dragoman.store.database import Row

USUAL_DAYS = 30


async def by_day(kit: Kit, organisation_id: UUID, agent_id: UUID | None, since: date | None) -> list[Row]:
    since = since or (kit.clock.now() - timedelta(days=USUAL_DAYS)).date()
    return await kit.db.fetch(queries.USAGE, {"organisation_id": organisation_id, "agent_id": agent_id, "since": since})
