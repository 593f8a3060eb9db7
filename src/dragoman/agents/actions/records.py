"""Actions as rows: made, changed, listed, linked to agents. Secrets are sealed beside the row and shown masked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from dragoman.agents import masks
from dragoman.agents.actions import TYPES, queries
from dragoman.agents.actions.action import Action, ActionType, Timing
from dragoman.agents.kit import Kit
from dragoman.agents.schema import Form
from dragoman.agents.tools import Json
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Row

MOST_LINKED = 50


@dataclass(frozen=True, kw_only=True)
class NewAction:
    """`config` is an instance of the type's schema."""

    name: str
    description: str
    type: str
    timing: Timing
    is_active: bool
    config: Form


async def put(kit: Kit, organisation_id: UUID, new: NewAction, action_id: UUID | None = None) -> Action:
    """Make an action, or with an id change that one as a whole. Raises Invalid, NotFound."""
    before = await _row(kit, organisation_id, action_id) if action_id else None
    kind = TYPES[new.type]
    if kind.description_required and not new.description.strip():
        raise Invalid("description is empty; say in plain words when the action is to be used", field="description")
    await kind.check(kit, organisation_id, new.config)
    plain = new.config.model_dump(mode="json", exclude_unset=True)
    moved = before is not None and kind.bound_to is not None and kind.bound_to(plain) != kind.bound_to(before["config"])
    known = _open(kit, before) if before and before["type"] == new.type else {}
    secrets = masks.take_out(plain, kind.secrets(plain), known, "", moved=moved)
    row_id = action_id or new_id()
    values = {
        "organisation_id": organisation_id,
        "id": row_id,
        "name": new.name,
        "description": new.description,
        "type": new.type,
        "timing": new.timing,
        "is_active": new.is_active,
        "config": Jsonb(plain),
        "secrets": masks.sealed(kit.vault, secrets, _place(organisation_id, row_id)) if secrets else None,
        "now": kit.clock.now(),
    }
    row = await kit.db.fetch_one(queries.PUT, values)
    assert row is not None  # noqa: S101
    return _action(kit, row)


async def get(kit: Kit, organisation_id: UUID, action_id: UUID) -> Json:
    """The action as it is shown: its `config` masked. Raises NotFound."""
    return shown(await _row(kit, organisation_id, action_id))


async def listing(kit: Kit, organisation_id: UUID, limit: int, offset: int) -> tuple[list[Json], int]:
    """As `get` shows them, newest first, and how many there are."""
    rows = await kit.db.fetch(queries.LISTING, {"organisation_id": organisation_id, "limit": limit, "offset": offset})
    if rows:
        return [shown(row) for row in rows], rows[0]["total"]
    count = await kit.db.fetch_one(queries.COUNT, {"organisation_id": organisation_id})
    return [], count["total"] if count else 0


async def delete(kit: Kit, organisation_id: UUID, action_id: UUID) -> None:
    """The action, for every agent that it was linked to. Raises NotFound."""
    await _row(kit, organisation_id, action_id)
    await kit.db.execute(queries.DELETE, {"organisation_id": organisation_id, "id": action_id})


async def link(connection: Connection, organisation_id: UUID, agent_id: UUID, actions: Sequence[UUID], at: str) -> None:
    """Make these the agent's actions, and no others. Raises Invalid, naming `at`, for one that is not there."""
    if len(actions) > MOST_LINKED:
        raise Invalid(f"{at}: an assistant may have {MOST_LINKED} actions, and {len(actions)} were sent", field=at)
    wanted = list(dict.fromkeys(actions))
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "actions": wanted}
    known = {row["id"] for row in await (await connection.execute(queries.KNOWN, scope)).fetchall()}
    if missing := [action_id for action_id in wanted if action_id not in known]:
        raise Invalid(f"{at}: there is no action {missing[0]}", field=at)
    await connection.execute(queries.UNLINK, scope)
    await connection.execute(queries.LINK, scope)


async def ids_of_agents(kit: Kit, organisation_id: UUID, agents: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await kit.db.fetch(queries.IDS_OF_AGENTS, {"organisation_id": organisation_id, "agents": list(agents)}):
        found[row["agent_id"]].append(row["action_id"])
    return found


async def of_agent(kit: Kit, organisation_id: UUID, agent_id: UUID) -> list[Action]:
    """The active actions that are linked to an agent, with secrets in clear."""
    rows = await kit.db.fetch(queries.OF_AGENT, {"organisation_id": organisation_id, "agent_id": agent_id})
    return of_rows(kit, rows)


def of_rows(kit: Kit, rows: Iterable[Row]) -> list[Action]:
    return [_action(kit, row) for row in rows]


def shown(row: Row) -> Json:
    fields = ("id", "name", "description", "type", "timing", "is_active", "config", "created_at", "updated_at")
    return {name: row[name] for name in fields}


def kind_of(action: Action) -> ActionType[Any]:
    return TYPES[action.type]


async def _row(kit: Kit, organisation_id: UUID, action_id: UUID) -> Row:
    row = await kit.db.fetch_one(queries.GET, {"organisation_id": organisation_id, "id": action_id})
    if row is None:
        raise NotFound(f"there is no action {action_id}")
    return row


def _action(kit: Kit, row: Row) -> Action:
    config = TYPES[row["type"]].schema.model_validate(masks.put_back(row["config"], _open(kit, row)))
    return Action(*(config if name == "config" else row[name] for name in Action._fields))


def _open(kit: Kit, row: Row) -> dict[str, str]:
    return masks.opened(kit.vault, row["secrets"], _place(row["organisation_id"], row["id"]))


def _place(organisation_id: UUID, action_id: UUID) -> tuple[str, ...]:
    return str(organisation_id), "actions", "secrets", str(action_id)
