"""What a customer has paid, and what credits are left: balances with a ledger, each entry once."""

import hmac
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from dragoman.accounts.secrets import Vault
from dragoman.agents.kit import Kit
from dragoman.agents.masks import MASK
from dragoman.agents.records import get
from dragoman.agents.relations import queries
from dragoman.agents.relations.settings import Credits, Paywall, read
from dragoman.agents.tools import Json
from dragoman.errors import Invalid, NotFound
from dragoman.ids import new_id
from dragoman.store.database import Row


class Standing(NamedTuple):
    """How a customer stands with an agent. `wall` is set when the paywall is reached, `first` the first time it is."""

    wall: Paywall | None = None
    first: bool = False
    credits: int | None = None


def paywall(config: dict[str, Any]) -> Paywall | None:
    found: Paywall | None = read(config, "paywallConfig")
    return found if found and found.message_limit is not None and found.paywall_action != "none" else None


def credits_of(config: dict[str, Any]) -> Credits | None:
    found: Credits | None = read(config, "creditSettings")
    return found


async def standing(kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID, config: dict[str, Any], turn_id: UUID) -> Standing:
    """Looked at before the model is asked. With neither paywall nor credits it costs nothing."""
    wall, settings = paywall(config), credits_of(config)
    if wall is None and settings is None:
        return Standing()
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "contact_id": contact_id, "now": kit.clock.now()}
    reached, first = None, False
    if wall is not None:
        row = await kit.db.fetch_one(queries.WALL, {**scope, "limit": wall.message_limit, "turn_id": turn_id})
        if row and row["reached"]:
            reached, first = wall, row["first"]
    left = await balance(kit, organisation_id, agent_id, contact_id, settings) if settings else None
    return Standing(reached, first, left)


async def balance(kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID, settings: Credits | None) -> int:
    """Credits left; an account is opened with what each customer begins with."""
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "contact_id": contact_id, "now": kit.clock.now()}
    initial = settings.initial_credits if settings else 0
    row = await kit.db.fetch_one(queries.OPEN_ACCOUNT, {**scope, "initial": initial, "id": new_id()})
    return int(row["balance"]) if row else initial


async def move(
    kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID, delta: int, reason: str, key: str, turn_id: UUID | None = None
) -> int | None:
    """Add to a balance, or take from it; once for each `key`. The new balance, None when the key was used before."""
    values = {"organisation_id": organisation_id, "agent_id": agent_id, "contact_id": contact_id, "delta": delta, "reason": reason}
    row = await kit.db.fetch_one(queries.MOVE, {**values, "key": key, "turn_id": turn_id, "id": new_id(), "now": kit.clock.now()})
    return int(row["balance"]) if row else None


def is_password(vault: Vault, settings: Credits | None, text: str) -> bool:
    kept = (settings.credit_grant_password or "") if settings else ""
    return bool(kept) and hmac.compare_digest(kept, _hashed(vault, text.strip()))


def hidden(vault: Vault, config: Json, before: Json) -> Json:
    """`config` with the password as a keyed hash, which is all that is kept of it. A mask that comes back stands for the stored one."""
    sent = config.get("creditSettings")
    if not sent or not sent.get(_PASSWORD):
        return config
    kept = (before.get("creditSettings") or {}).get(_PASSWORD)
    word = sent[_PASSWORD]
    if word == MASK and not kept:
        raise Invalid(f"creditSettings.{_PASSWORD} is a mask of nothing; send the password itself", field=f"creditSettings.{_PASSWORD}")
    return {**config, "creditSettings": {**sent, _PASSWORD: kept if word in (MASK, kept) else _hashed(vault, word.strip())}}


def masked(config: Json) -> Json:
    """`config` as it is shown."""
    settings = config.get("creditSettings")
    if not settings or not settings.get(_PASSWORD):
        return config
    return {**config, "creditSettings": {**settings, _PASSWORD: MASK}}


_PASSWORD = "creditGrantPassword"  # noqa: S105 - the field's name


def _hashed(vault: Vault, word: str) -> str:
    return vault.hash(word, "credit grant password").hex()


async def grant(kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID, settings: Credits) -> bool:
    """The password was said: credits are added, once a day for each customer."""
    await balance(kit, organisation_id, agent_id, contact_id, settings)
    key = f"password {contact_id} {kit.clock.now().date()}"
    return await move(kit, organisation_id, agent_id, contact_id, settings.credit_grant_amount, "password", key) is not None


async def let_through(kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID, paid: bool, until: datetime | None) -> None:
    """Whether a customer has paid, as the business's own shop says. Raises NotFound."""
    await get(kit.db, organisation_id, agent_id)
    values = {"organisation_id": organisation_id, "agent_id": agent_id, "contact_id": contact_id, "paid": paid, "until": until}
    if not await kit.db.execute(queries.LET_THROUGH, {**values, "now": kit.clock.now()}):
        raise NotFound("there is no contact with this id")


async def account(kit: Kit, organisation_id: UUID, agent_id: UUID, contact_id: UUID) -> tuple[int, list[Row]]:
    """Credits left and the newest 100 entries of the ledger. Raises NotFound."""
    agent = await get(kit.db, organisation_id, agent_id)
    scope = {"organisation_id": organisation_id, "agent_id": agent_id, "contact_id": contact_id}
    if await kit.db.fetch_one(queries.CONTACT, scope) is None:
        raise NotFound("there is no contact with this id")
    left = await balance(kit, organisation_id, agent_id, contact_id, credits_of(agent.config))
    return left, await kit.db.fetch(queries.LEDGER, scope)
