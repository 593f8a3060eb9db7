"""What an agent was given, read in one statement: what each of its turns begins with."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from dragoman.agents.capabilities import REGISTRY
from dragoman.agents.kit import Kit
from dragoman.agents.llm import given_queries as queries
from dragoman.agents.llm import providers
from dragoman.agents.records import Agent
from dragoman.errors import NotFound
from dragoman.store.database import Row

_KINDS = [capability.field for capability in REGISTRY]
_AGENT = [one.name for one in fields(Agent)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An agent, and rows of what belongs to it: the provider of its model, the bases it reads, its active actions, its capabilities."""

    agent: Agent
    provider: Row | None
    bases: list[UUID]
    actions: list[Row]
    capabilities: list[Row]


async def to_agent(kit: Kit, organisation_id: UUID, agent_id: UUID) -> Given:
    """Raises NotFound."""
    scope = {"organisation_id": organisation_id, "id": agent_id, "agent_id": agent_id, "agents": [agent_id], "kinds": _KINDS}
    defaults = {"default_names": list(providers.DEFAULT_NAMES), "default_model": kit.settings.default_model}
    row = await kit.db.fetch_one(queries.GIVEN, {**scope, **defaults})
    if row is None:
        raise NotFound(f"there is no agent {agent_id}")
    return Given(
        agent=Agent(**{name: row[name] for name in _AGENT}),
        provider=row["provider"] and _bytes(row["provider"], "api_key"),
        bases=row["bases"],
        actions=[_action(one) for one in row["actions"] or ()],
        capabilities=[_bytes({**one, "id": UUID(one["id"])}, "secrets") for one in row["capabilities"] or ()],
    )


def _action(row: Row) -> Row:
    ids = {name: UUID(row[name]) for name in ("organisation_id", "id")}
    times = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at")}
    return _bytes({**row, **ids, **times}, "secrets")


def _bytes(row: Row, name: str) -> Row:
    """A row that came as JSON, where bytes are hexadecimal digits behind a mark."""
    return {**row, name: bytes.fromhex(row[name].removeprefix("\\x")) if row[name] is not None else None}
