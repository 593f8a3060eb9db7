"""An action: something that an organisation's native agents may do, made once and linked to any number of them.

What is configured has the names that the second dialect gives it (snake_case, in blocks such as `webhook`). Each type is one file
beside this one and one line of the registry in `__init__`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from dragoman.agents.capability import Run
from dragoman.agents.kit import Kit
from dragoman.agents.masks import Path
from dragoman.agents.schema import Form
from dragoman.agents.tools import Confirm, Json, Tool

Timing = Literal["BEFORE", "DURING", "AFTER"]


Config = TypeVar("Config", bound=Form)


class Action(NamedTuple):
    """One action of an organisation. `config` holds its secrets in clear; it never leaves the process like that."""

    organisation_id: UUID
    id: UUID
    name: str
    description: str
    type: str
    timing: Timing
    is_active: bool
    config: Any
    created_at: datetime
    updated_at: datetime


async def _all_right(kit: Kit, organisation_id: UUID, config: Any) -> None:
    return None


def _no_secrets(config: Json) -> list[Path]:
    return []


async def _no_tools(run: Run, action: Action, name: str) -> list[Tool]:
    return []


@dataclass(frozen=True, kw_only=True)
class ActionType(Generic[Config]):
    """`name` is the type's name in the API: "WEBHOOK". `schema` is what a body has beside the fields that all actions have.

    tools     what the model is offered; the first tool does the action itself. `name` is free to be used, and may be prolonged.
              One that needs nothing of the model (no required parameter) can run BEFORE and AFTER a conversation without it.
    voice     it is for telephone calls: kept, shown, and never offered on WhatsApp
    early     the action runs BEFORE a conversation whatever its timing says
    check     raises Invalid for what a schema cannot see, with the field's whole path ("webhook.url")
    secrets, bound_to   as for a Capability
    """

    name: str
    schema: type[Config]
    tools: Callable[[Run, Action, str], Awaitable[Sequence[Tool]]] = _no_tools
    voice: bool = False
    early: Callable[[Config], bool] = lambda config: False
    check: Callable[[Kit, UUID, Config], Awaitable[None]] = _all_right
    secrets: Callable[[Json], list[Path]] = _no_secrets
    bound_to: Callable[[Json], Any] | None = None
    description_required: bool = True


def asked(mandatory: bool) -> Confirm:
    """Who agrees first, where `mandatory` means that the customer is asked."""
    return "customer" if mandatory else "outside"


def mandatory_words(mandatory: bool) -> str:
    """What a tool's description gains where the action must have ended before the agent goes on."""
    return " Do this, and wait for what comes of it, before you go on with the conversation." if mandatory else ""
