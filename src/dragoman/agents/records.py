"""Agents as rows: made, read, changed, copied, retired, and the secret that signs what is sent to them."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from dragoman.accounts.secrets import Vault
from dragoman.agents import queries
from dragoman.agents.native import Options
from dragoman.clock import Clock
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Connection, Database, Row

RETRY_DELAYS = (2.0, 10.0, 30.0, 120.0, 600.0)
# Signatures by the old secret are still made for this long after a rotation, so that the agent can change over in peace.
OVERLAP = timedelta(hours=24)

_JSON = {"profile_picture", "icebreakers", "config", "native"}
# Copied by `duplicate`, settable by `create` and `update`.
CHANGEABLE = (
    "name",
    "description",
    "system_prompt",
    "first_message",
    "profile_picture",
    "icebreakers",
    "llm_model",
    "reasoning_effort",
    "config",
    "native",
    "webhook_url",
    "timeout_seconds",
    "retry_delays",
    "burst",
    "automatic_turns",
    "fallback_message",
    "resend",
)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """`config` holds what the dialects store and this version does not act on. The secrets are sealed: see `signing_secrets`."""

    organisation_id: UUID
    id: UUID
    number: int  # a second name, for those who want a decimal one
    kind: str
    name: str
    description: str
    system_prompt: str
    first_message: str
    profile_picture: dict[str, Any] | None
    icebreakers: list[str]
    llm_model: str | None
    reasoning_effort: str | None
    config: dict[str, Any]
    native: dict[str, Any]
    webhook_url: str | None
    webhook_secret: bytes | None = field(repr=False)
    previous_secret: bytes | None = field(repr=False)
    previous_secret_until: datetime | None
    timeout_seconds: float
    retry_delays: list[float]
    burst: str
    automatic_turns: int | None  # of an agent with a webhook; a native one has it among its `options`
    fallback_message: str | None
    resend: str
    disabled_at: datetime | None  # since when its webhook is not called any more: see `conversations.switching`
    disabled_cause: str | None  # what comes after "because"
    created_at: datetime
    updated_at: datetime

    @cached_property
    def options(self) -> Options:
        """What only a native agent has, with its defaults."""
        return Options.model_validate(self.native)


class Totals(NamedTuple):
    sessions: int = 0
    messages: int = 0


async def create(
    db: Database, vault: Vault, clock: Clock, organisation_id: UUID, name: str, *, within: Connection | None = None, **values: Any
) -> tuple[Agent, str | None]:
    """A new agent, and its signing secret when it has a webhook (kind "byoa"). `values` are fields out of `CHANGEABLE`.

    With `within`, as part of that transaction.
    """
    agent_id = new_id()
    secret = _new_secret() if values.get("webhook_url") else None
    row = _defaults() | values
    row |= {
        "organisation_id": organisation_id,
        "id": agent_id,
        "kind": "byoa" if secret else "llm",
        "name": name,
        "webhook_secret": _sealed(vault, organisation_id, agent_id, secret) if secret else None,
        "now": clock.now(),
    }
    return _agent(await _changed(db, within, queries.CREATE, row), agent_id), secret


async def get(db: Database, organisation_id: UUID, agent_id: UUID) -> Agent:
    return _agent(await db.fetch_one(queries.GET, {"organisation_id": organisation_id, "id": agent_id}), agent_id)


async def by_number(db: Database, organisation_id: UUID, number: int) -> Agent:
    row = await db.fetch_one(queries.BY_NUMBER, {"organisation_id": organisation_id, "number": number}) if number < 2**63 else None
    if row is None:
        raise NotFound(f"there is no agent {number}")
    return Agent(**row)


async def listing(
    db: Database, organisation_id: UUID, limit: int, offset: int, kind: Literal["byoa", "llm"] | None = None
) -> tuple[list[Agent], int]:
    """Newest first, and how many there are in all."""
    scope = {"organisation_id": organisation_id, "kind": kind}
    rows = await db.fetch(queries.LISTING, {**scope, "limit": limit, "offset": offset})
    count = await db.fetch_one(queries.COUNT, scope)
    return [Agent(**row) for row in rows], count["count"] if count else 0


async def some(db: Database, organisation_id: UUID, agents: Iterable[UUID]) -> dict[UUID, Agent]:
    """The agents with these ids, as far as there are such."""
    rows = await db.fetch(queries.SOME, {"organisation_id": organisation_id, "agents": list(agents)})
    return {row["id"]: Agent(**row) for row in rows}


async def update(
    db: Database,
    vault: Vault,
    clock: Clock,
    organisation_id: UUID,
    agent_id: UUID,
    changes: dict[str, Any],
    *,
    within: Connection | None = None,
) -> tuple[Agent, str | None]:
    """Change the given fields only. An agent's first webhook makes it a "byoa" agent, with a new secret (the second value).

    A webhook that was switched off is on again when its address is among `changes`, or `enabled`. With `within`, as part of that transaction.
    """
    if unknown := set(changes) - {*CHANGEABLE, "enabled"}:
        raise ValueError(f"not changeable: {', '.join(sorted(unknown))}")
    agent = await get(db, organisation_id, agent_id)
    if "webhook_url" in changes and not changes["webhook_url"] and agent.webhook_url:
        raise Invalid("an agent cannot lose its webhook; delete the agent, or give it another address", field="byoa.webhookUrl")
    secret = None
    values: dict[str, Any] = dict(changes)
    if values.pop("enabled", False) or values.get("webhook_url"):
        values |= dict.fromkeys(("disabled_at", "disabled_cause", "failing_since"))
    if values.get("webhook_url") and agent.webhook_secret is None:
        secret = _new_secret()
        values |= {"kind": "byoa", "webhook_secret": _sealed(vault, organisation_id, agent_id, secret)}
    if not values:
        return agent, None
    statement = queries.UPDATE.format(assignments=", ".join(f"{column} = %({column})s" for column in values))
    values |= {"organisation_id": organisation_id, "id": agent_id, "now": clock.now()}
    return _agent(await _changed(db, within, statement, values), agent_id), secret


async def _changed(db: Database, within: Connection | None, statement: str, values: Row) -> Row | None:
    if within is None:
        return await db.fetch_one(statement, _wrapped(values))
    return await (await within.execute(statement, _wrapped(values))).fetchone()


async def duplicate(
    db: Database, vault: Vault, clock: Clock, organisation_id: UUID, agent_id: UUID, *, within: Connection | None = None
) -> tuple[Agent, str | None]:
    """The same agent again, under its own id and with its own secret; connected to no number."""
    agent = await get(db, organisation_id, agent_id)
    copied = {name: getattr(agent, name) for name in CHANGEABLE if name != "name"}
    return await create(db, vault, clock, organisation_id, f"Copy of {agent.name}"[:255], within=within, **copied)


async def rotate_secret(db: Database, vault: Vault, clock: Clock, organisation_id: UUID, agent_id: UUID) -> tuple[Agent, str]:
    """A new signing secret. For 24 h requests are signed with the old one too."""
    agent = await get(db, organisation_id, agent_id)
    if agent.webhook_secret is None:
        raise Invalid("this agent has no webhook, so there is no secret to rotate; give it a webhook first", code="agent_not_ready")
    secret, now = _new_secret(), clock.now()
    values = {
        "organisation_id": organisation_id,
        "id": agent_id,
        "webhook_secret": _sealed(vault, organisation_id, agent_id, secret),
        "until": now + OVERLAP,
        "now": now,
    }
    return _agent(await db.fetch_one(queries.ROTATE, values), agent_id), secret


async def switched_off(db: Database, organisations: list[UUID]) -> list[tuple[UUID, str, str]]:
    """The agents of these organisations whose webhook is switched off: id, name, since when and why."""
    rows = await db.fetch(queries.SWITCHED_OFF, {"organisations": organisations})
    return [(row["id"], row["name"], off_because(row["disabled_at"], row["disabled_cause"])) for row in rows]


def off_because(at: datetime, cause: str) -> str:
    return f"switched off on {at:%Y-%m-%d %H:%M} UTC because {cause}"


async def totals(db: Database, organisation_id: UUID, agents: list[UUID]) -> dict[UUID, Totals]:
    """How many conversations are with each of these agents, and how many messages those hold."""
    rows = await db.fetch(queries.TOTALS, {"organisation_id": organisation_id, "agents": agents})
    return {row["agent_id"]: Totals(row["sessions"], row["messages"]) for row in rows}


def signing_secrets(vault: Vault, clock: Clock, agent: Agent) -> list[str]:
    """The `whsec_…` secrets a request to this agent is signed with, newest first: two during a rotation's overlap, else one."""
    place = secret_place(agent.organisation_id, agent.id)
    sealed = [agent.webhook_secret]
    if agent.previous_secret_until is not None and agent.previous_secret_until > clock.now():
        sealed.append(agent.previous_secret)
    return [open_secret(vault, place, value) for value in sealed if value is not None]


@lru_cache(maxsize=4096)
def open_secret(vault: Vault, place: tuple[str, ...], sealed: bytes) -> str:
    """A `whsec_…` secret from its sealed column; remembered, because every delivery needs it."""
    return vault.open(sealed, *place).decode()


def secret_place(organisation_id: UUID, agent_id: UUID) -> tuple[str, ...]:
    """What a signing secret is sealed to: the same for the current and the previous one, because a rotation moves it."""
    return str(organisation_id), "agents", "webhook_secret", str(agent_id)


def _new_secret() -> str:
    # Standard Webhooks: "whsec_" and 24 to 64 bytes in base64.
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _sealed(vault: Vault, organisation_id: UUID, agent_id: UUID, secret: str) -> bytes:
    return vault.seal(secret.encode(), *secret_place(organisation_id, agent_id))


def _defaults() -> Row:
    return dict.fromkeys(CHANGEABLE) | {
        "description": "",
        "system_prompt": "",
        "first_message": "",
        "icebreakers": [],
        "config": {},
        "native": {},
        "timeout_seconds": 15.0,
        "retry_delays": list(RETRY_DELAYS),
        "burst": "each",
        "resend": "never_resend",
    }


def _wrapped(values: Row) -> Row:
    return {name: Jsonb(value) if name in _JSON and value is not None else value for name, value in values.items()}


def _agent(row: Row | None, agent_id: UUID) -> Agent:
    if row is None:
        raise NotFound(f"there is no agent {agent_id}")
    return Agent(**row)
