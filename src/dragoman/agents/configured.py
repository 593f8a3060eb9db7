"""The capabilities of an agent as rows: read, replaced list by list, copied.

A list that is sent replaces the stored one: entries with a known `id` are updated, entries without one are made, stored entries
that are missing from the list are deleted. Secrets are sealed beside the row and shown as "••••" and their last four characters.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic.alias_generators import to_camel

from dragoman.agents import configured_queries as queries
from dragoman.agents import masks
from dragoman.agents.capability import Capability, Configured
from dragoman.agents.kit import Kit
from dragoman.agents.tools import Json
from dragoman.errors import Invalid
from dragoman.ids import new_id
from dragoman.store.database import Connection, Row

Sent = list[tuple[UUID | None, Any]]  # (id, config) of each entry, in order


async def listing(
    kit: Kit, organisation_id: UUID, agents: Iterable[UUID], capability: Capability[Any]
) -> dict[UUID, list[Configured[Any]]]:
    """The items of one kind by agent, in their order, with secrets in clear."""
    found = await _rows(kit, organisation_id, list(agents), [capability.field])
    by_agent: dict[UUID, list[Configured[Any]]] = defaultdict(list)
    for row in found:
        by_agent[row["agent_id"]].append(_configured(kit, organisation_id, row, capability))
    return by_agent


def by_field(kit: Kit, organisation_id: UUID, rows: Iterable[Row], registry: Sequence[Capability[Any]]) -> dict[str, list[Configured[Any]]]:
    """The rows of one agent, in order, as what they are."""
    by_field = {capability.field: capability for capability in registry}
    items: dict[str, list[Configured[Any]]] = {field: [] for field in by_field}
    for row in rows:
        items[row["kind"]].append(_configured(kit, organisation_id, row, by_field[row["kind"]]))
    return items


async def masked(
    kit: Kit, organisation_id: UUID, agents: Iterable[UUID], registry: Sequence[Capability[Any]]
) -> dict[UUID, dict[str, list[Json]]]:
    """What the API shows: by agent and field, each item as camelCase JSON with its `id` and without secrets."""
    by_field = {capability.field: capability for capability in registry}
    shown: dict[UUID, dict[str, list[Json]]] = defaultdict(lambda: {field: [] for field in by_field})
    for row in await _rows(kit, organisation_id, list(agents), list(by_field)):
        capability = by_field[row["kind"]]
        item = _configured(kit, organisation_id, row, capability)
        more = await capability.shown(kit, organisation_id, row["agent_id"], item)
        config = capability.parse(row["config"]).model_dump(mode="json", by_alias=True)
        shown[row["agent_id"]][row["kind"]].append({"id": str(row["id"]), **config, **more})
    return shown


async def replace(
    kit: Kit, connection: Connection, organisation_id: UUID, agent_id: UUID, capability: Capability[Any], sent: Sent, at: str
) -> None:
    """Make the stored list the sent one, inside the caller's transaction. Raises Invalid, naming the entry below `at`."""
    if len(sent) > capability.most:
        raise Invalid(f"{at}: an agent may have {capability.most} of these, and {len(sent)} were sent", field=at)
    _check_unique(capability, sent, at)
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "kind": capability.field}
    cursor = await connection.execute(queries.OF_AGENT_FOR_UPDATE, scope)
    stored = {row["id"]: row for row in await cursor.fetchall()}
    rows = [await _row(kit, scope, capability, stored, entry, n, f"{at}[{n}]") for n, entry in enumerate(sent)]
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise Invalid(f"{at}: the same id stands twice in the list", field=at)
    await connection.execute(queries.DELETE_OTHERS, {**scope, "ids": ids})
    for row in rows:
        await connection.execute(queries.PUT, {**row, "now": kit.clock.now()})


def _check_unique(capability: Capability[Any], sent: Sent, at: str) -> None:
    if not capability.unique:
        return
    seen: set[str] = set()
    for n, (_, config) in enumerate(sent):
        value = getattr(config, capability.unique)
        if value in seen:
            field = f"{at}[{n}].{to_camel(capability.unique)}"
            raise Invalid(f"{field}: another entry of the list has the same; each needs its own", field=field)
        seen.add(value)


async def copy(
    kit: Kit, connection: Connection, organisation_id: UUID, agent_id: UUID, to: UUID, registry: Sequence[Capability[Any]]
) -> None:
    """Give `to` what `agent_id` has, under new ids; secrets are sealed anew, because a seal is good for one row only."""
    by_field = {capability.field: capability for capability in registry}
    for row in await _rows(kit, organisation_id, [agent_id], list(by_field)):
        new = {**row, "id": new_id(), "agent_id": to, "organisation_id": organisation_id, "now": kit.clock.now()}
        if row["secrets"] is not None:
            new["secrets"] = masks.sealed(kit.vault, _open(kit, organisation_id, row), _place(organisation_id, new["id"]))
        await connection.execute(queries.PUT, {**new, "config": Jsonb(row["config"])})


async def _rows(kit: Kit, organisation_id: UUID, agents: list[UUID], kinds: list[str]) -> list[Row]:
    return await kit.db.fetch(queries.OF_AGENTS, {"organisation_id": organisation_id, "agents": agents, "kinds": kinds})


async def _row(
    kit: Kit, scope: Row, capability: Capability[Any], stored: dict[UUID, Row], entry: tuple[UUID | None, Any], position: int, at: str
) -> Row:
    given, config = entry
    if given is not None and given not in stored:
        raise Invalid(f"{at}.id: this agent has no such entry; leave the id out to make a new one", field=f"{at}.id")
    await capability.check(kit, scope["organisation_id"], scope["agent_id"], config, at)
    row_id = given or new_id()
    before = stored.get(row_id)
    plain = config.model_dump(mode="json", by_alias=True)
    secrets = _taken_out(kit, scope["organisation_id"], capability, plain, before, at)
    return {
        **scope,
        "id": row_id,
        "position": position,
        "config": Jsonb(plain),
        "secrets": masks.sealed(kit.vault, secrets, _place(scope["organisation_id"], row_id)) if secrets else None,
    }


def _taken_out(kit: Kit, organisation_id: UUID, capability: Capability[Any], plain: Json, before: Row | None, at: str) -> dict[str, str]:
    known = _open(kit, organisation_id, before) if before else {}
    moved = before is not None and capability.bound_to is not None and capability.bound_to(plain) != capability.bound_to(before["config"])
    return masks.take_out(plain, capability.secrets(plain), known, at, moved=moved)


def _configured(kit: Kit, organisation_id: UUID, row: Row, capability: Capability[Any]) -> Configured[Any]:
    return Configured(row["id"], capability.parse(masks.put_back(row["config"], _open(kit, organisation_id, row))))


def _place(organisation_id: UUID, row_id: UUID) -> tuple[str, ...]:
    return str(organisation_id), "capabilities", "secrets", str(row_id)


def _open(kit: Kit, organisation_id: UUID, row: Row) -> dict[str, str]:
    return masks.opened(kit.vault, row["secrets"], _place(organisation_id, row["id"]))
