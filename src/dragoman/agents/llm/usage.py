"""What models were used for: noting what is no chat, and the sums by day."""

from datetime import date, timedelta
from uuid import UUID

import msgspec

from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.llm import queries
from dragoman.agents.llm.journal import Generation
from dragoman.agents.llm.providers import Used
from dragoman.store.database import Row

USUAL_DAYS = 30


async def note(run: Run, purpose: str, used: Used) -> None:
    """Put one use on the bill of the turn's agent and customer: `purpose` is transcription, speech or image."""
    turn = run.turn
    generation = Generation(
        organisation_id=run.organisation_id,
        agent_id=run.agent.id,
        turn_id=turn.id,
        conversation_id=turn.conversation_id,
        contact_id=run.contact_id,
        position=-1,
        purpose=purpose,
        **used._asdict(),
    )
    await run.kit.db.execute(queries.GENERATED, {"rows": msgspec.json.encode([generation]).decode(), "now": run.kit.clock.now()})


async def by_day(kit: Kit, organisation_id: UUID, agent_id: UUID | None, since: date | None) -> list[Row]:
    return await kit.db.fetch(queries.USAGE, _scope(kit, organisation_id, agent_id, since))


async def listing(
    kit: Kit, organisation_id: UUID, agent_id: UUID | None, since: date | None, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Each generation, newest first, and how many there are."""
    scope = _scope(kit, organisation_id, agent_id, since)
    rows = await kit.db.fetch(queries.ACTIVITY, {**scope, "limit": limit, "offset": offset})
    return rows, (await totals(kit, organisation_id, agent_id, since))["generations"]


async def totals(kit: Kit, organisation_id: UUID, agent_id: UUID | None, since: date | None) -> Row:
    row = await kit.db.fetch_one(queries.TOTALS, _scope(kit, organisation_id, agent_id, since))
    assert row is not None  # noqa: S101 - sums always come back
    return row


def _scope(kit: Kit, organisation_id: UUID, agent_id: UUID | None, since: date | None) -> Row:
    since = since or (kit.clock.now() - timedelta(days=USUAL_DAYS)).date()
    return {"organisation_id": organisation_id, "agent_id": agent_id, "since": since}
